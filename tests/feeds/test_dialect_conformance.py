"""What every dialect promises, asked of each that is registered."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from feed_world import event, examples_of_all_kinds

from heliograph.egress import Answer
from heliograph.events.definitions import FeedFailed
from heliograph.events.event import Redacted, Unknown
from heliograph.events.vocabulary import BY_NAME, KINDS
from heliograph.journal.consumer import Delivered, Refused, Retry
from heliograph.outbound.feeds.dialect import CARRIED, Context, Dialect, Options
from heliograph.outbound.feeds.dialects import BY_NAME as DIALECTS_BY_NAME
from heliograph.outbound.feeds.dialects import DIALECTS

BODIES = (b"", b"{}", '{"a":"ü"}'.encode(), bytes(range(256)))


@pytest.fixture(params=DIALECTS, ids=lambda dialect: dialect.name)
def dialect(request: pytest.FixtureRequest) -> Dialect[Any]:
    one: Dialect[Any] = request.param
    return one


def test_every_dialect_has_a_name_of_its_own() -> None:
    assert len(DIALECTS_BY_NAME) == len(DIALECTS)


def test_it_tells_kinds_that_exist_and_that_feeds_carry(dialect: Dialect[Any]) -> None:
    assert dialect.kinds
    assert dialect.kinds <= set(BY_NAME)
    assert dialect.kinds <= CARRIED


def test_it_renders_or_declines_every_kind_and_never_raises(dialect: Dialect[Any]) -> None:
    context = Context(dialect.options())
    for data in examples_of_all_kinds():
        happened = event(data)
        rendered = dialect.render(happened, context)
        assert rendered is None or data.kind in dialect.kinds
        assert rendered == dialect.render(happened, context)


def test_what_was_erased_or_is_unknown_is_never_told(dialect: Dialect[Any]) -> None:
    for kind in dialect.kinds:
        for data in (Redacted(), Unknown()):
            happened = msgspec.structs.replace(event(data), kind=kind)
            assert dialect.render(happened, Context(dialect.options())) is None


@pytest.mark.parametrize("form", ["base64", "hex"])
def test_a_signature_depends_on_every_byte_and_on_the_secret(dialect: Dialect[Any], form: Any) -> None:
    signatures = [str(dialect.sign(secret, body, form)) for secret in ("one", "two") for body in BODIES]
    assert len(set(signatures)) == len(signatures)
    assert signatures == [
        str(dialect.sign(secret, body, form)) for secret in ("one", "two") for body in BODIES
    ]


def test_every_status_has_a_verdict(dialect: Dialect[Any]) -> None:
    for status in range(100, 1000):
        outcome = dialect.verdict(Answer(status, {}, b"\xff\x00 says <b>no</b>"))
        assert isinstance(outcome, Delivered | Retry | Refused)
        assert isinstance(outcome, Delivered) == (200 <= status < 300)


def test_the_gaps_of_its_schedule_grow_and_end(dialect: Dialect[Any]) -> None:
    assert list(dialect.schedule) == sorted(dialect.schedule)
    assert 0 < sum(dialect.schedule) <= 24 * 3600


def test_every_option_is_documented_and_has_a_default(dialect: Dialect[Any]) -> None:
    assert issubclass(dialect.options, Options)
    dialect.options()
    schema = msgspec.json.schema(dialect.options)
    properties = schema["$defs"][dialect.options.__name__]["properties"]
    assert all(described.get("description") for described in properties.values()), properties


def test_feeds_carry_nothing_of_themselves_nor_of_definitions() -> None:
    assert FeedFailed.kind not in CARRIED
    refused = {kind.kind for kind in KINDS} - CARRIED
    assert {kind.split(".")[0] for kind in refused} == {
        "template",
        "automation",
        "segment",
        "webhook",
        "run",
        "feed",
        "campaign",
        "topic",
    }
    assert not any(
        kind.startswith(("feed.", "run.", "template.", "automation.", "topic.")) for kind in CARRIED
    )
