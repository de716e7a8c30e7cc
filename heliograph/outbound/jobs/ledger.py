"""The ledger of a job: a file with one row for each recipient, and how far each of them has come.

A file of its own for each job, in the folder `jobs` of the data directory: what a million recipients need is neither
in `state.db`, where it would stay for ever, nor in memory, and it ends with one `unlink`. It is not the truth about
sending; the journal is. A row is marked `requested` first and its `message.requested` recorded next, under an id made
of the job and the row: after a crash between the two it is recorded again, which records it once. So a ledger that
lost its last moments by a power cut (`synchronous=NORMAL`) repeats work, and nobody's mail.

The engine writes; web workers and commands read. Counts by state are kept by triggers, so that asking costs nothing.
Rows come and go as one JSON text in one step of one statement: a step gives the interpreter lock away, and getting it
back beside a busy event loop takes longer than the work.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, Literal, NamedTuple

import msgspec

FOLDER = "jobs"

State = Literal[
    "waiting",
    "held",
    "requested",
    "deferred",
    "sent",
    "delivered",
    "bounced",
    "refused",
    "failed",
    "in_doubt",
    "cancelled",
    "duplicate",
]
STATES: tuple[State, ...] = (
    "waiting",
    "held",
    "requested",
    "deferred",
    "sent",
    "delivered",
    "bounced",
    "refused",
    "failed",
    "in_doubt",
    "cancelled",
    "duplicate",
)
"""By number. `waiting`: nothing was done yet. `held`: until `due`, or until a split test has its winner.
`requested`: handed to dispatch. `deferred`: tried, and to be tried again. All others are ends."""

WAITING, HELD, REQUESTED, DEFERRED = range(4)
OPEN = (WAITING, HELD, REQUESTED, DEFERRED)
REFUSED, CANCELLED, DUPLICATE = (STATES.index(state) for state in ("refused", "cancelled", "duplicate"))

FOR_WINNER = 1 << 62
"""The `due` of who is held until a split test has its winner."""

BROKEN_KEPT = 100_000
"""Broken rows that are listed; all are counted."""

COLUMNS_SHOWN = 500
"""Columns of a list that are told of: rows in NDJSON and XML may each have others."""

CACHE_KIB, READING_CACHE_KIB = 8_192, 65_536
"""Pages kept in memory: a few thousand rows at work; while a list is read, the keys of a million addresses, which come
in no order."""

READING_LOG_PAGES = 8_192
"""Pages of the log before they are moved, while a list is read: each page is moved once, then, and not ten times."""

_SCHEMA = """
CREATE TABLE recipients (row INTEGER PRIMARY KEY, line INTEGER NOT NULL, state INTEGER NOT NULL, address TEXT NOT NULL,
    recipient_id TEXT, time_zone TEXT, data TEXT NOT NULL, due INTEGER, zone TEXT, zone_source TEXT, template TEXT,
    requested INTEGER, reason TEXT);
CREATE INDEX recipients_by_state ON recipients (state, row);
CREATE INDEX recipients_by_due ON recipients (due) WHERE state = 1;
CREATE TABLE known (key INTEGER PRIMARY KEY, row INTEGER NOT NULL);
CREATE TABLE left_out (address TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE broken (place INTEGER PRIMARY KEY, line INTEGER NOT NULL, reason TEXT NOT NULL);
CREATE TABLE counts (state INTEGER PRIMARY KEY, n INTEGER NOT NULL);
CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TRIGGER came AFTER INSERT ON recipients BEGIN
    INSERT INTO counts VALUES (new.state, 1) ON CONFLICT DO UPDATE SET n = n + 1; END;
CREATE TRIGGER moved AFTER UPDATE OF state ON recipients WHEN new.state <> old.state BEGIN
    UPDATE counts SET n = n - 1 WHERE state = old.state;
    INSERT INTO counts VALUES (new.state, 1) ON CONFLICT DO UPDATE SET n = n + 1; END;
PRAGMA user_version = 1;
"""


class Recipient(NamedTuple):
    """One row. Instants in microseconds. `zone` is the zone that was decided on, and `zone_source` how it is known;
    `time_zone` what the list says. `data` are JSON: the columns of the list."""

    row: int
    line: int
    state: int
    address: str
    recipient_id: str | None
    time_zone: str | None
    data: str
    due: int | None = None
    zone: str | None = None
    zone_source: str | None = None
    template: str | None = None
    requested: int | None = None
    reason: str | None = None


class Ending(NamedTuple):
    """What became of a row: its state's number and the reason."""

    row: int
    state: int
    reason: str | None


class Broken(NamedTuple):
    """A line of the list that is no recipient, and why; `place` counts them."""

    place: int
    line: int
    reason: str


class First(NamedTuple):
    """Where an address stands for the first time."""

    line: int
    address: str


class Progress(msgspec.Struct, kw_only=True):
    """How far the reading of the list has come: rows `seen`, of which `rows` were taken and others are broken."""

    seen: int = 0
    rows: int = 0
    broken: int = 0
    done: bool = False


def path_of(data: Path, job: str) -> Path:
    """Where a job's ledger is."""
    return data / FOLDER / f"{job}.db"


class Ledger:
    """An open ledger. Every method blocks; one thread at a time. What changes rows is done inside `writing`."""

    def __init__(self, path: Path, *, read_only: bool = False, reading: bool = False) -> None:
        """Opens it, or makes it; raises `FileNotFoundError` for one that is only to be read and is not there, or not made
        yet. `reading`: a list is about to be read into it."""
        self.path = path
        if read_only and not path.exists():
            raise FileNotFoundError(path)
        path.parent.mkdir(mode=0o700, exist_ok=True)
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=30)
        for pragma in (
            "journal_mode = WAL",
            "synchronous = NORMAL",
            "secure_delete = ON",
            f"cache_size = -{READING_CACHE_KIB if reading else CACHE_KIB}",
            f"wal_autocheckpoint = {READING_LOG_PAGES if reading else 1000}",
        ):
            self._db.execute(f"PRAGMA {pragma}")
        made = bool(self._db.execute("PRAGMA user_version").fetchone()[0])
        if read_only:
            self._db.execute("PRAGMA query_only = ON")
            if not made:
                self._db.close()
                raise FileNotFoundError(path)
        elif not made:
            self._db.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} COMMIT;")

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    @contextmanager
    def writing(self) -> Iterator[None]:
        """A transaction: all of it or nothing."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def fact(self, name: str, kind: Any, usual: Any) -> Any:
        """Something noted about the whole job, as this type; `usual` where nothing is."""
        found = self._db.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return usual if found is None else msgspec.json.decode(found[0], type=kind)

    def note(self, name: str, value: Any) -> None:
        """Note it."""
        said = msgspec.json.encode(value).decode()
        self._db.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, said))

    @property
    def progress(self) -> Progress:
        """How far the list was read."""
        found: Progress = self.fact("progress", Progress, None) or Progress()
        return found

    def leave_out(self, addresses: Iterable[str]) -> None:
        """Put addresses on the list of those who get nothing."""
        rows = ((address,) for address in addresses)
        self._db.executemany("INSERT OR IGNORE INTO left_out VALUES (?)", rows)

    def is_left_out(self, address: str) -> bool:
        """Whether this address is on it."""
        return self._db.execute("SELECT 1 FROM left_out WHERE address = ?", (address,)).fetchone() is not None

    def known(self, key: int) -> First | None:
        """The first recipient with this key."""
        found = self._db.execute(
            "SELECT line, address FROM known JOIN recipients USING (row) WHERE key = ?", (key,)
        ).fetchone()
        return None if found is None else First(*found)

    def add(self, key: int | None, recipient: Recipient) -> None:
        """A further row; with the key by which its address is known again."""
        self._db.execute(_ADD, recipient)
        if key is not None:
            self._db.execute("INSERT OR IGNORE INTO known VALUES (?, ?)", (key, recipient.row))

    def add_broken(self, place: int, line: int, reason: str) -> None:
        """A line that is no recipient, and how many there were before it."""
        self._db.execute("INSERT INTO broken VALUES (?, ?, ?)", (place, line, reason))

    def forget_keys(self) -> None:
        """The list is read: what found duplicates is needed no more."""
        self._db.execute("DROP TABLE known")
        self._db.execute("DROP TABLE left_out")

    def waiting(self, limit: int) -> list[Recipient]:
        """The first rows that wait."""
        return self._rows("state = 0 ORDER BY row LIMIT ?", (limit,))

    def due(self, now: int, limit: int) -> list[Recipient]:
        """Rows that were held until now, the longest first."""
        return self._rows("state = 1 AND due <= ? ORDER BY due, row LIMIT ?", (now, limit))

    def next_due(self) -> int | None:
        """When the next row that is held for its window may go on."""
        found: int | None = self._db.execute(_NEXT_DUE, (FOR_WINNER,)).fetchone()[0]
        return found

    def of_state(self, state: int) -> list[Recipient]:
        """All rows of a state that few are in at once."""
        return self._rows("state = ? ORDER BY row", (state,))

    def page(self, *, state: int | None, after: int, limit: int) -> list[Recipient]:
        """Rows behind this one, of one state or of all."""
        if state is None:
            return self._rows("row > ? ORDER BY row LIMIT ?", (after, limit))
        return self._rows("state = ? AND row > ? ORDER BY row LIMIT ?", (state, after, limit))

    def columns(self, state: int | None) -> list[str]:
        """The columns of the list, in the order in which they come up in rows of one state or of all. Looks through
        these rows."""
        found = self._db.execute(
            "SELECT cell.key FROM recipients, json_each(recipients.data) cell WHERE ?1 IS NULL OR state = ?1 "
            "GROUP BY cell.key ORDER BY min(row), min(cell.id) LIMIT ?2",
            (state, COLUMNS_SHOWN),
        )
        return [str(name) for (name,) in found]

    def to(self, address: str) -> list[Recipient]:
        """The rows of an address, however its letters are written. Looks through the whole ledger."""
        return self._rows("lower(address) = lower(?) ORDER BY row", (address,))

    def request(self, rows: Sequence[tuple[int, str, int, str | None, str | None]]) -> None:
        """These rows are asked for: row, template, instant, zone and its source."""
        news = "template = of.value ->> 1, requested = of.value ->> 2, zone = of.value ->> 3, zone_source = of.value ->> 4"
        self._update(f"state = 2, due = NULL, {news}", rows)

    def hold(self, rows: Sequence[tuple[int, int, str | None, str | None]]) -> None:
        """These rows are held: row, until when, zone and its source."""
        self._update(
            "state = 1, due = of.value ->> 1, zone = of.value ->> 2, zone_source = of.value ->> 3", rows
        )

    def end(self, endings: Sequence[Ending]) -> None:
        """What became of rows that were asked for; one that has its end keeps it."""
        self._update("state = of.value ->> 1, reason = of.value ->> 2", endings, "AND state IN (2, 3)")

    def release_held(self) -> None:
        """Nobody is held for a winner any more."""
        self._db.execute(
            "UPDATE recipients SET state = 0, due = NULL WHERE state = 1 AND due = ?", (FOR_WINNER,)
        )

    def cancel(self, reason: str, limit: int) -> int:
        """End some of the rows that were not asked for; how many."""
        return self._db.execute(
            "UPDATE recipients SET state = ?, reason = ?, due = NULL WHERE row IN "
            "(SELECT row FROM recipients WHERE state IN (0, 1) LIMIT ?)",
            (CANCELLED, reason, limit),
        ).rowcount

    def counts(self) -> dict[str, int]:
        """How many rows are in each state, without those where none is; and broken ones."""
        found = {
            STATES[state]: n
            for state, n in self._db.execute("SELECT state, n FROM counts ORDER BY state")
            if n
        }
        broken = self.progress.broken
        return {**found, "broken": broken} if broken else dict(found)

    def broken(self, *, after: int, limit: int) -> list[Broken]:
        """Broken rows behind this place."""
        found = self._db.execute(
            "SELECT place, line, reason FROM broken WHERE place > ? ORDER BY place LIMIT ?", (after, limit)
        )
        return [Broken(*row) for row in found]

    def blank(self, rows: Sequence[tuple[int, str]]) -> None:
        """What an erasure leaves of somebody's own rows: row, pseudonym. Who was still to be written to is not."""
        news = "address = of.value ->> 1, data = '{}', recipient_id = NULL, time_zone = NULL, zone = NULL, zone_source = NULL, reason = NULL"
        self._update(f"{news}, state = CASE WHEN state IN (0, 1, 2, 3) THEN {CANCELLED} ELSE state END", rows)

    def mask(self, rows: Sequence[tuple[int, str]]) -> None:
        """What it leaves of others' rows that mention them: row, data."""
        self._update("data = of.value ->> 1", rows)

    def naming(self, words: Sequence[str]) -> list[Recipient]:
        """The rows in whose address, number or data one of these words stands. Looks through all of them."""
        text = "lower(address || ' ' || coalesce(recipient_id, '') || ' ' || data)"
        holds = " OR ".join([f"instr({text}, ?) > 0"] * len(words))
        return self._rows(holds, [word.lower() for word in words]) if words else []

    def empty_log(self) -> None:
        """Move everything into the file and empty the log, as far as nobody reads just now."""
        with suppress(sqlite3.OperationalError):
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def _rows(self, where: str, values: Sequence[Any]) -> list[Recipient]:
        # The conditions are our own words.
        inner = f"SELECT {_COLUMNS} FROM recipients WHERE {where}"  # noqa: S608
        found = self._db.execute(f"SELECT json_group_array(json_array({_COLUMNS})) FROM ({inner})", values)  # noqa: S608
        return [Recipient(*row) for row in msgspec.json.decode(found.fetchone()[0])]

    def _update(self, news: str, rows: Sequence[Sequence[Any]], also: str = "") -> None:
        """Change rows by their numbers, which stand first in each of `rows`."""
        changes = f"UPDATE recipients SET {news} FROM json_each(?) of WHERE row = of.value ->> 0 {also}"  # noqa: S608 - our own words
        if rows:
            self._db.execute(changes, (msgspec.json.encode(rows).decode(),))


@contextmanager
def looking_into(data: Path, job: str) -> Iterator[Ledger | None]:
    """A job's ledger, to read; None where there is none, none yet or none any more."""
    try:
        ledger = Ledger(path_of(data, job), read_only=True)
    except FileNotFoundError:
        yield None
        return
    with closing(ledger):
        yield ledger


def readable(recipient: Recipient) -> Mapping[str, Any]:
    """The columns of the list, as they were given."""
    found: Mapping[str, Any] = msgspec.json.decode(recipient.data)
    return found


_NEXT_DUE = "SELECT min(due) FROM recipients WHERE state = 1 AND due < ?"
_COLUMNS = ", ".join(Recipient._fields)
_ADD = f"INSERT INTO recipients ({_COLUMNS}) VALUES ({', '.join('?' * len(Recipient._fields))})"  # noqa: S608 - our own words
