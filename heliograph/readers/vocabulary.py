"""What is asked and what is answered: a `Visit`, who it was (`Who`), and with what (`Reader`).

The words of mail clients, engines and platforms are those of wire-facts 2.3.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

ReaderClass = Literal["human", "privacy_proxy", "image_proxy", "prefetch", "scanner", "bot", "unknown"]
"""human: a person's own mail client or browser. privacy_proxy: Apple's, fetching ahead whether anybody looks or not.
image_proxy: a provider's cache, which mostly fetches when somebody looks (Gmail, Yahoo!/AOL). prefetch: fetched ahead
by something else. scanner: security software. bot: a script, a crawler, a link preview. unknown: nobody we know."""

VisitKind = Literal["open", "image", "click", "vote"]
Engine = Literal["Webkit", "Explorer", "MSWord", "Firefox", "Other"]
Platform = Literal["desktop", "webmail", "mobile", "image cache", ""]

_APPLE = frozenset(("Apple Mail", "Apple iPhone", "Apple iPad"))

NO_ACCEPT = "none"
"""The `accept` of a request that has no such header, as opposed to one of which we do not know."""


class Visit(NamedTuple):
    """One request, as far as it is known. `network`: the published range that the address is in, where that was
    found already (an account may keep no addresses). `purpose`: what Purpose, Sec-Purpose or X-Moz said. `after`:
    seconds since the message was handed over; negative never, 0 while it was. `mode`: dark or light, where told."""

    kind: VisitKind = "open"
    user_agent: str = ""
    method: str = "GET"
    address: str = ""
    network: str = ""
    referrer: str = ""
    accept: str = ""
    purpose: str = ""
    after: float | None = None
    mode: str = ""


class Who(NamedTuple):
    """Who it was. `rule` decided, `says` why in words; `reliable`: it can be counted as somebody reading."""

    reader: ReaderClass
    rule: str
    says: str
    reliable: bool

    @property
    def reason(self) -> str:
        """The rule's name and its words."""
        return f"{self.rule}: {self.says}"

    @property
    def prefetched(self) -> bool:
        """Fetched ahead of time, whether anybody looks or not (PER-8)."""
        return self.reader in ("privacy_proxy", "prefetch")


class Reader(NamedTuple):
    """Who it was and with what. Texts are empty where nothing is known; an engine that is not known is `Other`."""

    reader: ReaderClass
    rule: str
    says: str
    reliable: bool
    mail_client: str = ""
    mail_client_specific: str = ""
    rendering_engine: Engine = "Other"
    platform: Platform = ""

    @property
    def reason(self) -> str:
        """The rule's name and its words."""
        return f"{self.rule}: {self.says}"

    @property
    def prefetched(self) -> bool:
        """Fetched ahead of time, whether anybody looks or not (PER-8)."""
        return self.reader in ("privacy_proxy", "prefetch")

    @property
    def friendly_name(self) -> str:
        """`Outlook 2010`, but `Gmail Using Explorer` and `Apple iPad iPad` (wire-facts 2.3)."""
        return friendly_name(self.mail_client, self.mail_client_specific)


def in_mode(client: str, specific: str, mode: str) -> str:
    """The specific name of a mail client that draws in dark or light colours: Apple's are told apart by them (LH-405)."""
    return f"{specific} {mode.capitalize()} Mode" if mode and client in _APPLE else specific


def friendly_name(client: str, specific: str) -> str:
    """The specific name where it begins with the client's, else both."""
    return specific if specific.startswith(client) else f"{client} {specific}".strip()
