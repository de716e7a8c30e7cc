"""Lists of recipients: every format, and every way in which they are broken."""

from __future__ import annotations

import gzip
import io
import json
import subprocess
import sys
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from heliograph.outbound.jobs import lists, reading
from heliograph.outbound.jobs.ledger import Ledger
from heliograph.outbound.jobs.lists import Found, Unreadable, recipients
from heliograph.outbound.jobs.reading import Read, Task, read


def found(tmp_path: Path, content: str | bytes, channel: str = "email", **columns: str) -> list[Found]:
    path = tmp_path / "list"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return list(recipients(path, channel, columns))  # type: ignore[arg-type]  # a literal


opened: list[Ledger] = []
"""What `taken` opened in this test."""


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    yield
    while opened:
        opened.pop().close()


def taken(
    tmp_path: Path, content: bytes, *, left_out: tuple[bytes, ...] = (), limit: int = 1 << 25
) -> tuple[Read, Ledger]:
    tmp_path.mkdir(exist_ok=True)
    (tmp_path / "in").write_bytes(content)
    for number, one in enumerate(left_out):
        (tmp_path / f"out{number}").write_bytes(one)
    task = Task(
        ledger=str(tmp_path / "jobs" / "j.db"),
        list=str(tmp_path / "in"),
        left_out=tuple(str(tmp_path / f"out{number}") for number in range(len(left_out))),
        channel="email",
        columns={},
        keep_case=False,
        limit=limit,
    )
    answer = read(task)
    opened.append(Ledger(tmp_path / "jobs" / "j.db"))
    return answer, opened[-1]


def test_csv_ndjson_and_xml_say_the_same(tmp_path: Path) -> None:
    fields = {"EmailAddress": "ann@x.example", "FirstName": "Ann", "RecipientId": "7"}
    lists = (
        "EmailAddress,FirstName,RecipientId\nann@x.example,Ann,7\n",
        json.dumps(fields) + "\n",
        "<RecipientList><Recipient><EmailAddress>ann@x.example</EmailAddress><FirstName>Ann</FirstName>"
        "<RecipientId>7</RecipientId></Recipient></RecipientList>",
    )
    for one in lists:
        (recipient,) = found(tmp_path, one)
        assert (recipient.address, recipient.recipient_id) == ("ann@x.example", "7")
        assert json.loads(recipient.data) == fields


def test_xml_keeps_what_nests_and_repeats(tmp_path: Path) -> None:
    (one,) = found(
        tmp_path,
        "<Recipient><EmailAddress>a@x.example</EmailAddress><Item><Sku>1</Sku></Item><Item><Sku>2</Sku></Item>"
        "<Note>x &amp; y</Note></Recipient>",
    )
    assert json.loads(one.data) == {
        "EmailAddress": "a@x.example",
        "Item": [{"Sku": "1"}, {"Sku": "2"}],
        "Note": "x & y",
    }


@pytest.mark.parametrize(
    "document",
    [
        '<!DOCTYPE r [<!ENTITY a "b">]><r><Recipient><EmailAddress>&a;@x.example</EmailAddress></Recipient></r>',
        '<!DOCTYPE r SYSTEM "file:///etc/passwd"><r/>',
        "<r><Recipient><EmailAddress>a@x.example</EmailAddress></Recipient>",
        "<a>" * 40,
        "<r><Recipient>&nbsp;</Recipient></r>",
    ],
)
def test_a_document_with_a_type_or_without_an_end_reaches_nobody(tmp_path: Path, document: str) -> None:
    with pytest.raises(Unreadable, match="line 1"):
        found(tmp_path, document)


def test_broken_rows_have_their_line_and_reason_and_spoil_no_other(tmp_path: Path) -> None:
    """Bad input of the order: a recipient file with broken rows."""
    content = b'email,name\na@x.example,\xc3\xa9\nb@x.example\nnobody,C\n,D\n"e@x.example,E\nf@x.example,\xff\ng@x.example,G\n'
    answer, ledger = taken(tmp_path, content)
    assert answer.done and answer.failure is None
    assert [row.address for row in ledger.page(state=None, after=0, limit=9)] == [
        "a@x.example",
        "g@x.example",
    ]
    assert [(one.line, one.reason.split(":")[0]) for one in ledger.broken(after=0, limit=9)] == [
        (3, "has 1 cells where the header has 2"),
        (4, "has no e-mail address"),
        (5, "has no email address"),
        (6, "a quote is opened and not closed"),
        (7, "is not utf-8"),
    ]
    assert ledger.counts() == {"waiting": 2, "broken": 5}


def test_of_two_with_one_address_the_first_counts_and_lists_are_left_out(tmp_path: Path) -> None:
    content = b"email\nAnn@X.example\nbob@x.example\nann@x.example\ncy@x.example\nbob@x.example\n"
    xml = b"<r><EmailAddress>CY@x.example</EmailAddress></r>"
    answer, ledger = taken(tmp_path, content, left_out=(b"bob@x.example\n", xml))
    assert answer.done
    rows = ledger.page(state=None, after=0, limit=9)
    assert [(row.address, row.state, row.reason) for row in rows] == [
        ("Ann@X.example", 0, None),
        ("bob@x.example", 7, "on a suppression list of the job"),
        ("ann@x.example", 11, "line 2 has this address"),
        ("cy@x.example", 7, "on a suppression list of the job"),
        ("bob@x.example", 11, "line 3 has this address"),
    ]


def test_gzip_and_zip_are_unpacked_up_to_the_limit(tmp_path: Path) -> None:
    plain = b"email\na@x.example\n"
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("list.csv", plain)
        archive.writestr("__MACOSX/._list.csv", b"junk")
    for number, packed in enumerate((gzip.compress(plain), zipped.getvalue())):
        (tmp_path / str(number)).mkdir()
        answer, ledger = taken(tmp_path / str(number), packed)
        assert answer.done and ledger.counts() == {"waiting": 1}
    (tmp_path / "bomb").mkdir()
    answer, ledger = taken(tmp_path / "bomb", gzip.compress(b"\0" * (33 << 20)))
    assert answer.failure is not None and "when it is unpacked" in answer.failure.message
    assert ledger.counts() == {}
    assert [path.name for path in (tmp_path / "bomb" / "jobs").glob("*list*")] == []


def test_a_list_that_is_cut_short_reaches_nobody(tmp_path: Path) -> None:
    packed = gzip.compress(b"email\n" + b"".join(b"p%d@x.example\n" % n for n in range(5000)))
    answer, _ = taken(tmp_path, packed[:-100])
    assert not answer.done and answer.failure is not None


def test_a_file_of_nothing_but_broken_rows_is_no_list(tmp_path: Path) -> None:
    answer, _ = taken(tmp_path, b"email\nx\ny\n")
    assert answer.failure is not None
    assert (
        answer.failure.message
        == "None of 2 rows is a recipient; the first: line 2 has no e-mail address: 'x'"
    )


def test_reading_goes_on_behind_what_is_in_the_ledger(tmp_path: Path) -> None:
    """Killed between two batches: the rows that were taken are there, once, and the others come."""
    rows = [b"p%d@x.example" % n for n in range(5000)]
    content = b"email\n" + b"\n".join(rows) + b"\n"
    answer, ledger = taken(tmp_path, content[: content.index(rows[2000])])
    assert answer.done
    progress = ledger.progress
    progress.done = False
    with ledger.writing():
        ledger.note("progress", progress)
        ledger._db.execute("CREATE TABLE known (key INTEGER PRIMARY KEY, row INTEGER NOT NULL)")
        ledger._db.execute("CREATE TABLE left_out (address TEXT PRIMARY KEY) WITHOUT ROWID")
    answer, ledger = taken(tmp_path, content)
    assert answer.done
    assert [row.address.encode() for row in ledger.page(state=None, after=0, limit=9000)] == rows


def test_a_large_file_of_broken_rows_fills_neither_memory_nor_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bad input of the order: what is kept of broken rows is bounded; all are counted."""
    monkeypatch.setattr(reading, "BROKEN_KEPT", 1_000)
    content = b"email\na@x.example\n" + b"broken, and more of it than the header says\n" * 10_000
    tracemalloc.start()
    answer, ledger = taken(tmp_path, content)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert answer.done and ledger.counts() == {"waiting": 1, "broken": 10_000}
    assert len(ledger.broken(after=0, limit=10_000)) == 1_000
    assert peak < 8 << 20


READER = """
import sys, msgspec
from heliograph.outbound.jobs import ledger, reading
ledger.READING_CACHE_KIB = 2_048
answer = reading.read(msgspec.json.decode(sys.stdin.buffer.read(), type=reading.Task))
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(answer.done, peak.split()[1])
"""
"""Reads as the child does, but for the 64 MB of pages that a ledger keeps at hand, and says what it had in memory at its
most, in kB."""


def written(path: Path, megabytes: int, row: Callable[[int], bytes]) -> None:
    """A file of so many rows; three of ten are broken, each in another way."""
    with path.open("wb") as file:
        number = 0
        while file.tell() < megabytes << 20:
            file.writelines(row(place) for place in range(number, number + 1000))
            number += 1000


def csv_row(number: int) -> bytes:
    address, note = b"p%d@x.example" % number, b"caf\xc3\xa9 " * 500
    match number % 10:
        case 0 if number:
            return address + b"\n"
        case 1:
            return b'"' + address + b"," + note + b"\n"
        case 2:
            return address + b"," + note + b"\xff\n"
        case _:
            return (address + b"," if number else b"email,") + note + b"\n"


def xml_row(number: int) -> bytes:
    note = b"<Note>%s</Note>" % (b"note " * 600)
    address = b"<EmailAddress>%s</EmailAddress>" % (b"p%d@x.example" % number if number % 10 > 2 else b"p")
    return (b"" if number else b"<r>") + b"<Recipient>" + address + note + b"</Recipient>\n"


@pytest.mark.parametrize("row", [csv_row, xml_row], ids=["csv", "xml"])
def test_memory_does_not_grow_with_the_file(tmp_path: Path, row: Callable[[int], bytes]) -> None:
    """Bad input of the order: a 1 GB recipient file with broken rows, here 48 MB against 8 MB."""
    peaks = []
    for megabytes in (8, 48):
        listed, ledger = tmp_path / "list", tmp_path / f"{megabytes}.db"
        written(listed, megabytes, row)
        if row is xml_row:
            listed.write_bytes(listed.read_bytes() + b"</r>")
        task = Task(
            ledger=str(ledger),
            list=str(listed),
            left_out=(),
            channel="email",
            columns={},
            keep_case=False,
            limit=1 << 30,
        )
        ended = subprocess.run(
            [sys.executable, "-c", READER], input=msgspec.json.encode(task), capture_output=True, check=True
        )
        done, peak = ended.stdout.split()
        assert done == b"True"
        peaks.append(int(peak) >> 10)
        with closing(Ledger(ledger)) as read:
            counts = read.counts()
        assert counts["broken"] * 2 < counts["waiting"] < counts["broken"] * 3
    assert peaks[1] - peaks[0] < 12, peaks


def test_one_row_as_large_as_the_file_is_one_broken_row(tmp_path: Path) -> None:
    """Nothing of it is kept, neither its text nor its elements."""
    for content, fault in (
        (b"email\n" + b"x" * (3 << 20) + b"\na@x.example\n", "is longer than 2097152 characters"),
        (
            b"<r><Recipient>" + b"<a/>" * 60_000 + b"</Recipient>"
            b"<Recipient><EmailAddress>a@x.example</EmailAddress></Recipient></r>",
            "is longer than 262144 characters or 20000 elements",
        ),
    ):
        tracemalloc.start()
        answer, ledger = taken(tmp_path / str(len(content)), content)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert answer.done and ledger.counts() == {"waiting": 1, "broken": 1}
        assert [one.reason for one in ledger.broken(after=0, limit=9)] == [fault]
        assert peak < 14 << 20


def test_a_list_that_needs_more_memory_than_there_is_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_memory(*_: object) -> Iterator[Found]:
        raise MemoryError
        yield

    monkeypatch.setattr(lists, "recipients", no_memory)
    answer, _ = taken(tmp_path, b"email\na@x.example\n")
    assert answer.failure is not None and "bytes of memory" in answer.failure.message
