"""A job's way from its submission to its end, and everything that holds, splits, slows or ends it."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from job_world import World, sent

from heliograph.clock import SECOND
from heliograph.errors import BadRequest
from heliograph.events.engagement import LinkClicked
from heliograph.events.event import AnyEvent, Data
from heliograph.events.messages import MessageDeferred, MessageInDoubt, MessageRequested, MessageSuppressed
from heliograph.events.people import Customer, PersonUpdated
from heliograph.outbound.jobs import orders
from heliograph.outbound.jobs.pacing import LARGEST, SMALLEST


def listed(people: int) -> str:
    return "email,RecipientId,city\n" + "".join(f"p{n}@x.example,{n},Town {n % 7}\n" for n in range(people))


async def test_everybody_is_asked_for_once_with_their_row(world: World) -> None:
    job = await world.submit(listed(300), correlation_id="My Job", job_category="news", campaign=None)
    standing = await world.until(job, "finished")
    assert Counter(world.addresses()) == Counter(f"p{n}@x.example" for n in range(300))
    request = world.requests[7].data
    assert isinstance(request, MessageRequested)
    assert request.context == {"recipient": {"email": "p7@x.example", "RecipientId": "7", "city": "Town 0"}}
    assert (request.job, request.recipient_id, request.correlation_id) == (job, "7", "My Job")
    assert request.request_id == standing.job.submission.request_id == f"t31823-{job}"  # MG-5
    assert standing.counts == standing.job.counts == {"sent": 300}
    assert standing.figures.messages == 300


async def test_what_became_of_each_is_in_the_ledger(world: World) -> None:
    def outcome(event: AnyEvent) -> Data | None:
        assert isinstance(event.data, MessageRequested)
        common = {"message": event.id, "address": event.data.address}
        match event.data.address[:2]:
            case "p0":
                return MessageSuppressed(
                    **common, code=131, category="Previously Unsubscribed", reason="unsubscribed"
                )
            case "p1":
                return MessageInDoubt(**common, reason="crashed")
        return sent(event)

    world.outcome = outcome
    job = await world.submit(listed(3))
    standing = await world.until(job, "finished")
    assert standing.counts == {"sent": 1, "refused": 1, "in_doubt": 1}
    assert [(one.state, one.reason, one.message_state) for one in world.recipients(job)] == [
        ("refused", "unsubscribed", "suppressed"),
        ("in_doubt", "crashed", "in_doubt"),
        ("sent", None, "sent"),
    ]


async def test_no_more_is_under_way_than_is_sent(world: World) -> None:
    """What a job has asked for stands in front of everybody else's mail: it is bounded while nothing is sent."""
    world.outcome = lambda event: None
    job = await world.submit(listed(500))
    await world.until(job, "running")
    await world.steps(30)
    assert len(world.requests) == SMALLEST
    for event in world.requests:
        await world.tell(sent(event), event.subject)  # type: ignore[arg-type]  # it is sent
    await world.steps(1)
    await world.steps(1)
    assert SMALLEST < len(world.requests) <= SMALLEST + 2 * SMALLEST < LARGEST


async def test_a_message_that_was_put_off_holds_nobody_up(world: World) -> None:
    def outcome(event: AnyEvent) -> Data | None:
        assert isinstance(event.data, MessageRequested)
        address = event.data.address
        return MessageDeferred(message=event.id, address=address, attempt=1, response="450 later", retry_at=0)

    world.outcome = outcome
    job = await world.submit(listed(200))
    await world.until(job, "running")
    await world.steps(40)
    assert len(world.requests) == 200
    assert world.standing(job).counts == {"deferred": 200}
    for event in world.requests:
        await world.tell(sent(event), event.subject)  # type: ignore[arg-type]  # it is sent
    assert (await world.until(job, "finished")).counts == {"sent": 200}


@pytest.mark.parametrize("died", ["after the ledger", "after the journal"])
async def test_a_process_that_dies_skips_and_repeats_nobody(
    world: World, died: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = await world.submit(listed(200))
    await world.until(job, "running")
    append = world.journal.append_once

    async def dies(records: object) -> object:
        if died == "after the journal":
            await append(records)  # type: ignore[arg-type]  # as it was given
        raise RuntimeError("killed")

    monkeypatch.setattr(world.journal, "append_once", dies)
    await world.runner.step()
    monkeypatch.undo()
    await world.runner.close()
    counts = world.standing(job).counts
    assert counts["requested"] >= SMALLEST and counts["waiting"] > 0
    await world.follow()
    assert len(world.requests) == counts.get("sent", 0) + (
        counts["requested"] if died == "after the journal" else 0
    )
    world.runner = world.open()
    standing = await world.until(job, "finished")
    assert standing.counts == {"sent": 200}
    assert Counter(world.addresses()) == Counter(f"p{n}@x.example" for n in range(200))


async def test_a_paused_job_asks_for_nobody_and_goes_on_where_it_was(world: World) -> None:
    job = await world.submit(listed(300), options={"rate": {"count": 100}})
    await world.until(job, "running")
    await world.steps(5)
    await world.move(job, "paused")
    await world.steps(3)
    asked = len(world.requests)
    assert 0 < asked < 300
    await world.steps(20)
    assert len(world.requests) == asked
    await world.move(job, "resumed")
    assert (await world.until(job, "finished")).counts == {"sent": 300}


async def test_a_cancelled_job_calls_back_what_was_not_tried(world: World) -> None:
    world.outcome = lambda event: None
    job = await world.submit(listed(300))
    await world.until(job, "running")
    await world.steps(5)
    await world.move(job, "cancelled")
    await world.steps(10, seconds=2)
    assert world.standing(job).counts == {"cancelled": 300}
    assert world.standing(job).job.state == "cancelled"
    with pytest.raises(BadRequest, match="cancelled"):
        await world.move(job, "resumed")
    await world.steps(5)
    assert len(world.requests) == SMALLEST


async def test_a_rate_is_kept_also_by_the_next_process(world: World) -> None:
    job = await world.submit(listed(100), options={"rate": {"count": 60, "per": "minute"}})
    await world.until(job, "running")
    await world.steps(300)
    await world.runner.close()
    world.runner = world.open()
    await world.steps(100)
    assert 38 <= len(world.requests) <= 42


async def test_a_job_begins_at_its_instant(world: World) -> None:
    job = await world.submit(listed(3), send_at=world.clock.now() + 60 * SECOND)
    await world.steps(20, seconds=2)
    assert world.standing(job).job.state == "submitted" and not world.requests
    assert (await world.until(job, "finished")).counts == {"sent": 3}


async def test_a_job_that_is_too_late_is_not_sent(world: World) -> None:
    """Field lesson 5: a restart must not send a stale campaign."""
    job = await world.submit(listed(3), send_at=world.clock.now() - 7200 * SECOND, options={"lateness": 3600})
    standing = await world.until(job, "failed")
    assert standing.job.error_code == "Schedule Error" and not world.requests


async def test_a_missing_file_is_a_failed_job_in_the_documents_words(world: World) -> None:
    """S1:L227-237."""
    job = await world.order("file:none.csv", correlation_id="My Job Id: 101010")
    standing = await world.until(job, "failed")
    assert standing.job.error_code == "Transfer Error"
    (world.data / "open").mkdir()
    job = await world.order("file:none.csv")
    standing = await world.until(job, "failed")
    assert (
        standing.job.error_message
        == "Error retrieving file: file:none.csv - there is no such file in the folder"
    )
    for source in (
        "file:../state.db",
        "upload:../../state.db",
        "http://127.0.0.1:1/x.csv",
        "s3://bucket/key",
    ):
        job = await world.order(source)
        assert (await world.until(job, "failed")).job.error_code == "Transfer Error"


async def test_a_file_of_the_open_folder_is_read(world: World) -> None:
    (world.data / "open").mkdir()
    (world.data / "open" / "list.csv").write_text(listed(5))
    assert (await world.until(await world.order("file:list.csv"), "finished")).counts == {"sent": 5}


async def test_a_job_without_its_template_fails_at_once(world: World) -> None:
    standing = await world.until(await world.submit(listed(3), template="none"), "failed")
    assert standing.job.error_message == "There is no template none"


async def test_recipients_wait_for_their_own_morning(world: World) -> None:
    """It is 22:13 in UTC: 17:13 in New York, 07:13 in Tokyo."""
    content = "email,TimeZone\nny@x.example,America/New_York\njp@x.example,Asia/Tokyo\nuk@x.example,\nno@x.example,Nowhere/X\n"
    job = await world.submit(content, options={"window": {"begins": "09:00", "ends": "18:00"}})
    await world.until(job, "running")
    await world.steps(5)
    assert world.addresses() == ["ny@x.example"]
    held = {one.address: one for one in world.recipients(job) if one.state == "held"}
    assert (held["jp@x.example"].zone, held["jp@x.example"].zone_source) == ("Asia/Tokyo", "the list")
    assert held["jp@x.example"].due == 1_700_006_400 * SECOND  # 2023-11-15 00:00 UTC
    assert {(held[who].zone, held[who].zone_source) for who in ("uk@x.example", "no@x.example")} == {
        ("UTC", "the account")
    }
    await world.steps(20, seconds=600)
    assert world.addresses()[1:] == ["jp@x.example"]
    await world.steps(80, seconds=600)
    assert sorted(world.addresses()[2:]) == ["no@x.example", "uk@x.example"]
    assert world.standing(job).job.state == "finished"
    assert {one.zone for one in world.recipients(job)} == {"America/New_York", "Asia/Tokyo", "UTC"}


async def test_a_person_is_written_to_by_the_same_clock_as_in_automations(world: World) -> None:
    """Their word, their address, their last order, their phone: `react.state.zones` decides, whoever asks."""
    said: dict[str, dict[str, Any]] = {
        "word@x.example": {"time_zone": "Asia/Tokyo"},
        "home@x.example": {"default_address": {"country_code": "JP"}},
        "call@x.example": {"sms_phone_number_e164": "+81312345678"},
        "odd@x.example": {"time_zone": "Nowhere/X"},
    }
    for email, customer in said.items():
        await world.tell(PersonUpdated(person=Customer(email=email, **customer)), f"email:{email}")
    content = "email\n" + "".join(f"{email}\n" for email in said)
    job = await world.submit(content, options={"window": {"begins": "07:00", "ends": "08:00"}})
    await world.until(job, "running")
    await world.steps(5)
    found = {one.address: (one.state, one.zone, one.zone_source) for one in world.recipients(job)}
    assert found == {
        "word@x.example": ("sent", "Asia/Tokyo", "the person's time_zone"),
        "home@x.example": ("sent", "Asia/Tokyo", "the person's address: JP"),
        "call@x.example": ("sent", "Asia/Tokyo", "the phone: JP"),
        "odd@x.example": ("held", "UTC", "the account"),
    }


async def test_a_split_test_holds_the_rest_for_its_winner(world: World) -> None:
    split = {"variants": [{"template": "a", "share": 10}, {"template": "b", "share": 10}]}
    job = await world.submit(listed(500), options={"split": split})
    await world.until(job, "running")
    await world.steps(40)
    templates = Counter(
        event.data.template for event in world.requests if isinstance(event.data, MessageRequested)
    )
    assert 15 <= templates["a"] <= 100 and 15 <= templates["b"] <= 100, "50 each, by chance some more or less"
    held = world.standing(job).counts["held"]
    with pytest.raises(BadRequest, match="no template"):
        await orders.decide(world.journal, world.clock, world.standing(job).job, "t", by="test")
    await orders.decide(world.journal, world.clock, world.standing(job).job, "b", by="test")
    await world.follow()
    assert (await world.until(job, "finished")).counts == {"sent": 500}
    assert [one.template for one in world.recipients(job)].count("b") == templates["b"] + held


async def test_a_split_test_is_decided_by_what_recipients_did(world: World) -> None:
    variants = [{"template": "a", "share": 20}, {"template": "b", "share": 20}]
    split = {"variants": variants, "by": "clicks", "after": 600}
    job = await world.submit(listed(200), options={"split": split})
    await world.until(job, "running")
    await world.steps(30)
    clicked = next(event for event in world.requests if event.data.template == "b")  # type: ignore[attr-defined]  # a request
    await world.tell(LinkClicked(message=clicked.id, url="https://x.example"), clicked.subject)
    await world.steps(10, seconds=100)
    standing = await world.until(job, "finished")
    assert standing.job.winner == "b" and standing.counts == {"sent": 200}


async def test_options_that_cannot_be_followed_are_refused(world: World) -> None:
    for options in (
        {"rate": {"count": 0}},
        {"window": {"begins": "09:00", "ends": "09:00"}},
        {"window": {"begins": "9", "ends": "10:00"}},
        {"split": {"variants": [{"template": "a", "share": 60}, {"template": "b", "share": 60}]}},
        {"split": {"variants": [{"template": "a", "share": 10}, {"template": "a", "share": 10}]}},
        {"surprise": 1},
    ):
        with pytest.raises(BadRequest):
            await world.order("upload:x", options=options)
    with pytest.raises(BadRequest):
        await world.order("ftp://x.example/list.csv")
