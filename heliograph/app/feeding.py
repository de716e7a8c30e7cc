"""What the command line does with feeds that are there: look, test, replay, rotate. Beside a running engine or alone."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import Connection

from heliograph.accounts.directory import Directory, load_directory
from heliograph.api.resources.feeds import Delivery, Standing, delivery, standing
from heliograph.app.accounts import account_number
from heliograph.app.storage import reachable, reading, recording
from heliograph.clock import SystemClock
from heliograph.database import Reading, open_state
from heliograph.egress import Egress
from heliograph.errors import CallerError, OperatorError
from heliograph.events import codec
from heliograph.outbound.feeds import delivery_log, operating, replay_orders, trial
from heliograph.outbound.feeds.delivery_log import Conversation
from heliograph.outbound.feeds.links import Links
from heliograph.outbound.feeds.means import Means
from heliograph.outbound.feeds.operating import Rotated, Secrets
from heliograph.outbound.feeds.subscription import served
from heliograph.queues.file import QueueFile
from heliograph.react.state.definitions import Feed
from heliograph.readers import load as load_readers
from heliograph.settings import Settings

BY = "command line"


class _Known(NamedTuple):
    connection: Connection
    directory: Directory
    feed: Feed


async def show(settings: Settings, account: str | None, name: str) -> Standing:
    """A feed as it was saved, and how it fares: what the API answers."""
    async with reading(settings) as journal:
        head = await journal.head()
    with _known(settings, account, name) as (connection, _, feed):
        return standing(connection, feed, head)


def deliveries(
    settings: Settings, account: str | None, name: str, *, failed: bool, event: str | None, limit: int
) -> list[Delivery]:
    """What the log has of a feed, the latest first."""
    wanted = False if failed else None
    with _known(settings, account, name) as (connection, _, feed):
        noted = delivery_log.find(
            connection, feed.account, feed.name, delivered=wanted, event=event, limit=limit
        )
    return [delivery(one) for one in noted]


def secrets(settings: Settings, account: str | None, name: str) -> Secrets:
    """What a feed's receiver verifies with now."""
    with _known(settings, account, name) as (_, directory, feed):
        return operating.secrets(directory, feed, SystemClock().now())


async def test(settings: Settings, account: str | None, name: str) -> Conversation:
    """Tell the receiver one made-up event now."""
    async with contextlib.AsyncExitStack() as closing:
        journal = await closing.enter_async_context(reachable(settings))
        egress, queues, links = Egress(settings), QueueFile(Path(settings.data)), Links()
        closing.push_async_callback(links.close)
        closing.push_async_callback(egress.close)
        closing.callback(queues.close)
        with _known(settings, account, name) as (connection, directory, feed):
            reading = Reading(connection.engine)
            closing.callback(reading.close)
            means = Means(
                reading=reading,
                directory=directory,
                egress=egress,
                queues=queues,
                links=links,
                journal=journal,
                readers=load_readers(settings),
                settings=settings,
                clock=SystemClock(),
            )
            return await trial.try_out(served(settings, feed), directory.accounts[feed.account], means)


async def replay(
    settings: Settings,
    account: str | None,
    name: str,
    *,
    events: Sequence[str],
    since: int | None,
    until: int | None,
) -> str:
    """Have a feed told again; the id of the order. Raises `OperatorError`."""
    if bool(events) == (since is not None):
        raise OperatorError("name either --event or --since")
    now = SystemClock().now()
    with _known(settings, account, name) as (_, _, feed):
        async with recording(settings) as journal:
            if events:
                order = await replay_orders.order_of_events(journal, name, events, BY)
            else:
                last = now if until is None else until
                order = await replay_orders.order_of_time(journal, name, since or 0, last, BY)
            event = operating.told(order, account=feed.account, name=name, now=now)
            await journal.append([codec.encode(event)])
    return event.id


async def rotate(settings: Settings, account: str | None, name: str, overlap: float, turns: float) -> Rotated:
    """Give a feed a new secret."""
    with _known(settings, account, name) as (_, directory, feed):
        made = operating.rotated(
            directory, feed.account, name, SystemClock().now(), overlap=overlap, turns=turns, by=BY
        )
        async with recording(settings) as journal:
            await journal.append([codec.encode(made.event)])
    return made


@contextlib.contextmanager
def _known(settings: Settings, account: str | None, name: str) -> Iterator[_Known]:
    """The feed that is meant, with what is read beside it. What the API would tell its caller is the operator's here."""
    engine = open_state(Path(settings.data), read_only=True)
    try:
        with engine.connect() as connection:
            number = account_number(engine, account)
            yield _Known(connection, load_directory(engine), operating.found(connection, number, name))
    except CallerError as error:
        raise OperatorError(error.message) from error
    finally:
        engine.dispose()
