"""What a report says: counts added up into the figures that people ask for. Pure.

Every figure is defined in docs/how-to/reports.md. Reports on mail clients and on reading leave out opens that tell of
no reader (LIT-14); the shares of dark and light are of all opens. People and machines stand side by side, and nothing is
taken out of a total.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping

import msgspec

from heliograph.events.engagement import TRAP
from heliograph.react.state.reports.cells import RETURNED, Cell, about, friendly

CATEGORIES = {"Read": "read", "Skimmed": "skimmed", "Glanced": "glanced", "Not Supported": "not_supported"}
"""What `message.read` calls it (LIT-8), and what `Reading` does."""


class Unique(msgspec.Struct, frozen=True, kw_only=True):
    """How many people, each once: all that are named, those of whom a person's visit is known, those with a reliable
    one."""

    all: int = 0
    by_person: int = 0
    reliable: int = 0


class Mail(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the messages, each counted once for each of these."""

    requested: int = 0
    cancelled: int = 0
    refused: int = 0
    render_failed: int = 0
    attempted: int = 0
    deferred: int = 0
    in_doubt: int = 0
    sent: int = 0
    acknowledged: int = 0
    bounced: int = 0
    delivered: int = 0
    complained: int = 0
    unsubscribed: int = 0


class Modes(msgspec.Struct, frozen=True, kw_only=True):
    """All opens by how they were displayed; the three make up the total."""

    dark: int = 0
    light: int = 0
    unknown: int = 0


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """Reliable opens by how long they lasted (LIT-8); `unmeasured`: not known, or not yet. `mean_seconds` is of those
    that were measured, each at most 20."""

    read: int = 0
    skimmed: int = 0
    glanced: int = 0
    not_supported: int = 0
    unmeasured: int = 0
    mean_seconds: float | None = None


class Opens(msgspec.Struct, frozen=True, kw_only=True):
    """Opens, none of them merged (LIT-13). `by_person` and `by_machine` and `unjudged` make up the total, and so do
    `reliable`, `unreliable` and `unjudged`; `readers` has the total by who it was."""

    total: int = 0
    by_person: int = 0
    by_machine: int = 0
    unjudged: int = 0
    reliable: int = 0
    unreliable: int = 0
    unique: Unique = Unique()
    readers: dict[str, int] = {}
    modes: Modes = Modes()


class Client(msgspec.Struct, frozen=True, kw_only=True):
    """Reliable opens with one client, version, engine or platform; `share` is of all reliable opens."""

    name: str
    opens: int
    share: float
    reading: Reading


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """Clicks on one link: by its name, else its address without query and fragment."""

    link: str
    total: int
    by_person: int
    unique: Unique


class Clicks(msgspec.Struct, frozen=True, kw_only=True):
    """Clicks, as `Opens`. `trap`: on the hidden link, which no person can see; part of the total."""

    total: int = 0
    by_person: int = 0
    by_machine: int = 0
    unjudged: int = 0
    trap: int = 0
    unique: Unique = Unique()
    readers: dict[str, int] = {}
    links: list[Link] = []


class Bounces(msgspec.Struct, frozen=True, kw_only=True):
    """Bounced messages by class and by category, and refusals of our own by category."""

    classes: dict[str, int] = {}
    categories: dict[str, int] = {}
    refusals: dict[str, int] = {}


class Rates(msgspec.Struct, frozen=True, kw_only=True):
    """Shares from 0 to 1; None where there is nothing to divide by. `delivered` and `bounced` are of all messages with an
    outcome, the others of those delivered, but `click_to_open` of unique openers. Opens and clicks are counted as
    `unique.by_person`."""

    delivered: float | None = None
    bounced: float | None = None
    opened: float | None = None
    clicked: float | None = None
    click_to_open: float | None = None
    unsubscribed: float | None = None
    complained: float | None = None


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that is counted of one campaign, job, automation, template or tracking code."""

    mail: Mail = Mail()
    bounces: Bounces = Bounces()
    opens: Opens = Opens()
    reading: Reading = Reading()
    clients: list[Client] = []
    specific_clients: list[Client] = []
    engines: list[Client] = []
    platforms: list[Client] = []
    prints: int = 0
    forwards: int = 0
    clicks: Clicks = Clicks()
    rates: Rates = Rates()


Counted = list[tuple[Cell, int]]


def report(counted: Iterable[tuple[Cell, int]], unique: Mapping[int, Unique]) -> Report:
    """The report that counts add up to; `unique` by `cells.about`."""
    by_what: defaultdict[str, Counted] = defaultdict(list)
    for cell, n in counted:
        by_what[cell.what].append((cell, n))
    totals = {what: sum(n for _, n in some) for what, some in by_what.items()}
    known = {name: totals.get(name, 0) for name in Mail.__struct_fields__}
    mail = Mail(**{**known, "delivered": known["sent"] - totals.get(RETURNED, 0)})
    opens, clicks = _opens(by_what["open"], unique), _clicks(by_what["click"], unique)
    reliable = [(cell, n) for cell, n in by_what["open"] if cell.reliable]
    return Report(
        mail=mail,
        bounces=Bounces(
            classes=_tally(by_what["bounced"], lambda cell: cell.bounce_class),
            categories=_tally(by_what["bounced"], lambda cell: cell.detail),
            refusals=_tally(by_what["refused"], lambda cell: cell.detail),
        ),
        opens=opens,
        reading=reading(reliable),
        clients=_clients(reliable, lambda cell: cell.mail_client),
        specific_clients=_clients(reliable, friendly),
        engines=_clients(reliable, lambda cell: cell.rendering_engine),
        platforms=_clients(reliable, lambda cell: cell.platform),
        prints=totals.get("print", 0),
        forwards=totals.get("forward", 0),
        clicks=clicks,
        rates=_rates(mail, opens, clicks),
    )


def reading(opens: Counted) -> Reading:
    """How long these opens lasted."""
    found = _tally(opens, lambda cell: CATEGORIES.get(cell.category, "unmeasured"))
    timed = [(cell.seconds, n) for cell, n in opens if cell.seconds is not None and cell.seconds >= 0]
    number = sum(n for _, n in timed)
    mean = round(sum(seconds * n for seconds, n in timed) / number, 2) if number else None
    return Reading(mean_seconds=mean, **found)


def share(part: int, whole: int) -> float | None:
    """A part of a whole to four places; None of nothing."""
    return round(part / whole, 4) if whole else None


def _opens(opens: Counted, unique: Mapping[int, Unique]) -> Opens:
    modes = _tally(opens, lambda cell: cell.mode if cell.mode in ("dark", "light") else "unknown")
    return Opens(
        **_sides(opens),
        reliable=sum(n for cell, n in opens if cell.reliable is True),
        unreliable=sum(n for cell, n in opens if cell.reliable is False),
        unique=unique.get(about("open"), Unique()),
        readers=_tally(opens, lambda cell: cell.reader or "unjudged"),
        modes=Modes(**modes),
    )


def _clicks(clicks: Counted, unique: Mapping[int, Unique]) -> Clicks:
    by_link: defaultdict[str, Counted] = defaultdict(list)
    for cell, n in clicks:
        by_link[cell.detail].append((cell, n))
    trap = sum(n for _, n in by_link.pop(TRAP, []))
    links = [_link(name, some, unique) for name, some in by_link.items()]
    return Clicks(
        **_sides(clicks),
        trap=trap,
        unique=unique.get(about("click"), Unique()),
        readers=_tally(clicks, lambda cell: cell.reader or "unjudged"),
        links=sorted(links, key=lambda link: (-link.total, link.link)),
    )


def _link(name: str, clicks: Counted, unique: Mapping[int, Unique]) -> Link:
    sides = _sides(clicks)
    return Link(
        link=name,
        total=sides["total"],
        by_person=sides["by_person"],
        unique=unique.get(about("click", name), Unique()),
    )


def _sides(visits: Counted) -> dict[str, int]:
    """People and machines side by side, and of whom nothing has been said yet."""
    return {
        "total": sum(n for _, n in visits),
        "by_person": sum(n for cell, n in visits if cell.by_person),
        "by_machine": sum(n for cell, n in visits if cell.reader and not cell.by_person),
        "unjudged": sum(n for cell, n in visits if not cell.reader),
    }


def _clients(opens: Counted, name: Callable[[Cell], str]) -> list[Client]:
    by_name: defaultdict[str, Counted] = defaultdict(list)
    for cell, n in opens:
        by_name[name(cell) or "unknown"].append((cell, n))
    whole = sum(n for _, n in opens)
    found = [
        Client(name=one, opens=number, share=share(number, whole) or 0.0, reading=reading(some))
        for one, some in by_name.items()
        if (number := sum(n for _, n in some))
    ]
    return sorted(found, key=lambda client: (-client.opens, client.name))


def _rates(mail: Mail, opens: Opens, clicks: Clicks) -> Rates:
    delivered = mail.delivered
    decided = delivered + mail.bounced
    return Rates(
        delivered=share(delivered, decided),
        bounced=share(mail.bounced, decided),
        opened=share(opens.unique.by_person, delivered),
        clicked=share(clicks.unique.by_person, delivered),
        click_to_open=share(clicks.unique.by_person, opens.unique.by_person),
        unsubscribed=share(mail.unsubscribed, delivered),
        complained=share(mail.complained, delivered),
    )


def _tally(counted: Counted, name: Callable[[Cell], str]) -> dict[str, int]:
    """The counts by a name, the most frequent first."""
    found: Counter[str] = Counter()
    for cell, n in counted:
        found[name(cell)] += n
    return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))
