"""Context records in templates: looked up when named, told once, and bounded. MG-7"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dispatch_world import Office, request, template

from heliograph.events.jobs import RecordHit, RecordMissed
from heliograph.events.messages import MessageRenderFailed
from heliograph.journal.consumer import Delivered
from heliograph.outbound.messages.facts.lookups import MOST_KEYS, Lookups, Sources
from heliograph.outbound.messages.templates.sandbox import TEXT, Source, parse
from heliograph.react.state.records import Name, Record


def shelf(**documents: dict[str, Any]) -> Callable[[Name], Record | None]:
    """A data source DEMO2 with these records."""

    def find(name: Name) -> Record | None:
        document = documents.get(name.key) if name.prefix == "DEMO2" else None
        if document is None:
            return None
        return Record(
            prefix=name.prefix,
            key=name.key,
            document=document,
            size=17,
            created=1,
            updated=2,
            expires=None,
            event="e",
        )

    return find


def rendered(source: str, lookups: Lookups, **values: object) -> object:
    parsed = parse(source, TEXT, "TEXT")
    assert isinstance(parsed, Source)
    return parsed.render({**values, "records": Sources(lookups)}, Office().clock, "TEXT")


def test_a_record_is_found_by_prefix_and_key_and_by_its_id() -> None:
    lookups = Lookups(shelf(k1={"tier": "gold"}, **{"42": {"tier": "tin"}}))
    source = "{{ records.DEMO2.k1.tier }} {{ records['DEMO2-k1'].tier }} {{ records.DEMO2[number].tier }}"
    assert rendered(source, lookups, number=42) == "gold gold tin"
    assert list(lookups.found) == [Name("DEMO2", "k1"), Name("DEMO2", "42")]


def test_a_template_can_ask_whether_a_record_is_there() -> None:
    lookups = Lookups(shelf())
    source = "{% assign r = records.DEMO2[key] %}{% if r %}{{ r.tier }}{% else %}none{% endif %}"
    assert rendered(source, lookups, key="k9") == "none"
    assert lookups.found == {Name("DEMO2", "k9"): None}


def test_a_field_of_a_record_that_is_not_there_is_an_error_with_its_place() -> None:
    failed = rendered("{{ records.DEMO2.k9.tier }}", Lookups(shelf()))
    assert getattr(failed, "line", None) == 1


def test_nothing_is_looked_up_for_a_template_that_names_no_record() -> None:
    lookups = Lookups(shelf())
    assert rendered("{{ records }}{% for r in records %}x{% endfor %}", lookups) is not None
    assert rendered("{{ records.DEMO2 }}", lookups) is not None
    assert lookups.found == {}


def test_one_message_cannot_look_everything_up() -> None:
    lookups = Lookups(shelf())
    failed = rendered("{% for n in (1..100) %}{{ records.DEMO2[n] }}{% endfor %}", lookups)
    assert getattr(failed, "code", None) == "Template limit exceeded"
    assert len(lookups.found) == MOST_KEYS


async def test_a_message_tells_each_key_once_however_many_parts_name_it_and_however_often_it_is_tried() -> (
    None
):
    """MG-7: the hit names the message, so that the item has its request's ids."""
    office = Office("smtp://127.0.0.1:1")
    parts = {
        "subject": "{{ records.DEMO2.k1.tier }}",
        "html": "<p>{{ records.DEMO2.k1.tier }}{% if records.DEMO2.k9 %}x{% endif %}</p>",
    }
    office.known = office.known._replace(template=template(**parts), record=shelf(k1={"tier": "gold"}))
    wanted = request(office.clock)
    await office.perform(wanted)
    office.known = office.known._replace(record=shelf(k1={"tier": "gold"}, k9={}))
    await office.perform(wanted, 2)
    told = [event for event in await office.told() if event.kind.startswith("record.")]
    await office.close()
    assert [event.data for event in told] == [
        RecordHit(
            prefix="DEMO2", record_id="DEMO2-k1", message=wanted.id, size=17, created_at=1, updated_at=2
        ),
        RecordMissed(prefix="DEMO2", record_id="DEMO2-k9", message=wanted.id),
    ]
    assert {event.subject for event in told} == {wanted.subject}


async def test_a_template_that_fails_over_a_missing_record_still_tells_the_miss() -> None:
    office = Office("smtp://127.0.0.1:1")
    office.known = office.known._replace(
        template=template(subject="{{ records.DEMO2.k9.tier }}", text="x"), record=shelf()
    )
    assert isinstance(await office.perform(request(office.clock)), Delivered)
    told = [event.data for event in await office.told()]
    await office.close()
    assert [type(data) for data in told] == [RecordMissed, MessageRenderFailed]


def test_a_key_is_looked_up_once_for_a_message() -> None:
    asked: list[Name] = []

    def find(name: Name) -> None:
        asked.append(name)

    assert rendered("{% if records.D.k %}x{% endif %}{% if records.D.k %}y{% endif %}", Lookups(find)) == ""
    assert asked == [Name("D", "k")]
