"""Readers: the share right on labelled visits, per label; judgements a second, cold and warm; verdicts a second.

The labelled visits are `readers.tsv`, which says how it came about. One request does not tell every scanner, so
sessions are made too, as the field describes them, and go through the reaction that judges again.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import ua_parser

from benchmarks.report import Row
from heliograph.accounts.directory import Directory
from heliograph.accounts.model import Account
from heliograph.clock import SECOND
from heliograph.database import METADATA, open_state
from heliograph.events import codec
from heliograph.events.engagement import LinkClicked, MessageOpened, ReaderJudged
from heliograph.events.event import AnyEvent
from heliograph.react import judgement
from heliograph.readers import Readers, Visit
from heliograph.signing import Keyring

LABELLED = Path(__file__).with_name("readers.tsv")
AGENTS = 6_000
SESSIONS = 2_000
LINKS = 8
BATCH = 500
ACCOUNT = "100000000001"
CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{}.0.0.0 Safari/537.36"


class Labelled(NamedTuple):
    """One line: which set it is of, what is right, and the visit."""

    held_out: bool
    label: str
    client: str
    visit: Visit


def labelled() -> list[Labelled]:
    """The lines of the file."""
    lines = LABELLED.read_text(encoding="utf-8").splitlines()
    return [_line(line) for line in lines if line and not line.startswith("#")]


def readers(scratch: Path) -> list[Row]:
    """Everything."""
    return [*_right(), *_speed(), *_sessions(scratch)]


def shown_client(judged: Any) -> str:
    """The client as the file writes it."""
    parts = (judged.mail_client, judged.mail_client_specific, judged.rendering_engine, judged.platform)
    return " / ".join(parts).strip()


def _line(line: str) -> Labelled:
    chosen, label, kind, address, said, client, agent = line.split("\t")
    facts: dict[str, Any] = {}
    for fact in said.split(";") if said else ():
        name, equals, value = fact.partition("=")
        if equals and name in Visit._fields:
            facts[name] = float(value) if name == "after" else value
            last = name
        else:  # a header's own semicolon
            facts[last] += f";{fact}"
    visit = Visit(kind=kind, user_agent=agent, address=address, **facts)  # type: ignore[arg-type]
    return Labelled(chosen == "held", label, client, visit)


def _right() -> Iterator[Row]:
    judge = Readers().judge
    every = labelled()
    for label in dict.fromkeys(one.label for one in every):
        for held_out in (False, True):
            mine = [one for one in every if one.label == label and one.held_out is held_out]
            yield _share(f"{label}, {_set(held_out)}", [judge(one.visit).reader == label for one in mine])
    for held_out in (False, True):
        mine = [one for one in every if one.client and one.held_out is held_out]
        right = [shown_client(judge(one.visit)) == one.client for one in mine]
        yield _share(f"client, version, engine, platform, {_set(held_out)}", right)
    for held_out in (False, True):
        mine = [one for one in every if one.held_out is held_out]
        yield _share(f"all labels, {_set(held_out)}", [judge(one.visit).reader == one.label for one in mine])


def _set(held_out: bool) -> str:
    return "held out" if held_out else "known"


def _share(what: str, right: list[bool]) -> Row:
    share = sum(right) / len(right)
    return Row(what, f"{share:.1%} ({sum(right)} of {len(right)})", value=share)


def _speed() -> Iterator[Row]:
    every = Readers()
    every.judge(Visit(user_agent="the first costs a tenth of a second: ua-parser's patterns"))
    visits = [
        Visit("click", CHROME.format(n), "GET", f"203.0.{n % 250}.{n // 250}", accept="text/html")
        for n in range(AGENTS)
    ]
    for name, ask in (("who", every.who), ("who and with what", every.judge)):
        for how in ("cold", "warm"):
            start = time.perf_counter()
            for visit in visits:
                ask(visit)
            rate = len(visits) / (time.perf_counter() - start)
            if name == "who and with what":
                yield _against_parser(how, rate, visits)
                continue
            yield Row(f"{name}, {how}", f"{rate:,.0f}/s, {1e6 / rate:.1f} us each", value=rate)
        visits = [visit._replace(user_agent=f"{visit.user_agent} again") for visit in visits]


def _against_parser(how: str, rate: float, visits: list[Visit]) -> Row:
    """Beside ua-parser alone, which finds browser, system and device, and keeps what it found as well."""
    for visit in visits if how == "warm" else ():
        ua_parser.parse(visit.user_agent)
    agents = [visit.user_agent if how == "warm" else f"{visit.user_agent} other" for visit in visits]
    start = time.perf_counter()
    for agent in agents:
        ua_parser.parse(agent)
    alone = len(agents) / (time.perf_counter() - start)
    figure = f"{rate:,.0f}/s, {1e6 / rate:.1f} us each"
    return Row(f"who and with what, {how}", figure, "ua-parser alone", ratio=rate / alone, value=rate)


class _Session(NamedTuple):
    machine: bool
    visits: list[AnyEvent]


def _sessions(scratch: Path) -> Iterator[Row]:
    dice = random.Random(5)  # noqa: S311 - a sample
    sessions = [_session(dice, number, number % 2 == 0) for number in range(SESSIONS)]
    events = sorted((event for one in sessions for event in one.visits), key=lambda event: event.at)
    account = Account(number=ACCOUNT, store_id="A")
    directory = Directory([account], [], Keyring({1: b"k" * 32}, 1))
    every = Readers()
    every.judge(Visit(user_agent="the first costs a tenth of a second"))
    reaction = judgement.reaction(directory, every)
    engine = open_state(scratch)
    METADATA.create_all(engine)
    first: dict[str, str] = {}
    last: dict[str, str] = {}
    verdicts, start = 0, time.perf_counter()
    for begin in range(0, len(events), BATCH):
        with engine.begin() as connection:
            made = reaction.decide(connection, events[begin : begin + BATCH], events[begin].at)
        verdicts += len(made)
        for event in made:
            assert isinstance(event.data, ReaderJudged)
            first.setdefault(event.data.event, event.data.reader)
            last[event.data.event] = event.data.reader
    seconds = time.perf_counter() - start
    engine.dispose()
    yield Row(
        "visits judged by the reaction, state on disk",
        f"{len(events) / seconds:,.0f}/s, {verdicts / len(events):.2f} verdicts each",
        value=len(events) / seconds,
    )
    clicks = {
        machine: [
            event.id
            for one in sessions
            if one.machine is machine
            for event in one.visits
            if event.kind == LinkClicked.kind
        ]
        for machine in (True, False)
    }
    for when, verdict in (("at once", first), ("in the end", last)):
        yield _share(
            f"clicks of scanners with a browser's name, {when}",
            [verdict[e] == "scanner" for e in clicks[True]],
        )
        yield _share(f"clicks of people, {when}", [verdict[e] == "human" for e in clicks[False]])


def _session(dice: random.Random, number: int, machine: bool) -> _Session:
    """A mail's visits: a scanner opens, and half a minute later follows all links within a second (STD-6, field: a
    median of 43 s); a person opens, and follows one or two links with some seconds between."""
    message, at = f"message-{number}", 1_700_000_000 * SECOND + dice.randrange(3600 * SECOND)
    address, agent = f"198.18.{number % 250}.{number // 250}", CHROME.format(100 + dice.randrange(40))
    facts: dict[str, Any] = {"message": message, "ip": address, "user_agent": agent}

    def event(data: MessageOpened | LinkClicked) -> AnyEvent:
        return codec.make(data, account=ACCOUNT, subject=f"person:{number}", now=at)

    visits = [event(MessageOpened(**facts, method="GET"))]
    at += int(dice.lognormvariate(3.7 if machine else 2.0, 0.8) * SECOND)
    chosen = range(LINKS) if machine else dice.sample(range(LINKS), dice.choice((1, 1, 1, 2)))
    for link in chosen:
        url = f"https://shop.example/{link}"
        visits.append(event(LinkClicked(**facts, url=url, link=link, accept="text/html,*/*;q=0.8")))
        at += int((dice.uniform(0.02, 0.2) if machine else dice.uniform(1.5, 40)) * SECOND)
    return _Session(machine, visits)
