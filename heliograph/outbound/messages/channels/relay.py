"""Where mail is handed over: the relay's URL taken apart, checked once, at the start."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Literal, NamedTuple
from urllib.parse import urlsplit

from heliograph.errors import OperatorError
from heliograph.settings import Settings, public_url

Security = Literal["plain", "tls", "starttls"]

_SCHEMES: dict[str, tuple[Security, int]] = {
    "smtp": ("plain", 25),
    "smtps": ("tls", 465),
    "smtp+starttls": ("starttls", 587),
}
"""What each scheme means, and its port where none is given (RFC 5321, RFC 8314)."""


class Relay(NamedTuple):
    """A server to hand mail over to. `greeting`: what we call ourselves in EHLO (RFC 5321 4.1.1.1)."""

    host: str
    port: int
    security: Security
    user: str
    password: str
    greeting: str


def relay_of(settings: Settings) -> Relay | None:
    """The relay that the settings name; None: there is none. Raises `OperatorError`, naming the setting."""
    if not settings.smtp_relay:
        return None
    url = urlsplit(settings.smtp_relay)
    form = "smtp_relay must be smtp://HOST:PORT, smtps://HOST:PORT or smtp+starttls://HOST:PORT"
    try:
        host, port = url.hostname, url.port
    except ValueError as error:
        raise OperatorError(f"{form}: {error}") from error
    if url.scheme not in _SCHEMES or not host or url.path.strip("/") or url.query:
        raise OperatorError(f"{form}, not {url.scheme}://{url.hostname or ''}")
    if url.username or url.password:
        raise OperatorError(
            "smtp_relay must not hold a login, which would be shown: set smtp_user and smtp_password"
        )
    security, usual = _SCHEMES[url.scheme]
    if settings.smtp_user and security == "plain" and not _loopback(host):
        raise OperatorError(
            "smtp_user with an smtp:// relay would send the password in the clear: use smtps:// or smtp+starttls://"
        )
    return Relay(
        host, port or usual, security, settings.smtp_user, settings.smtp_password, _greeting(settings)
    )


def _loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _greeting(settings: Settings) -> str:
    host = urlsplit(public_url(settings)).hostname or "localhost"
    try:
        address = ip_address(host)
    except ValueError:
        return host
    return f"[IPv6:{address}]" if address.version == 6 else f"[{address}]"
