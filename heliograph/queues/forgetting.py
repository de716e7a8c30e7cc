"""Erasure in queues: what waits to be fetched and is about somebody who is erased is not handed out (STD-7, STD-8).

Messages that tell an event of theirs go, received or not, dead letters too; in others a pseudonym takes the place of
their address. Called by `heliograph.privacy` through the engine's `QueueFile`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import apsw

from heliograph.queues.digests import body_digest

BUSY_MILLISECONDS = 1_000
"""How long emptying the log waits for those who read and write."""

_THEIRS = """
DELETE FROM messages WHERE queue IN (SELECT id FROM queues WHERE account = ?)
AND (subject IN (SELECT value FROM json_each(?)) OR event IN (SELECT value FROM json_each(?)))
"""
_SPEAKING = """
SELECT seq, body, ifnull(attributes, '') FROM messages WHERE queue IN (SELECT id FROM queues WHERE account = ?)
AND EXISTS (SELECT 1 FROM json_each(?) WHERE instr(lower(body || ifnull(attributes, '')), value))
"""
_REWRITE = "UPDATE messages SET body = ?, md5 = ? WHERE seq = ?"
_DROP = "DELETE FROM messages WHERE seq = ?"


def forget(
    connection: apsw.Connection,
    account: str,
    subjects: str,
    events: str,
    words: str,
    mask: Callable[[str], str],
) -> int:
    """Let go of an account's messages about these subjects and events (JSON arrays), and have the others say nothing
    of these words; how many were changed. One whose attributes name them goes: clients check their digest."""
    connection.execute(_THEIRS, (account, subjects, events))
    changed = connection.changes()
    for seq, said, named in connection.execute(_SPEAKING, (account, words)).fetchall():
        body, attributes = str(said), str(named)
        if mask(attributes) != attributes:
            connection.execute(_DROP, (seq,))
        elif (masked := mask(body)) != body:
            connection.execute(_REWRITE, (masked, body_digest(masked), seq))
        else:
            continue
        changed += 1
    return changed


def empty_log(path: Path) -> bool:
    """Move everything into the file and empty the write-ahead log, so that what was erased is in neither. False where
    somebody is at work: to be tried again. Blocks."""
    connection = apsw.Connection(str(path))
    try:
        connection.set_busy_timeout(BUSY_MILLISECONDS)
        connection.execute(
            "SELECT count(*) FROM sqlite_schema"
        ).fetchall()  # the log is opened by the first read
        connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
    except (apsw.BusyError, apsw.LockedError):
        return False
    finally:
        connection.close()
    return True
