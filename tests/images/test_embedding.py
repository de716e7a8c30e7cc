"""HTML to paste: it survives a parser, and other systems' merge tags survive in it."""

from __future__ import annotations

from html.parser import HTMLParser

import msgspec
import pytest
from live_world import BASE

from heliograph import senders
from heliograph.errors import OperatorError
from heliograph.merge_tags import unfilled
from heliograph.outbound.images import authoring, embedding
from heliograph.outbound.images.kinds import BY_NAME, KINDS
from heliograph.outbound.images.kinds.kind import Place

ID = "4tlp0c37f9a462juv1bzukoj4"
SAID = {
    "timers": {"templateId": "box_timer", "countdown": {"time": "2030-01-01T00:00:00Z"}, "language": "de"},
    "progress_bars": {"templateId": "linear_progress_bar", "minimumValue": 0, "maximumValue": 9},
    "sentiment_trackers": {
        "templateId": "text",
        "url": "https://x.example",
        "prompt": "Tea & cake?",
        "options": ["<yes>", "no"],
    },
    "conditional_images": {
        "templateId": "default_conditional_images",
        "parameterName": "cake",
        "rules": [
            {"operator": "empty", "imageUrl": "https://x.example/a", "clickUrl": "https://x.example/b"}
        ],
        "fallback": {"imageUrl": "https://x.example/c"},
    },
}


class Parsed(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.urls: list[str] = []
        self.alts: list[str] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in ("img", "a", "p")
        self.urls += [value or "" for name, value in attrs if name in ("src", "href")]
        self.alts += [value or "" for name, value in attrs if name == "alt"]

    def handle_data(self, data: str) -> None:
        self.text += data


def pasted(name: str, sender: str) -> Parsed:
    kind = BY_NAME[name]
    draft = authoring.read(kind, {"data": {"attributes": SAID[name]}}, preview=False)
    place = Place(ID, BASE, BASE, embedding.tags(sender))
    return Parsed(embedding.html(kind, draft.definition, place))


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
@pytest.mark.parametrize("sender", senders.senders(), ids=lambda sender: sender.name)
def test_a_senders_merge_tag_stands_in_every_url_as_that_sender_wants_it(kind, sender) -> None:
    """And where it is not replaced we know it for a merge tag (PER-7, PER-9, PER-12)."""
    parsed = pasted(kind.name, sender.name)
    for url in parsed.urls:
        assert url.startswith(f"{BASE}/{kind.door.prefix}/{ID}") and url.count("?") - url.count("?url") == 1
        tags = {sender.person, *map(sender.tag, ("exp", "cur", "cake"))}
        (tag,) = {tag for tag in tags if url.endswith(f"={tag}")}
        assert unfilled(tag)


def test_texts_of_a_poll_are_texts() -> None:
    parsed = pasted("sentiment_trackers", "mailchimp")
    assert parsed.alts == ["<yes>", "no"] and "Tea & cake?" in parsed.text
    assert len(parsed.urls) == 4


def test_any_other_senders_pattern_can_be_given() -> None:
    assert pasted("progress_bars", "<<NAME>>").urls == [f"{BASE}/pb/{ID}.png?min=0&max=9&cur=<<cur>>"]
    with pytest.raises(OperatorError, match="mailchimp"):
        embedding.tags("nobody")


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_a_kind_keeps_what_was_published_word_for_word(kind) -> None:
    """PER-15: stored as JSON and read again it is the same, with every default in it."""
    draft = authoring.read(kind, {"data": {"attributes": SAID[kind.name]}}, preview=False)
    stored = msgspec.json.encode(msgspec.to_builtins(draft.definition))
    assert msgspec.convert(msgspec.json.decode(stored), kind.definition) == draft.definition


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_a_kind_has_a_door_a_segment_and_templates_of_its_own(kind) -> None:
    others = [other for other in KINDS if other is not kind]
    assert kind.segment == kind.name.replace("_", "-") and kind.templates
    assert not any((other.door, other.name) == (kind.door, kind.name) for other in others)
    assert kind.door not in [other.door for other in others]
    own = {template.id for template in kind.templates}
    assert not own & {template.id for other in others for template in other.templates}
    assert kind.template(kind.templates[0].id) is kind.templates[0]
