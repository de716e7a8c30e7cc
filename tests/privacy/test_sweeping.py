"""State looked through whole: tables that no fold knows of, and other accounts."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, text

from heliograph.database import memory_state
from heliograph.journal.consumer import Erased
from heliograph.privacy import sweeping
from heliograph.privacy.words import Mask

ACCOUNT = "000000000001"
ANN = Erased(ACCOUNT, "p1", ("email:ann@x.example",))
GONE = "p1@erased.invalid"
TABLES = (
    "CREATE TABLE waiting (id INTEGER PRIMARY KEY, account TEXT, body TEXT, doc JSON, raw BLOB)",
    "CREATE TABLE ledger (account TEXT, address TEXT, state TEXT, PRIMARY KEY (account, address))",
)
ROWS = (
    ("waiting", 1, ACCOUNT, "to Ann@x.example", '{"a":"ann@x.example"}', None),
    ("waiting", 2, ACCOUNT, "to ben@x.example", None, b"ann@x.example"),
    ("waiting", 3, "000000000002", "to ann@x.example", None, None),
    ("waiting", 4, ACCOUNT, "to joann@x.example", None, None),
    ("ledger", ACCOUNT, "ann@x.example", "sent"),
    ("ledger", ACCOUNT, "ben@x.example", "sent"),
)


def told(connection: Connection, statement: str) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in connection.execute(text(statement))]


def test_rows_of_any_table_are_found_masked_or_removed() -> None:
    """STD-8: a queue, a ledger: whatever another part may keep one day."""
    with memory_state().begin() as connection:
        for statement in TABLES:
            connection.execute(text(statement))
        for table, *values in ROWS:
            places = ", ".join(f":v{place}" for place in range(len(values)))
            named = {f"v{place}": value for place, value in enumerate(values)}
            connection.execute(text(f"INSERT INTO {table} VALUES ({places})"), named)  # noqa: S608 - our own
        mask = Mask(ANN)
        rows = sweeping.speaking(connection, sweeping.tables(connection), ACCOUNT, mask)
        assert sorted((row.table.name, row.key[-1]) for row in rows) == [
            ("ledger", "ann@x.example"),
            ("waiting", 1),
            ("waiting", 2),
        ]
        assert sweeping.silence(connection, rows, mask) == 3
        assert told(connection, "SELECT body, doc, raw FROM waiting ORDER BY id") == [
            (f"to {GONE}", f'{{"a":"{GONE}"}}', None),
            ("to ben@x.example", None, GONE.encode()),
            ("to ann@x.example", None, None),
            ("to joann@x.example", None, None),
        ]
        assert told(connection, "SELECT address FROM ledger") == [("ben@x.example",)]
        assert sweeping.speaking(connection, sweeping.tables(connection), ACCOUNT, mask) == []


def test_rows_about_events_that_were_blanked_are_removed() -> None:
    with memory_state().begin() as connection:
        connection.execute(text("CREATE TABLE waiting (id INTEGER PRIMARY KEY, event TEXT)"))
        connection.execute(text("INSERT INTO waiting VALUES (1, 'e1'), (2, 'e2')"))
        sweeping.drop_events(connection, sweeping.tables(connection), [f"x{n}" for n in range(1200)] + ["e2"])
        assert told(connection, "SELECT event FROM waiting") == [("e1",)]
