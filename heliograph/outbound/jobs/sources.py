"""Getting a list of recipients: from an upload, the operator's folder, the web or S3, into a file beside its ledger.

The web is asked through `egress`, so that no list is fetched from our own network on somebody's word. Buckets are only
those that the operator names (`jobs_buckets`), because they are read with the machine's own credentials.
"""

from __future__ import annotations

import asyncio
import importlib
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urljoin

from heliograph.egress import Answer, Egress
from heliograph.errors import NotFound
from heliograph.outbound.jobs import uploads
from heliograph.outbound.jobs.reading import Failure
from heliograph.settings import Settings

TIMEOUT = 3600.0
"""Seconds for one list over the web."""
REDIRECTS = 3
TRANSFER_ERROR = "Transfer Error"  # S1:L235


class Later(NamedTuple):
    """It could not be got just now, and why: worth another try."""

    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Where lists come from."""

    data: Path
    egress: Egress
    settings: Settings

    async def fetch(self, account: str, source: str, target: Path) -> Failure | Later | None:
        """Have the list in `target`, as it was packed. None when it is there."""
        scheme, _, rest = source.partition(":")
        if scheme == "upload":
            return await asyncio.to_thread(self._link, account, rest, target)
        if scheme == "file":
            return await asyncio.to_thread(self._copy, rest, target)
        if scheme == "s3":
            return await asyncio.to_thread(self._from_bucket, source, target)
        return await self._from_web(source, target)

    def _link(self, account: str, upload: str, target: Path) -> Failure | None:
        try:
            found = uploads.find(self.data, account, upload)
        except NotFound:
            return unreachable(f"upload:{upload}", "there is no such upload, or it is over a week old")
        target.unlink(missing_ok=True)
        os.link(found, target)
        return None

    def _copy(self, name: str, target: Path) -> Failure | None:
        source = f"file:{name}"
        if not self.settings.jobs_folder:
            return unreachable(source, "no folder is open to jobs (jobs_folder)")
        folder = Path(self.settings.jobs_folder).resolve()
        path = (folder / name).resolve()
        if not path.is_relative_to(folder) or not path.is_file():
            return unreachable(source, "there is no such file in the folder")
        if path.stat().st_size > self.settings.jobs_list_limit:
            return unreachable(source, _too_large(self.settings))
        try:
            shutil.copyfile(path, target)
        except OSError as error:
            return unreachable(source, f"it cannot be read: {error.strerror}")
        return None

    async def _from_web(self, source: str, target: Path) -> Failure | Later | None:
        url = source
        for _ in range(REDIRECTS + 1):
            with target.open("wb") as file:
                answer = await self.egress.fetch(url, file, TIMEOUT, cap=self.settings.jobs_list_limit)
            if not isinstance(answer, Answer):
                if answer.kind == "refused":
                    return unreachable(source, answer.reason)
                return Later(f"{answer.kind}: {answer.reason}")
            if answer.truncated:
                return unreachable(source, _too_large(self.settings))
            if answer.status == 200:
                return None
            if answer.status in (429, 500, 502, 503, 504):
                return Later(f"the server answered {answer.status}")
            where = answer.headers.get("location", "")
            if answer.status not in (301, 302, 303, 307, 308) or not where:
                return unreachable(source, f"the server answered {answer.status}")
            url = urljoin(url, where)
        return unreachable(source, f"it is redirected more than {REDIRECTS} times")

    def _from_bucket(self, source: str, target: Path) -> Failure | Later | None:
        bucket, _, key = source.removeprefix("s3://").partition("/")
        if bucket not in self.settings.jobs_buckets:
            return unreachable(source, f"the bucket {bucket} is not open to jobs (jobs_buckets)")
        try:
            boto3 = importlib.import_module("boto3")
            faults: Any = importlib.import_module("botocore.exceptions")
            transfer: Any = importlib.import_module("boto3.exceptions")
        except ImportError:
            return unreachable(source, "files in S3 need the extra: pip install 'heliograph[aws]'")
        try:
            client = boto3.client("s3")
            if client.head_object(Bucket=bucket, Key=key)["ContentLength"] > self.settings.jobs_list_limit:
                return unreachable(source, _too_large(self.settings))
            client.download_file(bucket, key, str(target))
        except faults.ClientError as error:
            status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
            why = "The specified key does not exist." if status == 404 else str(error)
            return Later(why) if status >= 500 else unreachable(source, why)
        except (faults.BotoCoreError, transfer.Boto3Error) as error:
            return Later(str(error))
        return None


def unreachable(source: str, why: str) -> Failure:
    """A list that cannot be got, in the words of the document (S1:L235)."""
    return Failure(code=TRANSFER_ERROR, message=f"Error retrieving file: {source} - {why}")


def _too_large(settings: Settings) -> str:
    return f"it has more than {settings.jobs_list_limit} bytes (jobs_list_limit)"
