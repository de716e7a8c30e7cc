"""What the mails of a job bring beside their template: files, parameters of their links, a subscription topic."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from job_world import World

from heliograph.attachments import kept
from heliograph.attachments.kept import KeptFiles
from heliograph.attachments.rules import SIZE_LIMIT
from heliograph.errors import BadRequest
from heliograph.events.event import AnyEvent
from heliograph.events.messages import Attachment, MessageRequested
from heliograph.events.preferences import SubscriptionTopicSaved
from heliograph.outbound.jobs import keeping

LIST = "email\na@x.example\nb@x.example\n"


def files_of(event: AnyEvent) -> tuple[Attachment, ...]:
    assert isinstance(event.data, MessageRequested)
    return event.data.attachments


async def test_a_file_is_kept_once_and_named_by_every_message(world: World, tmp_path: Path) -> None:
    (tmp_path / "open").mkdir()
    (tmp_path / "open" / "terms.pdf").write_bytes(b"pdf")
    enclosures = [
        {"name": "terms.pdf", "source": "file:terms.pdf"},
        {"name": "l", "source": "file:terms.pdf", "content_type": "image/png", "content_id": "l@x.example"},
    ]
    job = await world.submit(LIST, options={"attachments": enclosures})
    await world.until(job, "finished")
    first, second = map(files_of, world.requests)
    assert first == second
    assert [(one.name, one.content_type, one.content_id, one.content) for one in first] == [
        ("terms.pdf", "application/pdf", "", ""),
        ("l", "image/png", "l@x.example", ""),
    ]
    files = list((tmp_path / kept.FOLDER).glob("*/*"))
    assert len(files) == 1 and files[0].name == first[0].kept
    assert KeptFiles(tmp_path).read(world.account.number, first[0].kept) == b"pdf"


async def test_a_file_of_each_mail_is_left_to_who_sends_it(world: World, tmp_path: Path) -> None:
    """One that all have in common is fetched now, all the same."""
    (tmp_path / "open").mkdir()
    (tmp_path / "open" / "terms.pdf").write_bytes(b"pdf")
    url = "https://nowhere.invalid/{{ recipient.ticket }}.pdf"
    enclosures = [
        {"name": "{{ recipient.ticket }}.pdf", "url": url},
        {"name": "terms.pdf", "source": "file:terms.pdf"},
    ]
    await world.until(await world.submit(LIST, options={"attachments": enclosures}), "finished")
    for event in world.requests:
        ticket, terms = files_of(event)
        assert ticket == Attachment(name="{{ recipient.ticket }}.pdf", content_type="", url=url)
        assert terms.kept and not terms.url


async def test_the_next_process_sends_the_same_files(world: World, tmp_path: Path) -> None:
    (tmp_path / "open").mkdir()
    (tmp_path / "open" / "a.txt").write_bytes(b"a")
    world.outcome = lambda _: None
    enclosed = [{"name": "a.txt", "source": "file:a.txt"}]
    job = await world.submit(LIST, options={"attachments": enclosed, "rate": {"count": 1, "per": "hour"}})
    await world.until(job, "running")
    await world.steps(5)
    (tmp_path / "open" / "a.txt").unlink()
    await world.runner.close()
    world.runner = world.open()
    await world.steps(20, seconds=600)
    assert len(world.requests) == 2
    assert files_of(world.requests[0]) == files_of(world.requests[1]) != ()


@pytest.mark.parametrize(
    ("size", "code", "why"),
    [
        (None, "Transfer Error", "Error retrieving file: file:a.txt - there is no such file in the folder"),
        (SIZE_LIMIT + 1, "Job Error", f"may have {SIZE_LIMIT} bytes at most"),
    ],
)
async def test_a_file_that_cannot_go_with_it_ends_the_job_before_anybody_is_written_to(
    world: World, tmp_path: Path, size: int | None, code: str, why: str
) -> None:
    (tmp_path / "open").mkdir()
    if size is not None:
        (tmp_path / "open" / "a.txt").write_bytes(b"x" * size)
    enclosed = [{"name": "a.txt", "source": "file:a.txt"}]
    standing = await world.until(await world.submit(LIST, options={"attachments": enclosed}), "failed")
    assert standing.job.error_code == code and why in str(standing.job.error_message)
    assert world.requests == [] and list((tmp_path / "jobs").glob("*attached*")) == []


async def test_kept_files_go_when_nobody_names_them_any_more(world: World, tmp_path: Path) -> None:
    files, account = KeptFiles(tmp_path), world.account.number
    old, fresh = files.keep(account, b"old"), files.keep(account, b"fresh")
    now = world.clock.now() / 1_000_000
    os.utime(tmp_path / kept.FOLDER / account / old, (0, now - kept.KEPT_SECONDS - 1))
    os.utime(tmp_path / kept.FOLDER / account / fresh, (0, now))
    with world.reading.connect() as connection:
        keeping.expire(connection, tmp_path, world.account, world.clock)
    assert [path.name for path in (tmp_path / kept.FOLDER).glob("*/*")] == [fresh]
    with pytest.raises(ValueError, match="not kept any more"):
        files.read(account, old)
    for name in ("../../state.db", "", "a/b"):
        with pytest.raises(ValueError, match="nothing is kept under"):
            files.read(account, name)
    with pytest.raises(ValueError, match="not kept any more"):
        files.read("9" * 12, fresh)


async def test_links_and_topic_are_the_jobs(world: World) -> None:
    await world.tell(SubscriptionTopicSaved(name="offers", titles={"en": "Offers"}), "topic:offers")
    options = {"url_append": "utm_campaign={job}", "topic": "offers"}
    await world.until(await world.submit(LIST, options=options), "finished")
    for event in world.requests:
        assert isinstance(event.data, MessageRequested)
        assert (event.data.url_append, event.data.topic) == ("utm_campaign={job}", "offers")


async def test_a_topic_that_nobody_offers_ends_the_job(world: World) -> None:
    """Else who left it would be written to: a name that was mistyped is left by nobody."""
    standing = await world.until(await world.submit(LIST, options={"topic": "ofers"}), "failed")
    assert standing.job.error_message == "There is no subscription topic ofers"
    assert world.requests == []


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"url_append": "utm source=x"}, "no query string"),
        ({"url_append": "a={recipient}"}, "known are"),
        ({"attachments": [{"name": "../x", "source": "file:x"}]}, "without a path"),
        ({"attachments": [{"name": "x"}]}, "either a source or a url"),
        (
            {"attachments": [{"name": "x", "source": "file:x", "url": "https://x.example/x"}]},
            "either a source",
        ),
        ({"attachments": [{"name": "x", "url": "https://{{ recipient.x }}/"}]}, "a host as it is"),
        ({"attachments": [{"name": "x", "url": "https://x.example/{{ recipient"}]}, "no Liquid"),
        ({"attachments": [{"name": "{{ x | nope }}", "url": "https://x.example/x"}]}, "does not exist: nope"),
        (
            {"attachments": [{"name": "x", "source": "file:x", "content_type": "message/rfc822"}]},
            "content type",
        ),
        ({"attachments": [{"name": "x", "source": "gopher:x"}]}, "attachments"),
        ({"attachments": [{"name": "x", "source": "file:x"}] * 21}, "more than 20"),
    ],
)
async def test_what_cannot_be_followed_is_refused_when_it_is_said(
    world: World, options: dict[str, Any], why: str
) -> None:
    with pytest.raises(BadRequest, match=why):
        await world.submit(LIST, options=options)
