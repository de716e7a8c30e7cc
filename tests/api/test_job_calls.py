"""`/jobs` over the API: submitted, shown, moved, and their recipients as CSV."""

from __future__ import annotations

import asyncio
import csv
import io
from typing import Any

from api_world import Answer, World

from heliograph.clock import SECOND
from heliograph.events.jobs import JobFailed, JobStarted
from heliograph.outbound.jobs import reading, tables, uploads
from heliograph.outbound.jobs.asking import Asked, Held
from heliograph.outbound.jobs.ledger import Ledger, path_of
from heliograph.outbound.jobs.reading import Task

PEOPLE = [
    {"EmailAddress": "ann@x.example", "RecipientId": "7", "FirstName": "Ann"},
    {"EmailAddress": "bob@x.example", "City": "=1+1", "Nest": {"a": [1]}},
    {"FirstName": "nobody"},
    {"EmailAddress": "ann@x.example"},
]


async def said(world: World, body: dict[str, Any], **headers: str) -> Answer:
    """An order; state follows while the answer waits for it."""
    asking = asyncio.create_task(world.ask("POST", "/api/v1/jobs", body, headers=headers))
    while not asking.done():
        await asyncio.sleep(0.005)
        await world.follow()
        await world.clock.advance(0.02)
    return asking.result()


async def submitted(world: World, **fields: Any) -> str:
    answer = await said(world, {"template": "news", "recipients": PEOPLE, **fields})
    assert answer.status == 202, answer.raw
    return str(answer.json["id"])


def read(world: World, job: str) -> Ledger:
    """The list is read, as the engine has it done."""
    (upload,) = uploads.files(world.means.data, world.account)
    path = path_of(world.means.data, job)
    task = Task(
        ledger=str(path),
        list=str(upload),
        left_out=(),
        channel="email",
        columns={},
        keep_case=False,
        limit=1 << 20,
    )
    assert reading.read(task).done
    return Ledger(path)


def table(answer: Answer) -> list[dict[str, str]]:
    assert answer.status == 200 and answer.headers["content-type"].startswith("text/csv")
    return list(csv.DictReader(io.StringIO(answer.raw.decode())))


async def test_a_job_is_submitted_once_however_often_it_is_said(world: World) -> None:
    order = {"template": "news", "recipients": PEOPLE}
    first, again = [await said(world, order, **{"idempotency-key": "spring"}) for _ in range(2)]
    assert first.json["id"] == again.json["id"]
    assert len((await world.ask("GET", "/api/v1/jobs")).json["jobs"]) == 1


async def test_a_ledger_is_a_list_again(world: World) -> None:
    """Who was not reached can be handed in as the next job; what a spreadsheet would compute is text."""
    job = await submitted(world)
    ledger = read(world, job)
    with ledger.writing():
        ledger.request([Asked(1, "news", world.clock.now(), "Asia/Tokyo", "the list")])
        ledger.hold([Held(2, 1_700_006_400 * SECOND, "UTC", "the account")])
    rows = table(await world.ask("GET", f"/api/v1/jobs/{job}/recipients.csv"))
    assert list(rows[0]) == [*tables.OWN, "EmailAddress", "RecipientId", "FirstName", "City", "Nest"]
    assert [(row["address"], row["state"], row["reason"]) for row in rows] == [
        ("ann@x.example", "requested", ""),
        ("bob@x.example", "held", ""),
        ("ann@x.example", "duplicate", "line 1 has this address"),
    ]
    assert (rows[0]["zone"], rows[0]["zone_source"], rows[0]["RecipientId"]) == (
        "Asia/Tokyo",
        "the list",
        "7",
    )
    assert rows[1]["due_at"] == "2023-11-15T00:00:00.000000Z"
    assert (rows[1]["City"], rows[1]["Nest"], rows[1]["FirstName"]) == ("'=1+1", '{"a":[1]}', "")
    (held,) = table(await world.ask("GET", f"/api/v1/jobs/{job}/recipients.csv", state="held"))
    assert held["address"] == "bob@x.example" and "FirstName" not in held
    standing = (await world.ask("GET", f"/api/v1/jobs/{job}")).json
    assert standing["next_due_at"] == "2023-11-15T00:00:00.000000Z" and standing["total"] == 4
    ledger.close()


async def test_a_long_ledger_comes_page_by_page(world: World, monkeypatch: Any) -> None:
    monkeypatch.setattr(tables, "PAGE", 2)
    people = [{"EmailAddress": f"p{n}@x.example"} for n in range(5)] + [{}, {"a": 1}, {"EmailAddress": "x"}]
    job = await submitted(world, recipients=people)
    read(world, job).close()
    assert len(table(await world.ask("GET", f"/api/v1/jobs/{job}/recipients.csv"))) == 5
    broken = table(await world.ask("GET", f"/api/v1/jobs/{job}/broken.csv"))
    assert [row["line"] for row in broken] == ["6", "7", "8"]
    assert [row["reason"].split(":")[0] for row in broken] == [
        "has no email address",
        "has no email address",
        "has no e-mail address",
    ]


async def test_a_job_whose_list_is_not_read_yet_says_so_and_has_an_empty_table(world: World) -> None:
    job = await submitted(world)
    assert (await world.ask("GET", f"/api/v1/jobs/{job}")).json["reading"] is True
    assert table(await world.ask("GET", f"/api/v1/jobs/{job}/recipients.csv")) == []


async def test_another_accounts_job_is_not_there(world: World) -> None:
    job = await submitted(world)
    for path in ("", "/recipients", "/recipients.csv", "/broken", "/broken.csv"):
        answer = await world.ask("GET", f"/api/v1/jobs/{job}{path}", key=world.other_key)
        assert answer.status == 404 and answer.json["code"] == "not_found", path
    for word in ("pause", "resume", "cancel"):
        assert (await world.ask("POST", f"/api/v1/jobs/{job}/{word}", {}, key=world.other_key)).status == 404


async def test_a_failed_job_says_why_in_the_documents_words(world: World) -> None:
    job = await submitted(world)
    why = "Error retrieving file: s3://mycompany/myfile.txt - The specified key does not exist."
    failed = JobFailed(job=job, error_code="Transfer Error", error_message=why)
    await world.happen(failed, subject=f"job:{job}")
    shown = (await world.ask("GET", f"/api/v1/jobs/{job}")).json
    assert (shown["state"], shown["error_code"], shown["error_message"]) == ("failed", "Transfer Error", why)
    answer = await world.ask("POST", f"/api/v1/jobs/{job}/cancel", {})
    assert answer.status == 400 and "it cannot be cancelled" in answer.json["message"]


async def test_what_is_wrong_with_an_order_is_said_by_field(world: World) -> None:
    for fields, field in (
        ({"source": "upload:x"}, "source"),
        ({"recipients": []}, "source"),
        ({"send_at": "tomorrow"}, "send_at"),
        ({"options": {"url_append": "a b"}}, "options.url_append"),
        ({"options": {"attachments": [{"name": "a/b", "source": "file:x"}]}}, "options.attachments"),
        ({"options": {"window": {"begins": "9", "ends": "10:00"}}}, "options.window.begins"),
    ):
        answer = await world.ask("POST", "/api/v1/jobs", {"template": "news", "recipients": PEOPLE, **fields})
        assert answer.status == 400, fields
        assert field in str(answer.json), answer.json


async def test_speed_and_remaining_time_are_shown(world: World) -> None:
    job = await submitted(world)
    ledger = read(world, job)
    with ledger.writing():
        ledger.note("speed", 0.5)
    ledger.close()
    await world.happen(JobStarted(job=job), subject=f"job:{job}")
    shown = (await world.ask("GET", f"/api/v1/jobs/{job}")).json
    assert (shown["per_second"], shown["remaining"], shown["settled"]) == (0.5, 4.0, 2)
