"""Rows of a table during one batch."""

from __future__ import annotations

import msgspec
import pytest
from state_world import World

from heliograph.react.state.persons import IDENTITIES, PERSONS, IdentityRow, PersonRow, new_person
from heliograph.react.state.rows import Rows, append
from heliograph.react.state.visits import OPENS, Opened


def identity(value: str, person: str = "p") -> IdentityRow:
    return IdentityRow("1", "email", value, person, 1, None)


def test_more_keys_than_one_statement_takes_are_read(world: World) -> None:
    rows = Rows(world.connection, IDENTITIES, IdentityRow)
    for number in range(2_500):
        rows.put(identity(str(number)))
    rows.write()
    again = Rows(world.connection, IDENTITIES, IdentityRow)
    again.read(("1", "email", str(number)) for number in range(3_000))
    assert again.get(("1", "email", "2499")) == identity("2499")
    assert again.get(("1", "email", "2500")) is None


def test_a_key_that_was_not_read_ahead_is_read_when_asked_for(world: World) -> None:
    append(world.connection, IDENTITIES, [msgspec.structs.astuple(identity("a"))])
    assert Rows(world.connection, IDENTITIES, IdentityRow).get(("1", "email", "a")) == identity("a")


def test_what_was_removed_is_gone_and_what_was_put_after_is_there(world: World) -> None:
    rows = Rows(world.connection, IDENTITIES, IdentityRow)
    rows.put(identity("a"))
    rows.put(identity("b"))
    rows.write()
    rows.remove(("1", "email", "a"))
    rows.remove(("1", "email", "b"))
    rows.put(identity("b", "q"))
    assert rows.get(("1", "email", "a")) is None
    rows.write()
    again = Rows(world.connection, IDENTITIES, IdentityRow)
    assert again.get(("1", "email", "a")) is None
    assert again.get(("1", "email", "b")) == identity("b", "q")


def test_a_column_that_is_written_once_stays_and_the_others_change(world: World) -> None:
    for at, recorded in ((1, 10), (2, 20)):
        rows = Rows(world.connection, OPENS, Opened)
        rows.put(Opened(event="e", account="1", at=at, recorded=recorded))
        rows.write()
    found = Rows(world.connection, OPENS, Opened).get(("e",))
    assert found is not None
    assert (found.at, found.recorded) == (2, 10)


def test_appending_leaves_what_is_there(world: World) -> None:
    append(world.connection, IDENTITIES, [msgspec.structs.astuple(identity("a"))])
    append(world.connection, IDENTITIES, [msgspec.structs.astuple(identity("a", "q"))])
    assert Rows(world.connection, IDENTITIES, IdentityRow).get(("1", "email", "a")) == identity("a")


def test_json_columns_are_text(world: World) -> None:
    row = new_person("1", "p", 1)
    row.document = '{"a":"\\u0000"}'
    rows = Rows(world.connection, PERSONS, PersonRow)
    rows.put(row)
    rows.write()
    found = Rows(world.connection, PERSONS, PersonRow).get(("p",))
    assert found == row


def test_a_struct_that_does_not_fit_its_table_is_refused(world: World) -> None:
    with pytest.raises(TypeError, match="does not name the columns of persons"):
        Rows(world.connection, PERSONS, IdentityRow)
