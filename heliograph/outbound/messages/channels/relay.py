"""Where mail is handed over: the relays of the settings, their URLs taken apart, checked once, at the start."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Literal, NamedTuple
from urllib.parse import urlsplit

from heliograph.errors import OperatorError
from heliograph.outbound.messages.mail.headers import header_value
from heliograph.settings import Settings, public_url
from heliograph.settings.relays import RelaySettings

Security = Literal["plain", "tls", "starttls"]

_SCHEMES: dict[str, tuple[Security, int]] = {
    "smtp": ("plain", 25),
    "smtps": ("tls", 465),
    "smtp+starttls": ("starttls", 587),
}
"""What each scheme means, and its port where none is given (RFC 5321, RFC 8314)."""


class Relay(NamedTuple):
    """A server to hand mail over to. `greeting`: what we call ourselves in EHLO (RFC 5321 4.1.1.1). The rest as
    `settings.RelaySettings` has it; `timeout` in seconds, `headers` as lines."""

    host: str
    port: int
    security: Security
    user: str
    password: str
    greeting: str
    name: str = ""
    connections: int = 8
    rate: float = 0.0
    timeout: float = 60.0
    order: int = 0
    weight: int = 1
    accounts: frozenset[str] = frozenset()
    domains: tuple[str, ...] = ()
    provider: str = ""
    final: bool = False
    headers: tuple[str, ...] = ()

    @property
    def shown(self) -> str:
        """What events and logs call it."""
        return f"smtp:{self.name}" if self.name else f"smtp:{self.host}:{self.port}"

    def serves(self, account: str, domain: str) -> bool:
        """Whether it takes this account's mail, from an address of this domain."""
        if self.accounts and account not in self.accounts:
            return False
        domain = f".{domain.lower()}"
        return not self.domains or any(domain.endswith(f".{known.lower()}") for known in self.domains)


def relays_of(settings: Settings) -> tuple[Relay, ...]:
    """The relays that the settings name: `smtp_relay`, then `relays`. Raises `OperatorError`, naming the setting."""
    found = []
    if settings.smtp_relay:
        found.append(
            RelaySettings(
                name="smtp_relay",
                url=settings.smtp_relay,
                user=settings.smtp_user,
                password=settings.smtp_password,
                connections=settings.smtp_connections,
                provider=settings.smtp_provider,
            )
        )
    found.extend(settings.relays)
    names = [relay.name for relay in found]
    if len(set(names)) != len(names):
        raise OperatorError("two of the relays have one name")
    return tuple(_relay(relay, settings) for relay in found)


def _relay(said: RelaySettings, settings: Settings) -> Relay:
    single = said.name == "smtp_relay"
    setting = said.name if single else f"relays, {said.name}: url"
    security, host, port = _place(said.url, setting)
    if said.user and security == "plain" and not _loopback(host):
        raise OperatorError(
            f"{setting}: a login with smtp:// would send the password in the clear: "
            "use smtps:// or smtp+starttls://"
        )
    return Relay(
        host=host,
        port=port,
        security=security,
        user=said.user,
        password=said.password,
        greeting=_greeting(settings),
        name="" if single else said.name,
        connections=said.connections,
        rate=said.rate,
        timeout=said.timeout or settings.smtp_timeout,
        order=said.order,
        weight=said.weight,
        accounts=frozenset(said.accounts),
        domains=said.domains,
        provider=said.provider,
        final=settings.smtp_final if said.final is None else said.final,
        headers=tuple(_header(setting, name, value) for name, value in said.headers.items()),
    )


def _place(text: str, setting: str) -> tuple[Security, str, int]:
    url = urlsplit(text)
    form = f"{setting} must be smtp://HOST:PORT, smtps://HOST:PORT or smtp+starttls://HOST:PORT"
    try:
        host, port = url.hostname, url.port
    except ValueError as error:
        raise OperatorError(f"{form}: {error}") from error
    if url.scheme not in _SCHEMES or not host or url.path.strip("/") or url.query:
        raise OperatorError(f"{form}, not {url.scheme}://{url.hostname or ''}")
    if url.username or url.password:
        raise OperatorError(
            f"{setting} must not hold a login, which would be shown: set "
            + ("smtp_user and smtp_password" if setting == "smtp_relay" else "user and password")
        )
    security, usual = _SCHEMES[url.scheme]
    return security, host, port or usual


def _header(setting: str, name: str, value: str) -> str:
    try:
        return f"{name}: {header_value(name, value)}"
    except ValueError as error:
        raise OperatorError(f"{setting}: {error}") from error


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
