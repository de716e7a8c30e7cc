"""Live pictures: what was published, how often each was looked at, and who voted for what.

What is published never changes (PER-15), so a row may be kept in memory for ever. A vote counts once per person, and
the last one wins; a vote by a machine does not count (PER-10). A machine is who says so, who is judged so later
(`reader.judged`), or who follows two options' links within a second, which no hand does: link checkers follow all
links of a mail at once. The events stay as they were; only what is counted changes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from hashlib import blake2b
from typing import Any

import msgspec
from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Connection,
    Index,
    Integer,
    String,
    Table,
    bindparam,
    delete,
    func,
    select,
    tuple_,
    update,
)
from sqlalchemy.dialects.sqlite import insert

from heliograph.clock import SECOND
from heliograph.database import CHUNKS, METADATA, QueryOfMany
from heliograph.events.engagement import ImageShown, ReaderJudged, VoteCast
from heliograph.events.event import AnyEvent, Data
from heliograph.events.jobs import ImageArchived, ImagePublished
from heliograph.journal.consumer import Erased, Fold
from heliograph.react.state import reading

MACHINES = ("prefetch", "scanner", "bot")
"""Readers whose votes do not count, in the words of `ReaderJudged`."""

RUSH = SECOND
"""Votes of one visitor for two options that are less than this apart are a machine's."""

IMAGES = Table(
    "images",
    METADATA,
    Column("id", String(25), primary_key=True),
    Column("account", String(12), nullable=False, index=True),
    Column("content_type", String, nullable=False),
    Column("definition", JSON, nullable=False),
    Column("published", BigInteger, nullable=False),
    Column("archived", BigInteger),
)

VIEWS = Table(
    "image_views",
    METADATA,
    Column("event", String(36), primary_key=True),
    sqlite_with_rowid=False,
)
"""Every look by its event, so that none is counted twice."""

COUNTS = Table(
    "image_counts",
    METADATA,
    Column("image", String(25), primary_key=True),
    Column("variant", String, primary_key=True),
    Column("reader", String, primary_key=True),
    Column("views", Integer, nullable=False),
    sqlite_with_rowid=False,
)

VOTES = Table(
    "votes",
    METADATA,
    Column("event", String(36), primary_key=True),
    Column("image", String(25), nullable=False),
    Column("option", Integer, nullable=False),
    Column("voter", String, nullable=False),  # the person, else the message, else the vote alone
    Column("visitor", String, nullable=False),  # as `voter`, else address and program as a hash
    Column("at", BigInteger, nullable=False),
    Column("machine", Boolean, nullable=False),
    Column("rushed", Boolean, nullable=False),
    Index("ix_votes_voter", "image", "voter", "at"),
    Index("ix_votes_visitor", "image", "visitor", "at"),
)
"""Every vote as it was cast."""

BALLOTS = Table(
    "ballots",
    METADATA,
    Column("image", String(25), primary_key=True),
    Column("voter", String, primary_key=True),
    Column("option", Integer, nullable=False),
)
"""What counts: one option for each voter."""

TALLIES = Table(
    "vote_tallies",
    METADATA,
    Column("image", String(25), primary_key=True),
    Column("option", Integer, primary_key=True),
    Column("clicks", Integer, nullable=False),
    Column("votes", Integer, nullable=False),
    sqlite_with_rowid=False,
)


class Image(msgspec.Struct, frozen=True, kw_only=True):
    """Published content. `definition` is its kind's; instants in microseconds."""

    id: str
    account: str
    content_type: str
    definition: dict[str, Any]
    published: int
    archived: int | None = None


class Tally(msgspec.Struct, frozen=True):
    """Of one option: how often its link was followed, and how many votes count."""

    clicks: int = 0
    votes: int = 0


def find(connection: Connection, image: str) -> Image | None:
    """The published content of this id, archived or not."""
    found = connection.execute(_FIND, {"of_image": image}).one_or_none()
    return None if found is None else Image(**found._mapping)


_FIND = select(IMAGES).where(IMAGES.c.id == bindparam("of_image"))


def published(
    connection: Connection,
    account: str,
    content_type: str,
    *,
    archived: bool = False,
    after: Image | None = None,
    limit: int = 100,
) -> list[Image]:
    """What an account published of a type, newest first; `after` one that was listed before."""
    table = IMAGES.c
    query = select(IMAGES).where(table.account == account, table.content_type == content_type)
    query = query.where(table.archived.is_not(None) if archived else table.archived.is_(None))
    if after is not None:
        query = query.where(tuple_(table.published, table.id) < (after.published, after.id))
    found = connection.execute(query.order_by(table.published.desc(), table.id.desc()).limit(limit))
    return [Image(**row._mapping) for row in found]


def impressions(connection: Connection, images: Sequence[str]) -> dict[str, dict[tuple[str, str], int]]:
    """How often each was looked at, by variant and reader."""
    counted: dict[str, dict[tuple[str, str], int]] = {image: {} for image in images}
    for image, variant, reader, views in connection.execute(select(COUNTS).where(COUNTS.c.image.in_(images))):
        counted[image][variant, reader] = views
    return counted


def tally(connection: Connection, image: str) -> dict[int, Tally]:
    """The votes of a tracker by option; options nobody chose are missing."""
    found = connection.execute(_TALLY, {"of_image": image})
    return {option: Tally(clicks, votes) for option, clicks, votes in found}


_TALLY = select(TALLIES.c.option, TALLIES.c.clicks, TALLIES.c.votes).where(
    TALLIES.c.image == bindparam("of_image")
)


def apply(connection: Connection, events: Sequence[AnyEvent]) -> None:
    """Fold a batch: looks together, the rest one by one."""
    _count_views(connection, events)
    voted = _voted(connection, events)
    for event in events:
        step = _STEPS.get(type(event.data))
        if step is not None:
            step(connection, event, event.data)
        elif isinstance(event.data, ReaderJudged) and event.data.event in voted:
            _judge(connection, event, event.data)


_PUBLISH = insert(IMAGES).on_conflict_do_nothing()
_ARCHIVE = (
    update(IMAGES)
    .where(
        IMAGES.c.id == bindparam("of_image"),
        IMAGES.c.account == bindparam("of_account"),
        IMAGES.c.archived.is_(None),
    )
    .values(archived=bindparam("instant"))
)
_SEE = insert(VIEWS).on_conflict_do_nothing()
_ONE_MORE = insert(COUNTS)
_ONE_MORE = _ONE_MORE.on_conflict_do_update(
    index_elements=list(COUNTS.primary_key), set_={"views": COUNTS.c.views + _ONE_MORE.excluded.views}
)
_CAST = insert(VOTES).on_conflict_do_nothing()
_NEAR = (
    select(VOTES.c.event, VOTES.c.voter)
    .where(
        VOTES.c.image == bindparam("of_image"),
        VOTES.c.visitor == bindparam("of_visitor"),
        VOTES.c.option != bindparam("other_than"),
        VOTES.c.at.between(bindparam("earliest"), bindparam("latest")),
    )
    .order_by(VOTES.c.event)
)
_RUSH = update(VOTES).where(VOTES.c.event == bindparam("of_event")).values(rushed=True)
_JUDGED = select(VOTES.c.image, VOTES.c.voter).where(VOTES.c.event == bindparam("of_event"))
_VOTED = QueryOfMany(select(VOTES.c.event).where(VOTES.c.event.in_(bindparam("wanted", expanding=True))))
_JUDGE = update(VOTES).where(VOTES.c.event == bindparam("of_event")).values(machine=bindparam("is_machine"))
_LAST = (
    select(VOTES.c.option)
    .where(
        VOTES.c.image == bindparam("of_image"),
        VOTES.c.voter == bindparam("of_voter"),
        VOTES.c.machine.is_(False),
        VOTES.c.rushed.is_(False),
    )
    .order_by(VOTES.c.at.desc(), VOTES.c.event.desc())
    .limit(1)
)
_BALLOT = select(BALLOTS.c.option).where(
    BALLOTS.c.image == bindparam("of_image"), BALLOTS.c.voter == bindparam("of_voter")
)
_TAKE_BACK = delete(BALLOTS).where(
    BALLOTS.c.image == bindparam("of_image"), BALLOTS.c.voter == bindparam("of_voter")
)
_PUT_IN = insert(BALLOTS)
_PUT_IN = _PUT_IN.on_conflict_do_update(
    index_elements=list(BALLOTS.primary_key), set_={"option": _PUT_IN.excluded.option}
)
_ADD = insert(TALLIES)
_ADD = _ADD.on_conflict_do_update(
    index_elements=list(TALLIES.primary_key),
    set_={
        "clicks": TALLIES.c.clicks + _ADD.excluded.clicks,
        "votes": TALLIES.c.votes + _ADD.excluded.votes,
    },
)


def forget(connection: Connection, erased: Erased) -> None:
    """Somebody who is erased did not vote (STD-7). How often a picture was looked at names nobody and stays."""
    voters = [erased.person, *erased.values("message", "email")]
    own = select(IMAGES.c.id).where(IMAGES.c.account == erased.account)
    for start in range(0, len(voters), CHUNKS[-1]):
        some = voters[start : start + CHUNKS[-1]]
        for table in (VOTES, BALLOTS):
            connection.execute(delete(table).where(table.c.image.in_(own), table.c.voter.in_(some)))
    connection.execute(delete(TALLIES).where(TALLIES.c.image.in_(own)))
    for table, counted in ((VOTES, "clicks"), (BALLOTS, "votes")):
        found = connection.execute(
            select(table.c.image, table.c.option, func.count().label("number"))
            .where(table.c.image.in_(own))
            .group_by(table.c.image, table.c.option)
        )
        tallies = [
            {"image": row.image, "option": row.option, "clicks": 0, "votes": 0, counted: row.number}
            for row in found
        ]
        if tallies:
            connection.execute(_ADD, tallies)


def _count_views(connection: Connection, events: Sequence[AnyEvent]) -> None:
    seen: dict[tuple[str, str, str], list[dict[str, str]]] = defaultdict(list)
    for event in events:
        if isinstance(data := event.data, ImageShown):
            seen[data.image, data.variant, data.reader].append({"event": event.id})
    for (image, variant, reader), views in seen.items():
        if new := connection.execute(_SEE, views).rowcount:
            counted = {"image": image, "variant": variant, "reader": reader, "views": new}
            connection.execute(_ONE_MORE, counted)


def _publish(connection: Connection, event: AnyEvent, data: ImagePublished) -> None:
    connection.execute(
        _PUBLISH,
        {
            "id": data.image,
            "account": event.account,
            "content_type": data.content_type,
            "definition": data.definition,
            "published": reading.happened(event),
            "archived": None,
        },
    )


def _archive(connection: Connection, event: AnyEvent, data: ImageArchived) -> None:
    wanted = {"of_image": data.image, "of_account": event.account, "instant": reading.happened(event)}
    connection.execute(_ARCHIVE, wanted)


def _cast(connection: Connection, event: AnyEvent, data: VoteCast) -> None:
    at = reading.happened(event)
    voter, visitor = _who(event, data)
    vote = {
        "event": event.id,
        "image": data.tracker,
        "option": data.option,
        "voter": voter,
        "visitor": visitor,
        "at": at,
        "machine": data.reader in MACHINES,
        "rushed": False,
    }
    if not connection.execute(_CAST, vote).rowcount:
        return
    connection.execute(_ADD, {"image": data.tracker, "option": data.option, "clicks": 1, "votes": 0})
    around = {
        "of_visitor": visitor,
        "other_than": data.option,
        "earliest": at - RUSH + 1,
        "latest": at + RUSH - 1,
    }
    near = connection.execute(_NEAR, {"of_image": data.tracker, **around}).all()
    if near:
        connection.execute(_RUSH, [{"of_event": one} for one in (event.id, *(row.event for row in near))])
    for one in dict.fromkeys((voter, *(row.voter for row in near))):
        _settle(connection, data.tracker, one)


def _voted(connection: Connection, events: Sequence[AnyEvent]) -> set[str]:
    """Which events are votes, of the batch's own and of those that its verdicts are about: few verdicts are about votes."""
    own = {event.id for event in events if isinstance(event.data, VoteCast)}
    judged = [event.data.event for event in events if isinstance(event.data, ReaderJudged)]
    return own.union(*_VOTED.rows(connection, judged))


def _judge(connection: Connection, event: AnyEvent, data: ReaderJudged) -> None:
    voted = connection.execute(_JUDGED, {"of_event": data.event}).one_or_none()
    if voted is not None:
        connection.execute(_JUDGE, {"of_event": data.event, "is_machine": data.reader in MACHINES})
        _settle(connection, voted.image, voted.voter)


def _settle(connection: Connection, image: str, voter: str) -> None:
    """Have one voter's last vote count, and no other."""
    wanted = {"of_image": image, "of_voter": voter}
    before, now = connection.scalar(_BALLOT, wanted), connection.scalar(_LAST, wanted)
    if before == now:
        return
    if now is None:
        connection.execute(_TAKE_BACK, wanted)
    else:
        connection.execute(_PUT_IN, {"image": image, "voter": voter, "option": now})
        connection.execute(_ADD, {"image": image, "option": now, "clicks": 0, "votes": 1})
    if before is not None:
        connection.execute(_ADD, {"image": image, "option": before, "clicks": 0, "votes": -1})


def _who(event: AnyEvent, data: VoteCast) -> tuple[str, str]:
    """Whose vote it is, and who was seen to cast it."""
    if known := data.person or data.message:
        return known, known
    if not data.ip:
        return event.id, event.id
    return event.id, blake2b(f"{data.ip}\0{data.user_agent}".encode(), digest_size=16).hexdigest()


_STEPS: dict[type[Data], Callable[[Connection, AnyEvent, Any], None]] = {
    ImagePublished: _publish,
    ImageArchived: _archive,
    VoteCast: _cast,
}

FOLD = Fold(
    name="images",
    kinds=frozenset({ImageShown.kind, ReaderJudged.kind} | {kind.kind for kind in _STEPS}),
    tables=(IMAGES, VIEWS, COUNTS, VOTES, BALLOTS, TALLIES),
    apply=apply,
    forget=forget,
)
