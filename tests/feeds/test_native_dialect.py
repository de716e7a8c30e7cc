"""Our own dialect: every event whole, byte for byte as it was recorded."""

from __future__ import annotations

import json
from typing import Any

import msgspec
from feed_world import ACCOUNT, NOW, event

from heliograph.events import codec
from heliograph.events.definitions import FeedFailed
from heliograph.events.engagement import ImageShown, VoteCast
from heliograph.outbound.feeds.dialect import Context, Rendered
from heliograph.outbound.feeds.dialects.native import DIALECT, NativeOptions


def told(happened: Any, **options: Any) -> Rendered | None:
    return DIALECT.render(event(happened), Context(NativeOptions(**options)))


def test_a_look_at_a_live_picture_is_told_with_its_reader() -> None:
    """PER-14's views, for receivers like any other event."""
    look = event(
        ImageShown(image="4tlp0c37f9a462juv1bzukoj4", variant="countdown", reader="human", ip="203.0.113.7")
    )
    rendered = DIALECT.render(look, Context(NativeOptions()))
    assert rendered is not None and rendered.headers["X-Heliograph-Kind"] == "image.shown"
    assert json.loads(rendered.body) == {
        "id": look.id,
        "kind": "image.shown",
        "account": ACCOUNT,
        "subject": "email:john@doe.com",
        "at": "2023-11-14T22:13:20.000000Z",
        "recorded": "2023-11-14T22:13:20.000000Z",
        "cause": None,
        "data": {
            "image": "4tlp0c37f9a462juv1bzukoj4",
            "variant": "countdown",
            "reader": "human",
            "ip": "203.0.113.7",
        },
    }


def test_data_go_out_byte_for_byte_as_they_were_recorded() -> None:
    raw = b'{"tracker":"t", "option":1.0 ,"newer_field":"kept"}'
    recorded = msgspec.structs.replace(event(VoteCast(tracker="t", option=1)), raw=raw)
    rendered = DIALECT.render(recorded, Context(NativeOptions()))
    assert rendered is not None and rendered.body.endswith(b'"data":' + raw + b"}")


def test_who_wants_no_data_gets_none() -> None:
    rendered = told(VoteCast(tracker="t", option=1), data=False)
    assert rendered is not None and json.loads(rendered.body)["data"] == {}


def test_feeds_do_not_tell_of_feeds() -> None:
    assert told(FeedFailed(name="f", reason="r", event="e", attempts=1)) is None


def test_what_was_read_from_the_journal_is_told_as_what_was_made() -> None:
    made = event(VoteCast(tracker="t", option=2), at=NOW)
    record = codec.encode(made)
    again = msgspec.structs.replace(made, raw=record.data)
    first, second = (DIALECT.render(one, Context(NativeOptions())) for one in (made, again))
    assert first is not None and second is not None and json.loads(first.body) == json.loads(second.body)
