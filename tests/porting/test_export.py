"""Exports: every format says the same, files are whole or not there, and no cell runs in a spreadsheet."""

from __future__ import annotations

import csv
import gzip
import io
import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pyarrow.parquet
import pytest
from sqlalchemy import Connection

from heliograph.clock import SECOND
from heliograph.database import memory_state
from heliograph.errors import OperatorError
from heliograph.events import codec, subjects
from heliograph.events.commerce import Order, OrderCreated
from heliograph.events.consent import ConsentGranted, SuppressionAdded
from heliograph.events.event import Data, Record
from heliograph.events.people import Customer, PersonCreated
from heliograph.journal.memory import MemoryJournal
from heliograph.porting import tables
from heliograph.porting.output import format_of, written
from heliograph.porting.tables import EVENTS, ORDERS, PEOPLE, SUPPRESSED, Chosen, StateTable
from heliograph.react.state.folds import FOLDS
from heliograph.spreadsheets import safe

ACCOUNT, OTHER = "000000000001", "000000000002"
NOW = 1_700_000_000 * SECOND
DAY = 86_400 * SECOND
ANN = "ann@x.example"


def happened(data: Data, subject: str, *, account: str = ACCOUNT, now: int = NOW) -> Record:
    return codec.encode(codec.make(data, account=account, subject=subject, now=now))


def customer(email: str, now: int = NOW, account: str = ACCOUNT, **fields: object) -> Record:
    said = PersonCreated(person=Customer(email=email, **fields))
    return happened(said, subjects.email(email), now=now, account=account)


def order(number: str, made: str) -> Record:
    said = OrderCreated(
        order=Order(id=number, email=ANN, total_price="39.90", currency="EUR", created_at=made)
    )
    return happened(said, subjects.email(ANN))


RECORDS = (
    customer(ANN, id="007", first_name="=1+1", tags=["vip", "-x"]),
    customer("bob@x.example", now=NOW + DAY, first_name="Böb, \"B\"\nline"),
    customer("far@x.example", account=OTHER),
    happened(
        ConsentGranted(address=ANN, requested_at=NOW - DAY, confirmed_at=NOW, signup_ip="198.51.100.7"), f"email:{ANN}"
    ),
    happened(SuppressionAdded(address="bob@x.example", type="hard_bounce", reason="550"), "email:bob@x.example"),
    happened(SuppressionAdded(address="bob@x.example", type="unsubscribed"), "email:bob@x.example", now=NOW + DAY),
    happened(SuppressionAdded(channel="sms", address="+12025550137", type="unsubscribed"), "phone:+12025550137"),
    order("o1", "2023-01-01T00:00:00Z"),
    order("o2", "2023-02-01T00:00:00Z"),
)  # fmt: skip


@pytest.fixture(scope="module")
def state() -> Iterator[Connection]:
    engine = memory_state()
    events = [codec.decode(record) for record in RECORDS]
    with engine.begin() as connection:
        for fold in FOLDS:
            fold.apply(connection, [event for event in events if event.kind in fold.kinds])
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def exported(
    state: Connection, table: StateTable, file: Path, *, raw: bool = False, **chosen: object
) -> bytes:
    narrowed = Chosen(**{"account": ACCOUNT, **chosen})
    count = 0
    with written(file, format_of(None, file), table.columns, raw=raw) as writer:
        for page in table.pages(state, narrowed):
            writer.write(page)
            count += len(page)
    assert table.count(state, narrowed) == count
    return file.read_bytes()


def objects(text: bytes) -> list[dict]:
    return [json.loads(line) for line in text.splitlines()]


def test_people_come_with_their_consent_and_suppressions(state: Connection, tmp_path: Path) -> None:
    ann, bob = objects(exported(state, PEOPLE, tmp_path / "p.ndjson"))
    assert ann | {"person": "", "document": ""} == {
        "account": ACCOUNT, "person": "", "id": "007", "email": ANN, "sms_phone_number_e164": None,
        "first_name": "=1+1", "last_name": None, "gender": None, "accepts_marketing": True,
        "consent_at": "2023-11-13T22:13:20.000000Z", "consent_ip": "198.51.100.7",
        "confirmed_at": "2023-11-14T22:13:20.000000Z", "confirmed_ip": "", "suppressions": [], "suppressed_at": None,
        "tags": ["vip", "-x"], "created_at": "2023-11-14T22:13:20.000000Z",
        "updated_at": "2023-11-14T22:13:20.000000Z", "document": "",
    }  # fmt: skip
    assert ann["document"]["id"] == "007"
    assert bob["suppressions"] == ["hard_bounce", "unsubscribed"] and bob["accepts_marketing"] is None
    assert bob["suppressed_at"] == "2023-11-14T22:13:20.000000Z"


def test_csv_ndjson_and_parquet_say_the_same(state: Connection, tmp_path: Path) -> None:
    lines = objects(exported(state, PEOPLE, tmp_path / "p.ndjson"))
    cells = list(
        csv.DictReader(
            io.StringIO(exported(state, PEOPLE, tmp_path / "p.csv", raw=True).decode(), newline="")
        )
    )
    exported(state, PEOPLE, tmp_path / "p.parquet")
    rows = pyarrow.parquet.read_table(tmp_path / "p.parquet").to_pylist()
    for line, cell, row in zip(lines, cells, rows, strict=True):
        for name, value in line.items():
            shown, kept = cell[name], row[name]
            if name == "document":
                shown, kept = json.loads(shown), json.loads(kept)
            elif isinstance(kept, datetime):
                kept = kept.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
            elif isinstance(value, bool):
                shown = {"true": True, "false": False}[shown]
            elif isinstance(value, list):
                shown = shown.split(",") if shown else []
            assert kept == value and shown == ("" if value is None else value), name


def test_gzip_is_asked_for_by_the_name(state: Connection, tmp_path: Path) -> None:
    plain = exported(state, ORDERS, tmp_path / "o.csv")
    assert gzip.decompress(exported(state, ORDERS, tmp_path / "o.csv.gz")) == plain


def test_rows_are_chosen_by_account_and_time(state: Connection, tmp_path: Path) -> None:
    def of(table: StateTable, **chosen: object) -> list[dict]:
        return objects(exported(state, table, tmp_path / "x.ndjson", **chosen))

    assert [row["email"] for row in of(PEOPLE, account=OTHER)] == ["far@x.example"]
    assert len(of(PEOPLE, account=None)) == 3
    assert [row["email"] for row in of(PEOPLE, since=NOW + 1)] == ["bob@x.example"]
    january = 1_672_531_200 * SECOND
    assert [row["id"] for row in of(ORDERS, since=january, until=january + 31 * DAY)] == ["o1"]
    assert of(ORDERS)[0]["total"] == 39.9 and of(ORDERS)[0]["document"]["total_price"] == "39.90"
    assert {
        (row["email"] or row["sms_phone_number_e164"], row["suppressions"]) for row in of(SUPPRESSED)
    } == {
        ("bob@x.example", "hard_bounce"),
        ("bob@x.example", "unsubscribed"),
        ("+12025550137", "unsubscribed"),
    }


def test_what_a_spreadsheet_would_compute_is_made_text(state: Connection, tmp_path: Path) -> None:
    """OWASP, "CSV Injection"."""
    guarded = list(
        csv.DictReader(io.StringIO(exported(state, PEOPLE, tmp_path / "p.csv").decode(), newline=""))
    )
    assert guarded[0]["first_name"] == "'=1+1"
    assert "=1+1" in [
        row["first_name"]
        for row in csv.DictReader(io.StringIO(exported(state, PEOPLE, tmp_path / "p.csv", raw=True).decode()))
    ]
    for text in ("=1", "+cmd", "-2+3", "@SUM(1)", "\t=1", "\r=1"):
        assert safe(text) == "'" + text
    for text in ("", "Ann", "-5.00", "+12025550137", "a=1"):
        assert safe(text) == text


async def test_events_are_those_up_to_the_head_of_the_beginning() -> None:
    journal = MemoryJournal()
    await journal.append([customer(f"p{n}@x.example", now=NOW + n * SECOND) for n in range(5000)])
    seen: list[str] = []
    async for page in tables.events(journal, Chosen(), None, 0, lambda *_: None):
        if not seen:
            await journal.append([customer("late@x.example")])
        seen += [row[3] for row in page]
    assert len(seen) == 5000 and "email:late@x.example" not in seen


@pytest.mark.parametrize(("since", "until"), [(0, 10), (3000, 4000), (4999, None), (None, 1), (9999, None)])
async def test_events_of_a_span_are_found(since: int | None, until: int | None) -> None:
    journal = MemoryJournal()
    await journal.append([customer(f"p{n}@x.example", now=NOW + n * DAY // 24) for n in range(5000)])
    hour = DAY // 24
    chosen = Chosen(
        since=None if since is None else NOW + since * hour,
        until=None if until is None else NOW + until * hour,
    )
    seen = [row[3] async for page in tables.events(journal, chosen, None, 0, lambda *_: None) for row in page]
    wanted = range(since or 0, 5000 if until is None else until)
    assert seen == [f"email:p{n}@x.example" for n in wanted if n < 5000]


async def test_events_are_chosen_by_kind_and_place() -> None:
    journal = MemoryJournal()
    await journal.append(RECORDS)
    chosen = tables.events(journal, Chosen(account=ACCOUNT), frozenset({"order.created"}), 8, lambda *_: None)
    (page,) = [page async for page in chosen]
    ((_, account, kind, *_rest, data),) = page
    assert (account, kind, json.loads(data)["order"]["id"]) == (ACCOUNT, "order.created", "o2")


def test_a_file_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    file = tmp_path / "events.csv"
    file.write_text("yesterday's")

    def fail() -> None:
        with written(file, format_of(None, file), EVENTS, raw=False) as writer:
            writer.write([("id", ACCOUNT, "custom", "email:a", NOW, NOW, None, b"{}")])
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert file.read_text() == "yesterday's" and list(tmp_path.iterdir()) == [file]
    with (
        pytest.raises(OperatorError, match="cannot be written"),
        written(tmp_path / "no" / "such.csv", format_of("csv", None), EVENTS, raw=False),
    ):
        pass


def test_a_format_is_named_or_shown() -> None:
    assert format_of(None, Path("x.jsonl")).name == "ndjson" and format_of("csv", Path("x.txt")).name == "csv"
    for name, file, message in (
        ("xml", None, "there is no format xml"),
        (None, Path("x.txt"), "shows no format"),
    ):
        with pytest.raises(OperatorError, match=message):
            format_of(name, file)


def test_without_pyarrow_parquet_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)  # what the import system takes for "not there"
    with (
        pytest.raises(OperatorError, match=r"pip install 'heliograph\[parquet\]'"),
        written(tmp_path / "x.parquet", format_of("parquet", None), EVENTS, raw=False),
    ):
        pass
    assert not list(tmp_path.iterdir())


def test_parquet_is_not_written_to_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    with (
        pytest.raises(OperatorError, match="name a file"),
        written(None, format_of("parquet", None), EVENTS, raw=False),
    ):
        pass
