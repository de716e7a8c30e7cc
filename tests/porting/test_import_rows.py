"""Files however they are written, and however broken: every good row is found, every bad one named by its line."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from file_world import found, table
from hypothesis import given
from hypothesis import strategies as st

from heliograph.errors import OperatorError
from heliograph.rowfiles import files
from heliograph.rowfiles.files import look

PEOPLE = (("email", "name"), ("ann@x.example", "Änne"), ("bob@x.example", "Bøb"))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "people.csv"


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "windows-1252"])
def test_encoding_and_delimiter_are_found_out(path: Path, delimiter: str, encoding: str) -> None:
    path.write_bytes(table(*PEOPLE, delimiter=delimiter).encode(encoding))
    assert [row.cells for row in found(path)] == [
        {"email": "ann@x.example", "name": "Änne"},
        {"email": "bob@x.example", "name": "Bøb"},
    ]


def test_gzip_is_undone_and_a_hint_for_excel_is_no_row(path: Path) -> None:
    path.write_bytes(gzip.compress(b"sep=;\r\nemail;name\r\nann@x.example;Ann\r\n"))
    assert [(row.line, row.cells["name"]) for row in found(path)] == [(3, "Ann")]


def test_a_list_of_bare_addresses_has_no_header(path: Path) -> None:
    """Suppressions are uploaded one address a line (wire-facts 6.1)."""
    path.write_text("ann@x.example\nbob@x.example\n")
    assert [row.cells for row in found(path)] == [{"1": "ann@x.example"}, {"1": "bob@x.example"}]


def test_line_breaks_in_quotes_belong_to_the_cell(path: Path) -> None:
    path.write_text('email,note\nann@x.example,"one\ntwo ""three"""\nbob@x.example,x\n')
    assert [(row.line, row.cells["note"]) for row in found(path)] == [(2, 'one\ntwo "three"'), (4, "x")]


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        ('bad@x.example,"open', "a quote is opened and not closed"),
        ("bad@x.example", "has 1 cells where the header has 2"),
        ("bad@x.example,a,b,c", "has 4 cells where the header has 2"),
    ],
)
@pytest.mark.parametrize("after", [1, 250])
def test_a_broken_row_costs_itself_alone(path: Path, broken: str, reason: str, after: int) -> None:
    good = [f"p{n}@x.example,n" for n in range(after)]
    path.write_text("\n".join(["email,name", "first@x.example,n", broken, *good]) + "\n")
    read = found(path)
    assert [(row.line, row.fault) for row in read if row.fault] == [(3, reason)]
    assert [row.cells["email"] for row in read if not row.fault] == [
        "first@x.example",
        *[f"p{n}@x.example" for n in range(after)],
    ]


def test_two_rows_that_share_a_pair_of_quotes_are_told_apart(path: Path) -> None:
    path.write_text('email,name\n"a@x.example,n\n"b@x.example",n\nc@x.example,n\n')
    read = found(path)
    assert [row.line for row in read if row.fault] == [2]
    assert [row.cells["email"] for row in read if not row.fault] == ["b@x.example", "c@x.example"]


def test_bytes_that_the_encoding_does_not_know_refuse_their_row_only(path: Path) -> None:
    path.write_bytes("email,name\nänn@x.example,ü\n".encode() + b"b@x.example,\xff\xfe\nc@x.example,n\n")
    assert [(row.line, row.fault) for row in found(path)] == [(2, ""), (3, "is not utf-8"), (4, "")]


def test_a_line_without_end_is_refused_and_not_held(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "LINE_LIMIT", 1000)
    path.write_text("email,name\na@x.example," + "x" * 5000 + "\nb@x.example,n\n")
    read = found(path)
    assert [(row.line, row.fault) for row in read] == [(2, "is longer than 1000 characters"), (3, "")]
    assert len(read[0].original) <= 200


def test_blank_lines_and_spare_columns_are_nothing(path: Path) -> None:
    path.write_text("email,name\n\n,\na@x.example,n,,\n")
    assert [(row.line, row.fault) for row in found(path)] == [(4, "")]


def test_columns_of_one_name_are_told_apart(path: Path) -> None:
    path.write_text("email,tag,tag\na@x.example,1,2\n")
    assert found(path)[0].cells == {"email": "a@x.example", "tag": "1", "tag (2)": "2"}


def test_each_line_of_ndjson_stands_for_itself(path: Path) -> None:
    path.write_text(
        '\ufeff{"email": "a@x.example"}\n\n[1]\n{"email": \n{"email": "b@x.example", "tags": ["x"]}\n'
    )
    read = found(path)
    assert [(row.line, bool(row.fault)) for row in read] == [(1, False), (3, True), (4, True), (5, False)]
    assert read[-1].cells == {"email": "b@x.example", "tags": ["x"]}


def test_a_file_that_is_cut_short_says_where(path: Path) -> None:
    whole = gzip.compress(table(*PEOPLE, *([("c@x.example", "n" * 50)] * 20_000)).encode(), 1)
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(OperatorError, match=r"cannot be read"):
        found(path)


def test_what_is_no_file_is_the_operators_mistake(path: Path) -> None:
    with pytest.raises(OperatorError, match=r"cannot be read"):
        look(path, encoding=None, told=lambda _: None)
    path.write_text("email\n")
    with pytest.raises(OperatorError, match="there is no encoding klingon"):
        look(path, encoding="klingon", told=lambda _: None)


@given(st.binary(max_size=400))
def test_no_bytes_stop_it(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.mktemp("any") / "any.csv"
    path.write_bytes(b"email,name\n" + content)
    for row in found(path):
        assert row.fault or set(row.cells) == {"email", "name"}


@given(
    st.lists(
        st.tuples(*[st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)] * 3),
        max_size=20,
    )
)
def test_what_a_csv_writer_writes_is_what_is_read(
    tmp_path_factory: pytest.TempPathFactory, lines: list[tuple[str, str, str]]
) -> None:
    path = tmp_path_factory.mktemp("any") / "any.csv"
    path.write_text(table(("email", "b", "c"), *lines), encoding="utf-8", newline="")
    read = found(path, encoding="utf-8", delimiter=",")
    assert [tuple(row.cells.values()) for row in read] == [line for line in lines if any(line)]
