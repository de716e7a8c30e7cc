"""PER-7: `exp` in every form that mail systems make of it, and in the one form that we write."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from heliograph.outbound.images.countdown.deadline import canonical, encoded, in_words, parse, remaining

FEBRUARY = 1_707_444_000_000_000  # 2024-02-09T02:00:00Z, by `date -d ... +%s`


@pytest.mark.parametrize(
    "exp",
    [
        "2024-02-09T02:00:00Z",
        "2024-02-09t02:00:00z",
        "2024-02-09T02:00:00",
        "2024-02-09T02:00",
        "2024-02-09 02:00:00",
        "2024-02-09T02:00:00.0000000+00:00",  # S2:L245, decoded well
        "2024-02-09T02:00:00.0000000 00:00",  # the same by a decoder of forms
        "2024-02-09T02%3A00%3A00.0000000%2B00%3A00",  # the same encoded twice
        "2024-02-09T04:00:00+02:00",
        "2024-02-09T04:00:00 02:00",
        "2024-02-09T04:00:00+0200",
        "2024-02-09T04:00:00+02",
        "2024-02-08T20:30:00-05:30",
        "2024-02-08T20:30:00\u221205:30",
        "2024-02-09T02:00:00.000000499Z",
        "2024-02-09T02:00:00,0Z",
        "20240209T020000Z",
        "2024-02-09 02:00:00 UTC",
        "  2024-02-09T02:00:00Z ",
    ],
)
def test_one_instant_in_its_many_forms(exp: str) -> None:
    """PER-7."""
    assert parse(exp) == FEBRUARY


@pytest.mark.parametrize(
    ("exp", "after"),
    [
        ("2024-02-09T02:00:00.1234567Z", 123_456),
        ("2024-02-09T02:00:00.5Z", 500_000),
        ("2024-02-10", 22 * 3600 * 1_000_000),
        ("2024-02-09T24:00:00Z", 22 * 3600 * 1_000_000),
        ("2024-02-09T02:00:60Z", 60_000_000),
    ],
)
def test_fractions_dates_alone_and_the_ends_of_days_and_minutes(exp: str, after: int) -> None:
    assert parse(exp) == FEBRUARY + after


@pytest.mark.parametrize(
    "exp",
    [
        None,
        "",
        "{{ deadline }}",
        "*|DEADLINE|*",
        "%%deadline%%",
        "%deadline%",
        "[[deadline]]",
        "MERGE_YOUR_VALUE",
        "tomorrow",
        "1707444000",
        "2024-13-01T00:00:00Z",
        "2024-02-30T00:00:00Z",
        "2024-02-09T25:00:00Z",
        "2024-02-09T24:00:01Z",
        "2024-02-09T02:60:00Z",
        "2024-02-09T02:00:00+02:60",
        "2024-02-09T02:00:00 and more",
        "2024-0209T02:00:00Z",
        "0000-01-01T00:00:00Z",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "\u0662\u0660\u0662\u0664-02-09T02:00:00Z",
        "2024-02-09T02:00:00." + "0" * 100 + "Z",
        "2024-02-09T02:00:00Z\x00",
    ],
)
def test_what_is_no_instant_leaves_the_published_one(exp: str | None) -> None:
    """PER-7: unparsable, or a merge tag that was not replaced."""
    assert parse(exp) is None


def test_it_is_written_as_the_document_writes_it() -> None:
    """PER-7 and S2:L245 (whose instant is not the one that was asked for; ours is)."""
    said = "exp=2024-02-09T02%3A00%3A00.0000000%2B00%3A00"
    assert f"exp={encoded(FEBRUARY)}" == said
    assert parse_qs(said)["exp"] == [canonical(FEBRUARY)]


@given(st.integers(-62_135_596_800_000_000, 253_402_300_799_999_999))
def test_what_is_written_can_be_read(deadline: int) -> None:
    assert parse(canonical(deadline)) == deadline
    assert parse(encoded(deadline)) == deadline


@given(st.datetimes(timezones=st.timezones()))
def test_pythons_own_form_is_read_alike(moment: datetime) -> None:
    """An independent writer, with every offset of the time zone database that is whole minutes."""
    offset = moment.utcoffset()
    assume(2 < moment.year < 9998)
    assume(offset is not None and offset % timedelta(minutes=1) == timedelta())
    assert parse(moment.isoformat()) == (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(
        microseconds=1
    )


@given(st.text(max_size=90))
def test_nothing_makes_it_fail(exp: str) -> None:
    assert parse(exp) is None or isinstance(parse(exp), int)


def test_what_remains_is_rounded_down() -> None:
    assert remaining(FEBRUARY, FEBRUARY - 10_999_999) == 10
    assert remaining(FEBRUARY, FEBRUARY) == 0
    assert remaining(FEBRUARY, FEBRUARY + 1) == -1


def test_a_deadline_in_no_language() -> None:
    assert in_words(FEBRUARY) == "2024-02-09 02:00 UTC"
