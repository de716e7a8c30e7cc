"""What several visits tell together that none tells alone. Pure: what was seen in the last minute -> who is found out.

Rules of STD-6 and of the field: scanners come in bursts, a median of 43 seconds after the mail and seldom within ten,
all links in under a second, often with a browser's name from an address of no repute. So fan-out decides, not haste.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from msgspec.structs import replace

from heliograph.clock import SECOND
from heliograph.events.engagement import TRAP, ReaderJudged
from heliograph.readers import in_mode

Kind = Literal["open", "image", "click", "vote"]

BURSTS = ((3, 2 * SECOND), (2, SECOND // 2))
"""So many different links of one message within so many microseconds: no hand does that."""

CROWDS: dict[str, int] = {"click": 5, "vote": 5, "open": 20, "image": 20}
CROWD_WITHIN = 3 * SECOND
"""So many recipients from one address with one User-Agent within three seconds. An office behind one address opens
what has just come almost at once, so opens need more."""

COMPANY = 60 * SECOND
"""How long before and after a burst or the hidden link the same address and User-Agent are the same scanner."""
CLOSE = 10 * SECOND
"""How close to the hidden link any click on the message is the scanner's, from whatever address: many have several."""

BURST = "all links at once"
HIDDEN = "the hidden link"
CROWD = "many recipients from one place"
LATER = "a person came later"

_SAYS = {
    BURST: "several links of one message were followed within two seconds",
    HIDDEN: "a link was followed that no person can see",
    CROWD: "the same address and User-Agent came for several recipients within three seconds",
    LATER: "it was fetched ahead, and a person looked at or clicked in the message after that",
}


@dataclass(slots=True)
class Seen:
    """One visit and what is thought of it. `about`: the message, ours or somebody's with a tracking code; `place`:
    address and a digest of the User-Agent, the address empty where none is kept. `at` in microseconds."""

    event: str
    account: str
    subject: str
    kind: Kind
    about: str
    at: int
    address: str
    agent: str
    url: str
    name: str
    verdict: ReaderJudged

    @property
    def place(self) -> tuple[str, str]:
        """From where, with what."""
        return self.address, self.agent


class Finding(NamedTuple):
    """A visit that was a scanner's, and by which rule."""

    seen: Seen
    rule: str


def findings(new: Seen, near: Sequence[Seen], beside: Sequence[Seen]) -> list[Finding]:
    """Who is found out by a new visit: among those to the same message in the last minute (`near`), and those from
    the same place in the last seconds (`beside`); the new one is in both. Each once, by the first rule."""
    found: dict[str, Finding] = {}
    for finding in (*_hidden(new, near), *_burst(new, near), *_crowd(new, beside)):
        if not is_machine(finding.seen.verdict):
            found.setdefault(finding.seen.event, finding)
    return list(found.values())


def is_machine(verdict: ReaderJudged) -> bool:
    """Whether it is settled that no person did it."""
    return verdict.reader in ("scanner", "bot")


def condemned(verdict: ReaderJudged, rule: str) -> ReaderJudged:
    """The verdict that a visit was a scanner's; what was seen of its client stays."""
    return _with(verdict, "scanner", rule, reliable=False)


def is_ahead(verdict: ReaderJudged) -> bool:
    """Whether this was fetched ahead, or by who knows whom, so that a person who comes later makes it count."""
    return verdict.reader in ("privacy_proxy", "prefetch", "unknown") and not verdict.reliable


def confirms(later: Seen, ahead: Seen) -> bool:
    """Whether a later visit is a person's who has the message that was fetched ahead: with a whole browser or mail
    client, from another address where addresses are kept."""
    elsewhere = later.address != ahead.address or not later.address
    return later.verdict.reader == "human" and later.agent != ahead.agent and elsewhere


def upgraded(verdict: ReaderJudged) -> ReaderJudged:
    """The verdict that a fetch ahead stands for a person after all."""
    return _with(verdict, "human", LATER, reliable=True)


def drawn(verdict: ReaderJudged, mode: str) -> ReaderJudged:
    """The verdict on an open that was drawn in these colours; Apple's programs are told apart by them."""
    specific = in_mode(verdict.mail_client, verdict.mail_client_specific, mode)
    return replace(verdict, mode=mode, mail_client_specific=specific)


def _with(
    verdict: ReaderJudged, reader: Literal["human", "scanner"], rule: str, *, reliable: bool
) -> ReaderJudged:
    return ReaderJudged(
        event=verdict.event,
        reader=reader,
        reason=f"{rule}: {_SAYS[rule]}",
        reliable=reliable,
        mail_client=verdict.mail_client,
        mail_client_specific=verdict.mail_client_specific,
        rendering_engine=verdict.rendering_engine,
        platform=verdict.platform,
        mode=verdict.mode,
    )


def _hidden(new: Seen, near: Sequence[Seen]) -> Iterator[Finding]:
    for trap in near:
        if trap.name != TRAP:
            continue
        for one in near if trap is new else (new,):
            apart = abs(one.at - trap.at)
            if one is trap or (one.place == trap.place and apart <= COMPANY) or _close(one, apart):
                yield Finding(one, HIDDEN)


def _close(one: Seen, apart: int) -> bool:
    return one.kind == "click" and apart <= CLOSE


def _burst(new: Seen, near: Sequence[Seen]) -> Iterator[Finding]:
    if new.kind != "click":
        return
    for links, within in BURSTS:
        clicks = [one for one in near if one.kind == "click" and new.at - one.at <= within]
        if len(clicks) >= links and len({one.url for one in clicks}) >= links:
            yield from (Finding(one, BURST) for one in clicks)
            places = {one.place for one in clicks}
            yield from (Finding(one, BURST) for one in near if one.place in places)
            return


def _crowd(new: Seen, beside: Sequence[Seen]) -> Iterator[Finding]:
    if not new.address or not _ordinary(new):
        return
    same = [one for one in beside if one.kind == new.kind and new.at - one.at <= CROWD_WITHIN]
    if len(_recipients(same)) >= CROWDS[new.kind]:
        yield from (Finding(one, CROWD) for one in same if _ordinary(one))


def _recipients(visits: Iterable[Seen]) -> set[str]:
    return {one.subject for one in visits}


def _ordinary(one: Seen) -> bool:
    """Not a proxy, from which many recipients come by its nature."""
    return one.verdict.reader in ("human", "unknown")
