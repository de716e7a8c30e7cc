"""Statements that are asked by the driver's cursor say what SQLAlchemy's own would."""

from __future__ import annotations

import pytest
from sqlalchemy import JSON, BigInteger, Boolean, Column, MetaData, String, Table, bindparam, insert, select
from sqlalchemy.exc import OperationalError

from heliograph.database import Query, memory_state

THINGS = Table(
    "things",
    MetaData(),
    Column("name", String, primary_key=True),
    Column("fine", Boolean),
    Column("said", JSON),
    Column("at", BigInteger),
)
ROWS = (
    ("a", True, {"n": [1, "ü"]}, 1 << 60),
    ("b", False, [], None),
    ("c", None, None, 0),
)
BY_NAME = select(THINGS).where(THINGS.c.name == bindparam("of_name"))
NEWEST = select(THINGS.c.name).order_by(THINGS.c.name.desc()).limit(2)


@pytest.mark.parametrize("row", ROWS, ids=["all there", "empty", "nothing there"])
def test_a_row_has_the_types_of_its_columns(row: tuple[object, ...]) -> None:
    engine = memory_state()
    THINGS.metadata.create_all(engine)
    with engine.begin() as connection:
        connection.execute(insert(THINGS), [dict(zip(THINGS.c.keys(), one, strict=True)) for one in ROWS])
        assert Query(BY_NAME).row(connection, of_name=row[0]) == row
        assert connection.execute(BY_NAME, {"of_name": row[0]}).one() == row


def test_a_statements_own_values_hold_and_what_is_not_there_is_none() -> None:
    engine = memory_state()
    THINGS.metadata.create_all(engine)
    with engine.begin() as connection:
        assert Query(BY_NAME).row(connection, of_name="a") is None
        assert Query(BY_NAME).value(connection, of_name="a") is None
        connection.execute(insert(THINGS), [{"name": name} for name in "abc"])
        assert Query(NEWEST).rows(connection) == [("c",), ("b",)]
        assert Query(NEWEST).value(connection) == "c"


def test_a_failure_is_sqlalchemys_and_shows_no_values() -> None:
    with memory_state().begin() as connection, pytest.raises(OperationalError) as failed:
        Query(BY_NAME).rows(connection, of_name="joe@x.example")
    assert "no such table" in str(failed.value) and "joe@" not in str(failed.value)
