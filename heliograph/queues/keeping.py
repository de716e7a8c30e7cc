"""What is done with queues themselves: made, found, described, changed, emptied, deleted. Steps of a transaction.

Instants are milliseconds; what SQS tells in seconds is told in seconds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import apsw
import msgspec

from heliograph.queues.model import (
    CHOICES,
    COUNTED,
    NUMBERS,
    READABLE,
    Queue,
    QueueFault,
    allowed_sources,
    arn,
    check_attributes,
    check_name,
)
from heliograph.queues.rows import Row, row, rows

PURGE_GAP = 60_000
REBIRTH_GAP = 60_000
"""Milliseconds between two purges of a queue, and before a deleted one's name can be used again."""

MOST_TAGS = 50

_COLUMNS = "id, account, name, attributes, tags, created, modified, purged"


def create(
    connection: apsw.Connection,
    account: str,
    name: str,
    attributes: Mapping[str, str],
    tags: Mapping[str, str],
    now: int,
) -> Queue:
    """The queue of this name; an existing one if it was made with the same attributes."""
    fifo = attributes.get("FifoQueue") == "true"
    check_name(name, fifo=fifo)
    kept = check_attributes(attributes, fifo=fifo)
    _check_dead_letters(connection, account, name, kept)
    known = find(connection, account, name)
    if known is not None:
        for attribute, value in kept.items():
            if described(known).get(attribute, "") != value:
                raise QueueFault(
                    "QueueNameExists",
                    f"A queue already exists with the same name and a different value for attribute {attribute}",
                )
        return known
    if connection.execute(
        "SELECT 1 FROM deleted WHERE account = ? AND name = ? AND at > ?", (account, name, now - REBIRTH_GAP)
    ).fetchone():
        raise QueueFault(
            "QueueDeletedRecently",
            "You must wait 60 seconds after deleting a queue before you can create another with the same name.",
        )
    _check_tags(tags)
    connection.execute(
        "INSERT INTO queues (account, name, attributes, tags, created, modified) VALUES (?, ?, ?, ?, ?, ?)",
        (account, name, _text(kept), _text(tags), now, now),
    )
    return get(connection, account, name)


def find(connection: apsw.Connection, account: str, name: str) -> Queue | None:
    """The queue, if there is one."""
    found = row(
        connection,
        f"SELECT {_COLUMNS} FROM queues WHERE account = ? AND name = ?",  # noqa: S608 - a constant
        (account, name),
    )
    return _queue(found) if found else None


def get(connection: apsw.Connection, account: str, name: str) -> Queue:
    """The queue. Raises `QueueFault`."""
    found = find(connection, account, name)
    if found is None:
        raise QueueFault("QueueDoesNotExist", "The specified queue does not exist.")
    return found


def listed(connection: apsw.Connection, account: str, prefix: str, after: str, most: int) -> list[str]:
    """Names of an account's queues in order, beginning with `prefix`, after the name `after`."""
    pattern = prefix.replace("\\", "\\\\").replace("_", "\\_").replace("%", "\\%") + "%"
    found = rows(
        connection,
        "SELECT name FROM queues WHERE account = ? AND name > ? AND name LIKE ? ESCAPE '\\' ORDER BY name LIMIT ?",
        (account, after, pattern, most),
    )
    return [name for (name,) in found]


def sources_of(connection: apsw.Connection, queue: Queue) -> list[str]:
    """Names of the queues whose dead letters go here."""
    found = rows(
        connection,
        f"SELECT {_COLUMNS} FROM queues WHERE account = ? AND attributes LIKE '%RedrivePolicy%' ORDER BY name",  # noqa: S608
        (queue.account,),
    )
    return [
        other.name
        for other in map(_queue, found)
        if other.redrive and (other.redrive.account, other.redrive.name) == (queue.account, queue.name)
    ]


def dead_letters_of(connection: apsw.Connection, queue: Queue) -> Queue | None:
    """The dead-letter queue of a queue, while it exists."""
    policy = queue.redrive
    return find(connection, policy.account, policy.name) if policy else None


def described(queue: Queue) -> dict[str, str]:
    """The attributes that can be read without counting."""
    numbers = {name: str(queue.number(name)) for name in NUMBERS if name != "KmsDataKeyReusePeriodSeconds"}
    fifo = {"FifoQueue": "true", "ContentBasedDeduplication": "false"} if queue.fifo else {}
    chosen = {name: values[1 if name == "DeduplicationScope" else 0] for name, values in CHOICES.items()}
    return {
        **numbers,
        "CreatedTimestamp": str(queue.created // 1000),
        "LastModifiedTimestamp": str(queue.modified // 1000),
        "QueueArn": arn(queue.account, queue.name),
        "SqsManagedSseEnabled": "false",
        **(fifo | chosen if queue.fifo else {}),
        **{name: value for name, value in queue.attributes.items() if value},
    }


def counted(connection: apsw.Connection, queue: Queue, now: int) -> dict[str, str]:
    """How many messages wait, are in flight, are delayed."""
    (counts,) = rows(
        connection,
        "SELECT count(*) FILTER (WHERE visible <= ?2), count(*) FILTER (WHERE visible > ?2 AND receives > 0),"
        " count(*) FILTER (WHERE visible > ?2 AND receives = 0) FROM messages WHERE queue = ?1",
        (queue.id, now),
    )
    return dict(zip(COUNTED, map(str, counts), strict=True))


def attributes(connection: apsw.Connection, queue: Queue, names: Sequence[str], now: int) -> dict[str, str]:
    """The attributes of these names; `All` stands for all."""
    unknown = [name for name in names if name != "All" and name not in READABLE]
    if unknown:
        raise QueueFault("InvalidAttributeName", f"Unknown Attribute {unknown[0]}.")
    everything = described(queue)
    if "All" in names or any(name in COUNTED for name in names):
        everything |= counted(connection, queue, now)
    return everything if "All" in names else {n: everything[n] for n in names if n in everything}


def change(connection: apsw.Connection, queue: Queue, changes: Mapping[str, str], now: int) -> None:
    """Set attributes; an empty value of a text takes it away."""
    if changes.get("FifoQueue") not in (None, "true" if queue.fifo else "false"):
        raise QueueFault("InvalidAttributeValue", "A queue stays FIFO, or not, for life.")
    checked = check_attributes(changes, fifo=queue.fifo)
    _check_dead_letters(connection, queue.account, queue.name, checked)
    merged = {name: value for name, value in (queue.attributes | checked).items() if value}
    connection.execute(
        "UPDATE queues SET attributes = ?, modified = ? WHERE id = ?", (_text(merged), now, queue.id)
    )


def tag(
    connection: apsw.Connection, queue: Queue, tags: Mapping[str, str], without: Sequence[str] = ()
) -> None:
    """Add tags, or take some away."""
    merged = {name: value for name, value in (queue.tags | dict(tags)).items() if name not in without}
    _check_tags(merged)
    connection.execute("UPDATE queues SET tags = ? WHERE id = ?", (_text(merged), queue.id))


def purge(connection: apsw.Connection, queue: Queue, now: int) -> None:
    """Delete all its messages; once a minute."""
    if queue.purged > now - PURGE_GAP:
        raise QueueFault(
            "PurgeQueueInProgress",
            f"Only one PurgeQueue operation on {queue.name} is allowed every 60 seconds.",
        )
    connection.execute("DELETE FROM messages WHERE queue = ?", (queue.id,))
    connection.execute("UPDATE queues SET purged = ? WHERE id = ?", (now, queue.id))


def every(connection: apsw.Connection) -> list[Queue]:
    """All queues of all accounts."""
    return [_queue(found) for found in rows(connection, f"SELECT {_COLUMNS} FROM queues ORDER BY id")]  # noqa: S608


def remove(connection: apsw.Connection, queue: Queue, now: int) -> None:
    """Delete the queue and all that is in it."""
    for table in ("messages", "repeats", "attempts"):
        connection.execute(f"DELETE FROM {table} WHERE queue = ?", (queue.id,))  # noqa: S608 - constants
    connection.execute("DELETE FROM moves WHERE source = ?", (queue.id,))
    connection.execute("DELETE FROM queues WHERE id = ?", (queue.id,))
    connection.execute("INSERT OR REPLACE INTO deleted VALUES (?, ?, ?)", (queue.account, queue.name, now))


def _check_dead_letters(
    connection: apsw.Connection, account: str, name: str, attributes: Mapping[str, str]
) -> None:
    """A dead-letter queue exists, is the same account's, of the same type, and lets this queue in."""
    policy = Queue(
        id=0, account=account, name=name, attributes=dict(attributes), tags={}, created=0, modified=0
    ).redrive
    if policy is None:
        return
    grave = find(connection, policy.account, policy.name) if policy.account == account else None
    if grave is None:
        raise QueueFault(
            "InvalidParameterValue",
            "Value for parameter RedrivePolicy is invalid: the dead-letter queue must exist.",
        )
    if grave.fifo != name.endswith(".fifo"):
        raise QueueFault(
            "InvalidParameterValue",
            "The dead-letter queue of a FIFO queue is FIFO too, of a standard one standard.",
        )
    permission, arns = allowed_sources(grave.attributes.get("RedriveAllowPolicy", "")) or ("allowAll", ())
    if permission == "denyAll" or (permission == "byQueue" and arn(account, name) not in arns):
        raise QueueFault(
            "InvalidParameterValue", "The dead-letter queue's RedriveAllowPolicy refuses this queue."
        )


def _check_tags(tags: Mapping[str, str]) -> None:
    if len(tags) > MOST_TAGS or any(not 1 <= len(k) <= 128 or len(v) > 256 for k, v in tags.items()):
        raise QueueFault(
            "InvalidParameterValue", "A queue has up to 50 tags; keys of 1 to 128, values of 256 characters."
        )


def _queue(found: Row) -> Queue:
    number, account, name, attributes_, tags, created, modified, purged = found
    return msgspec.convert(
        {
            "id": number,
            "account": account,
            "name": name,
            "attributes": msgspec.json.decode(attributes_),
            "tags": msgspec.json.decode(tags),
            "created": created,
            "modified": modified,
            "purged": purged,
        },
        Queue,
    )


def _text(value: Mapping[str, str]) -> str:
    return msgspec.json.encode(dict(value)).decode()
