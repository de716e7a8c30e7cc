"""Dead letters moved back, in the background: StartMessageMoveTask and its family.

A task is a row; whoever calls `move_some` moves the next few messages of every running task, so that a restart goes on
where it was. Without a destination each message goes back to the queue it came from. Instants are milliseconds.
"""

from __future__ import annotations

import uuid
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from typing import NamedTuple

import apsw
import msgspec

from heliograph.queues.keeping import find, sources_of
from heliograph.queues.model import Queue, QueueFault, arn, named_by
from heliograph.queues.rows import number, row, rows

AT_ONCE = 500
"""Messages that one step moves."""

FASTEST = 500
"""Messages per second that a task may ask for."""

LISTED = 10


class Task(NamedTuple):
    """A move as it stands. `rate`: messages per second, None for as fast as possible."""

    handle: str
    source: str
    destination: str | None
    rate: int | None
    started: int
    status: str
    moved: int
    wanted: int
    failure: str | None


def start(
    connection: apsw.Connection, source: Queue | None, destination: Queue | None, rate: int | None, now: int
) -> str:
    """Begin to move a dead-letter queue's messages; the task's handle. One task at a time for each queue."""
    if source is None:
        raise QueueFault(
            "ResourceNotFoundException",
            "The resource that you specified for the SourceArn parameter doesn't exist.",
        )
    if not sources_of(connection, source):
        raise QueueFault("InvalidParameterValue", "Source queue must be configured as a Dead Letter Queue.")
    if rate is not None and not 1 <= rate <= FASTEST:
        raise QueueFault(
            "InvalidParameterValue", f"MaxNumberOfMessagesPerSecond must be between 1 and {FASTEST}."
        )
    running = "SELECT 1 FROM moves WHERE source = ? AND status = 'RUNNING'"
    if connection.execute(running, (source.id,)).fetchone():
        raise QueueFault(
            "UnsupportedOperation",
            "There is already a task running. Only one active task is allowed for a source queue arn at a given time.",
        )
    wanted = number(connection, "SELECT count(*) FROM messages WHERE queue = ?", (source.id,))
    task = {"taskId": str(uuid.uuid4()), "sourceArn": arn(source.account, source.name)}
    handle = b64encode(msgspec.json.encode(task)).decode()
    connection.execute(
        "INSERT INTO moves VALUES (?, ?, ?, ?, ?, 'RUNNING', 0, ?, NULL)",
        (handle, source.id, destination.id if destination else None, rate, now, wanted),
    )
    return handle


def owner(handle: str) -> tuple[str, str] | None:
    """The account and name of the queue that a task's handle is about; None if it is no handle."""
    try:
        task = msgspec.json.decode(b64decode(handle), type=dict[str, str])
    except (Base64Error, ValueError, msgspec.MsgspecError):
        return None
    return named_by(task.get("sourceArn", ""))


def cancel(connection: apsw.Connection, handle: str) -> int:
    """Stop a task; how many it had moved, which stay moved."""
    found = connection.execute("SELECT moved, status FROM moves WHERE handle = ?", (handle,)).fetchone()
    if found is None:
        raise QueueFault("ResourceNotFoundException", "Task does not exist.")
    if found[1] != "RUNNING":
        raise QueueFault("UnsupportedOperation", "Only active tasks can be cancelled.")
    connection.execute("UPDATE moves SET status = 'CANCELLED' WHERE handle = ?", (handle,))
    return int(found[0])


def tasks(connection: apsw.Connection, source: Queue, most: int) -> list[Task]:
    """The latest tasks of a queue, newest first."""
    found = rows(
        connection,
        "SELECT handle, destination, rate, started, status, moved, wanted, failure FROM moves WHERE source = ?"
        " ORDER BY started DESC LIMIT ?",
        (source.id, min(most, LISTED)),
    )
    here = arn(source.account, source.name)
    return [
        Task(handle, here, _arn_of(connection, destination), rate, started, status, moved, wanted, failure)
        for handle, destination, rate, started, status, moved, wanted, failure in found
    ]


def move_some(connection: apsw.Connection, now: int) -> bool:
    """Move the next messages of every running task; whether any task still runs."""
    running = rows(
        connection,
        "SELECT handle, source, destination, rate, started, moved FROM moves WHERE status = 'RUNNING'",
    )
    going = False
    for handle, source, destination, rate, started, moved in running:
        due = AT_ONCE if rate is None else min(AT_ONCE, (now - started) * rate // 1000 - moved)
        going |= _step(connection, handle, source, destination, due, now)
    return going


def _step(
    connection: apsw.Connection, handle: str, source: int, destination: int | None, due: int, now: int
) -> bool:
    waiting = rows(
        connection,
        "SELECT seq, source FROM messages WHERE queue = ? AND visible <= ? ORDER BY seq LIMIT ?",
        (source, now, max(1, due)),
    )
    if not waiting:
        connection.execute("UPDATE moves SET status = 'COMPLETED' WHERE handle = ?", (handle,))
        return False
    for seq, origin in waiting[: max(0, due)]:
        target = destination if destination is not None else _id_of(connection, origin)
        if target is None:
            why = "AWS.SimpleQueueService.NonExistentQueue"
            connection.execute(
                "UPDATE moves SET status = 'FAILED', failure = ? WHERE handle = ?", (why, handle)
            )
            return False
        connection.execute(
            "UPDATE messages SET queue = ?, visible = ?, sent = ?, receives = 0, first_received = NULL, receipt = NULL,"
            " source = NULL WHERE seq = ?",
            (target, now, now, seq),
        )
        connection.execute("UPDATE moves SET moved = moved + 1 WHERE handle = ?", (handle,))
    return True


def _id_of(connection: apsw.Connection, origin: str | None) -> int | None:
    named = named_by(origin or "")
    queue = find(connection, *named) if named else None
    return queue.id if queue else None


def _arn_of(connection: apsw.Connection, queue: int | None) -> str | None:
    found = row(connection, "SELECT account, name FROM queues WHERE id = ?", (queue,))
    return arn(found[0], found[1]) if found else None
