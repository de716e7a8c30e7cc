"""SFTP: `sftp://USER@HOST[:PORT]/PATH`, with a key or a password, to hosts whose key is known (extra `sftp`).

A path that begins with `/~/` is below the user's own folder.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from heliograph.outbound.daily.target import Exists, Failed, Outcome, Put, Target
from heliograph.settings import Settings

CONNECT_SECONDS = 30


async def put(address: str, files: Sequence[Path], settings: Settings) -> list[Outcome]:
    """Upload under a hidden name, then rename, which a server refuses where the name is taken (RFC draft
    filexfer-02, section 6.5)."""
    try:
        ssh = importlib.import_module("asyncssh")
    except ImportError:
        return [Failed("sftp:// needs the extra: pip install 'heliograph[sftp]'")] * len(files)
    try:
        parts = urlsplit(address)
        folder = PurePosixPath(unquote(parts.path).removeprefix("/~/") or ".")
        async with (
            ssh.connect(parts.hostname or "", parts.port or 22, **_login(parts.username, settings)) as line,
            line.start_sftp_client() as sftp,
        ):
            return [await _put(ssh, sftp, folder, file) for file in files]
    except (OSError, ValueError, ssh.Error) as error:  # ValueError: no such port, no such key
        return [Failed(f"{_shown(address)}: {error or type(error).__name__}")] * len(files)


async def _put(ssh: Any, sftp: Any, folder: PurePosixPath, file: Path) -> Outcome:
    name, part = str(folder / file.name), str(folder / f".{file.name}.part")
    try:
        if await sftp.exists(name):
            return Exists()
        await sftp.put(str(file), part)
        try:
            await sftp.rename(part, name)
        except ssh.SFTPError as error:
            await sftp.remove(part)
            return Exists() if await sftp.exists(name) else Failed(f"{name}: {error.reason}")
    except (OSError, ssh.Error) as error:
        return Failed(f"{name}: {error or type(error).__name__}")
    return Put()


def _shown(address: str) -> str:
    """Without a login, which may be wrong in any way."""
    return "sftp://" + address.rpartition("@")[2].removeprefix(TARGET.scheme)


def _login(user: str | None, settings: Settings) -> dict[str, Any]:
    known: dict[str, Any] = {"connect_timeout": CONNECT_SECONDS, "agent_path": None}
    if user:
        known["username"] = unquote(user)
    if settings.sftp_key:
        known["client_keys"] = [settings.sftp_key]
    if settings.sftp_password:
        known["password"] = settings.sftp_password
    if settings.sftp_known_hosts:
        known["known_hosts"] = settings.sftp_known_hosts
    return known


TARGET = Target(scheme="sftp://", put=put)
