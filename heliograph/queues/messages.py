"""What is done with messages: put in, handed out, taken back, deleted. Each function is one step of a transaction.

Standard queues hand out what became visible first; FIFO queues keep the order within a group and hand out nothing of
a group while an earlier message of it is being worked on. A message that was received too often goes to the
dead-letter queue instead of being handed out once more (SQS-6). Instants are milliseconds.
"""

from __future__ import annotations

import os
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import apsw

from heliograph.queues.digests import body_digest
from heliograph.queues.model import (
    DEDUPLICATION_SECONDS,
    FIFO_IN_FLIGHT_LIMIT,
    IN_FLIGHT_LIMIT,
    Queue,
    QueueFault,
    arn,
)
from heliograph.queues.rows import Row, number, row, rows


class Outgoing(NamedTuple):
    """A message to be put in. `attributes` as JSON; `event` and `subject` where a feed tells an event, so that an
    erased person's messages can be found."""

    body: str
    sender: str
    delay: int | None = None
    attributes: str | None = None
    md5_attributes: str | None = None
    trace: str | None = None
    md5_trace: str | None = None
    group: str | None = None
    dedup: str | None = None
    event: str | None = None
    subject: str | None = None


class Put(NamedTuple):
    """A message that was put in. `sequence` for FIFO queues."""

    id: str
    md5: str
    sequence: str | None


class Handle(NamedTuple):
    """Which message was handed out, and in which hand-out: all of a hand-out have one `receipt`."""

    seq: int
    receipt: int


class Received(NamedTuple):
    """A message that is handed out, with the handle of this very hand-out."""

    id: str
    handle: str
    body: str
    md5: str
    attributes: str | None
    md5_attributes: str | None
    trace: str | None
    sender: str
    sent: int
    receives: int
    first_received: int
    group: str | None
    dedup: str | None
    sequence: int
    source: str | None


def put(connection: apsw.Connection, queue: Queue, message: Outgoing, now: int) -> Put:
    """Put one message in. A FIFO queue takes a deduplication id once in five minutes and answers as it did then."""
    if not queue.fifo:
        (new,) = put_all(connection, queue, (message,), now)
        return new
    if known := _repeated(connection, queue, message, now):
        return Put(known[1], body_digest(message.body), _sequence(known[0]))
    new, columns = _put(queue, message, now)
    connection.execute(_insert(1), columns)
    seq = connection.last_insert_rowid()
    connection.execute(
        "INSERT OR REPLACE INTO repeats VALUES (?, ?, ?, ?, ?)",
        (queue.id, _scoped(queue, message), seq, new.id, now),
    )
    return new._replace(sequence=_sequence(seq))


def put_all(connection: apsw.Connection, queue: Queue, messages: Sequence[Outgoing], now: int) -> list[Put]:
    """Put a batch in, in this order; into a standard queue by one statement, which takes two thirds of the time of ten."""
    if queue.fifo:
        return [put(connection, queue, message, now) for message in messages]
    if not messages:
        return []
    made = [_put(queue, message, now) for message in messages]
    connection.execute(_insert(len(made)), [value for _, columns in made for value in columns])
    return [new for new, _ in made]


def _put(queue: Queue, message: Outgoing, now: int) -> tuple[Put, tuple[Any, ...]]:
    """A message with its new id, and the values of its columns."""
    delay = queue.number("DelaySeconds") if message.delay is None or queue.fifo else message.delay
    new = Put(_new_id(), body_digest(message.body), None)
    return new, (
        queue.id,
        new.id,
        message.body,
        message.attributes,
        message.trace,
        new.md5,
        message.md5_attributes,
        message.sender,
        now,
        now + delay * 1000,
        message.group,
        message.dedup,
        message.event,
        message.subject,
    )


@lru_cache(16)
def _insert(count: int) -> str:
    rows_ = ", ".join(["(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"] * count)
    return (
        "INSERT INTO messages (queue, id, body, attributes, trace, md5, md5_attributes, sender, sent, visible, grp, dedup,"  # noqa: S608 - constants
        f" event, subject) VALUES {rows_}"
    )


def _new_id() -> str:
    """A random UUID (version 4), in a third of the time of `uuid.uuid4`: ten go into a batch."""
    digits = os.urandom(16).hex()
    variant = "89ab"[int(digits[16], 16) & 3]
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"


def _repeated(
    connection: apsw.Connection, queue: Queue, message: Outgoing, now: int
) -> tuple[int, str] | None:
    found = row(
        connection,
        "SELECT seq, id FROM repeats WHERE queue = ? AND dedup = ? AND at > ?",
        (queue.id, _scoped(queue, message), now - DEDUPLICATION_SECONDS * 1000),
    )
    return found and (int(found[0]), str(found[1]))


def _scoped(queue: Queue, message: Outgoing) -> str:
    by_group = queue.attributes.get("DeduplicationScope") == "messageGroup"
    return f"{message.group}\n{message.dedup}" if by_group else str(message.dedup)


def _sequence(seq: int) -> str:
    return f"{seq:020d}"


class InFlight:
    """How many more messages each queue may hand out before it is worth counting again.

    Counting reads every hidden message, so it is not done for each receive: after a count a quarter of what is left may
    go out. Each process counts for itself; Amazon's limit is approximate too.
    """

    def __init__(self) -> None:
        self._left: dict[int, int] = {}

    def check(self, connection: apsw.Connection, queue: Queue, now: int) -> None:
        """Raise `QueueFault` when too many messages are in flight."""
        if self._left.get(queue.id, 0) > 0:
            return
        limit = FIFO_IN_FLIGHT_LIMIT if queue.fifo else IN_FLIGHT_LIMIT
        hidden = number(
            connection,
            "SELECT count(*) FROM (SELECT 1 FROM messages WHERE queue = ? AND visible > ? LIMIT ?)",
            (queue.id, now, limit),
        )
        if hidden >= limit:
            raise QueueFault("OverLimit", f"{limit} messages of this queue are in flight; delete some first.")
        self._left[queue.id] = max(1, (limit - hidden) // 4)

    def handed(self, queue: Queue, count: int) -> None:
        """So many more went out."""
        self._left[queue.id] = self._left.get(queue.id, 0) - count


_COLUMNS = "seq, id, body, md5, attributes, md5_attributes, trace, sender, sent, receives, first_received, grp, dedup, source"
_WAITING = "WHERE queue = ? AND visible BETWEEN ? AND ?"
_STANDARD = f"SELECT {_COLUMNS} FROM messages {_WAITING} ORDER BY visible, seq LIMIT ?"  # noqa: S608 - constants
_READY = f"SELECT 1 FROM messages {_WAITING} LIMIT 1"  # noqa: S608

_IN_ORDER = (
    f"FROM messages AS m INDEXED BY messages_in_order {_WAITING} AND grp IS NOT NULL AND NOT EXISTS (SELECT 1 FROM"  # noqa: S608
    " messages AS e WHERE e.queue = m.queue AND e.grp = m.grp AND e.seq < m.seq AND e.visible > ?3) ORDER BY seq"
)
_FIFO = f"SELECT {_COLUMNS} {_IN_ORDER} LIMIT ?"
_READY_FIFO = f"SELECT 1 {_IN_ORDER} LIMIT 1"
_DELETE = "DELETE FROM messages WHERE seq = ?"
_DELETE_RECEIVED = "DELETE FROM messages WHERE seq = ? AND queue = ? AND receipt = ?"
_HIDE = (
    "UPDATE messages SET visible = ?, receives = receives + 1, first_received = ifnull(first_received, ?), receipt = ?"
    " WHERE seq = ?"
)


def receive(
    connection: apsw.Connection,
    queue: Queue,
    most: int,
    visibility: int,
    now: int,
    *,
    in_flight: InFlight,
    dead_letters: Queue | None = None,
) -> list[Received]:
    """Hand out up to `most` messages, each hidden for `visibility` seconds."""
    in_flight.check(connection, queue, now)
    oldest = _oldest(queue, now)
    redrive = queue.redrive if dead_letters is not None else None
    statement = _FIFO if queue.fifo else _STANDARD
    receipt = secrets.randbits(62)
    handed: list[Received] = []
    while len(handed) < most:
        found = rows(connection, statement, (queue.id, oldest, now, most - len(handed)))
        if not found:
            break
        to_hand_out = []
        for waiting in found:
            if waiting[8] < oldest:
                connection.execute(_DELETE, (waiting[0],))
            elif dead_letters is not None and redrive and waiting[9] >= redrive.most_receives:
                _bury(connection, waiting[0], dead_letters, queue, now)
            else:
                to_hand_out.append(waiting)
        until = now + visibility * 1000
        connection.executemany(_HIDE, [(until, now, receipt, waiting[0]) for waiting in to_hand_out])
        handed += [_handed_out(waiting, receipt, now) for waiting in to_hand_out]
        if visibility == 0:  # what was handed out is visible again at once, and would be handed out again
            break
    in_flight.handed(queue, len(handed))
    return handed


def ready(connection: apsw.Connection, queue: Queue, now: int) -> bool:
    """Whether there is something to hand out. A look at an index, so that whoever waits may look often."""
    statement = _READY_FIFO if queue.fifo else _READY
    return row(connection, statement, (queue.id, _oldest(queue, now), now)) is not None


def _handed_out(waiting: Row, receipt: int, now: int) -> Received:
    seq, id_, body, md5, attributes, md5_attributes, trace, sender, sent, receives, first, *rest = waiting
    group, dedup, source = rest
    return Received(
        id_,
        handle(seq, receipt),
        body,
        md5,
        attributes,
        md5_attributes,
        trace,
        sender,
        sent,
        receives + 1,
        now if first is None else first,
        group,
        dedup,
        seq,
        source,
    )


def _bury(connection: apsw.Connection, seq: int, grave: Queue, queue: Queue, now: int) -> None:
    """Into the dead-letter queue. When it was sent, and how often it was received, stay (SQS-6)."""
    connection.execute(
        "UPDATE messages SET queue = ?, visible = ?, source = ?, receipt = NULL WHERE seq = ?",
        (grave.id, now, arn(queue.account, queue.name), seq),
    )


def expire(connection: apsw.Connection, queue: Queue, now: int) -> int:
    """Delete what the queue keeps no longer, a few at a time, so that nobody waits for it; how many. No message is
    visible before it is sent, so the index finds them. What was received late is met by the next receive."""
    connection.execute(
        "DELETE FROM messages WHERE seq IN (SELECT seq FROM messages WHERE queue = ? AND visible < ? LIMIT 1000)",
        (queue.id, _oldest(queue, now)),
    )
    return connection.changes()


def _oldest(queue: Queue, now: int) -> int:
    """When the oldest message was sent that the queue still keeps."""
    return now - queue.number("MessageRetentionPeriod") * 1000


def delete(connection: apsw.Connection, queue: Queue, handles: Iterable[Handle]) -> None:
    """Delete what these handles were handed out for. An old handle deletes nothing and is no fault (SQS-11)."""
    connection.executemany(_DELETE_RECEIVED, [(seq, queue.id, receipt) for seq, receipt in handles])


def hide(connection: apsw.Connection, queue: Queue, handle_: str, seconds: int, now: int) -> None:
    """Change how long a message stays hidden, from now on; 0 shows it at once (SQS-11)."""
    if not 0 <= seconds <= 43_200:
        raise QueueFault("InvalidParameterValue", "VisibilityTimeout must be between 0 and 43200.")
    seq, receipt = read_handle(handle_)
    mine = (seq, queue.id, receipt)
    found = connection.execute(
        "SELECT visible FROM messages WHERE seq = ? AND queue = ? AND receipt = ?", mine
    ).fetchone()
    if found is not None and found[0] <= now:
        raise QueueFault("MessageNotInflight", "The specified message isn't in flight.")
    connection.execute(
        "UPDATE messages SET visible = ? WHERE seq = ? AND queue = ? AND receipt = ?",
        (now + seconds * 1000, *mine),
    )


def handle(seq: int, receipt: int) -> str:
    """A handle as receivers know it."""
    return urlsafe_b64encode(seq.to_bytes(8) + receipt.to_bytes(8)).decode()


def read_handle(text: str) -> Handle:
    """What a handle stands for. Raises `QueueFault` for what was never one."""
    try:
        raw = urlsafe_b64decode(text)
    except (Base64Error, ValueError):
        raw = b""
    if len(raw) != 16:
        raise QueueFault(
            "ReceiptHandleIsInvalid", f'The input receipt handle "{text[:64]}" is not a valid receipt handle.'
        )
    return Handle(int.from_bytes(raw[:8]) & (1 << 63) - 1, int.from_bytes(raw[8:]) & (1 << 63) - 1)


def keep_attempt(
    connection: apsw.Connection, queue: Queue, attempt: str, handed: Sequence[Received], now: int
) -> None:
    """Remember what a receive with an attempt id was handed, for as long as deduplication ids are known."""
    seqs = ",".join(str(message.sequence) for message in handed)
    connection.execute("INSERT OR REPLACE INTO attempts VALUES (?, ?, ?, ?)", (queue.id, attempt, now, seqs))


def undo_attempt(connection: apsw.Connection, queue: Queue, attempt: str, now: int) -> None:
    """Show again what an attempt of the same id was handed: its answer was lost on the way. Once its messages were
    deleted or shown otherwise there is nothing to undo."""
    limit = now - DEDUPLICATION_SECONDS * 1000
    connection.execute("DELETE FROM attempts WHERE queue = ? AND at < ?", (queue.id, limit))
    found = row(connection, "SELECT seqs FROM attempts WHERE queue = ? AND attempt = ?", (queue.id, attempt))
    for seq in found[0].split(",") if found else ():
        connection.execute(
            "UPDATE messages SET visible = ?, receives = receives - 1 WHERE seq = ? AND queue = ? AND visible > ?",
            (now, int(seq), queue.id, now),
        )
