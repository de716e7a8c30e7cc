"""Files that are fetched for one message, by a URL with its own values: what goes with it, what it waits for, what ends it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from aiohttp import web
from dispatch_world import Office, request
from mail_world import World

from heliograph.attachments.rules import liquid_fault
from heliograph.egress import Egress
from heliograph.events.messages import Attachment, MessageRenderFailed
from heliograph.journal.consumer import Delivered, Retry
from heliograph.outbound.messages.making.enclosing import PASSING
from heliograph.outbound.messages.making.fetching import AT_ONCE
from heliograph.outbound.messages.templates.sandbox import TEXT
from heliograph.settings import Settings


class Shop:
    """A shop's server: invoices by number, and what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.status = 200
        self.held: asyncio.Event | None = None
        self.full = asyncio.Event()
        self.base = ""

    async def answer(self, asked: web.Request) -> web.Response:
        self.asked.append(asked.path_qs)
        if self.held is not None:
            self.full.set() if len(self.asked) == AT_ONCE else None
            await self.held.wait()
        return web.Response(status=self.status, body=b"invoice " + asked.match_info["file"].encode())

    def file(self, **more: Any) -> Attachment:
        wanted = {
            "name": "invoice-{{ event.id }}.pdf",
            "url": self.base + "/invoices/{{ event.id }}.pdf",
            **more,
        }
        return Attachment(content_type=wanted.pop("content_type", ""), **wanted)


@pytest.fixture
async def office(world: World) -> AsyncIterator[Office]:
    made = Office(world.url, egress=Egress(Settings(egress_allow=("127.0.0.0/8",))))
    yield made
    await made.close()


@pytest.fixture
async def shop() -> AsyncIterator[Shop]:
    made = Shop()
    application = web.Application()
    application.add_routes([web.get("/invoices/{file}", made.answer)])
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    made.base = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield made
    if made.held is not None:
        made.held.set()
    await runner.cleanup()


async def why_it_failed(office: Office) -> str:
    (failed,) = [one.data for one in await office.told() if isinstance(one.data, MessageRenderFailed)]
    assert [(error.code, error.part) for error in failed.errors] == [("Attachment error", "ATTACHMENT")]
    return failed.errors[0].message


async def test_each_mail_has_the_file_of_its_own_values(world: World, office: Office, shop: Shop) -> None:
    await office.perform(request(office.clock, attachments=(shop.file(),)))
    (mail,) = world.mails
    (file,) = mail.iter_attachments()
    assert (file.get_filename(), file.get_content_type()) == ("invoice-c7.pdf", "application/pdf")
    assert file.get_content() == b"invoice c7.pdf"
    assert shop.asked == ["/invoices/c7.pdf"]


@pytest.mark.parametrize("status", sorted(PASSING))
async def test_a_mail_waits_for_a_file_that_is_late(
    world: World, office: Office, shop: Shop, status: int
) -> None:
    shop.status = status
    wanted = request(office.clock, attachments=(shop.file(),))
    outcome = await office.perform(wanted)
    assert isinstance(outcome, Retry) and f"the server answered {status}" in outcome.why and outcome.counts
    assert world.mails == [] and await office.told() == []
    shop.status = 200
    await office.perform(wanted, 2)
    assert len(world.mails) == 1


async def test_a_mail_that_waited_for_a_file_all_its_life_ends(office: Office, shop: Shop) -> None:
    shop.status = 503
    wanted = request(office.clock, attachments=(shop.file(),))
    await office.clock.advance(office.settings.message_lifetime)
    assert isinstance(await office.perform(wanted), Delivered)
    assert "the server answered 503" in await why_it_failed(office)


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        (lambda shop: {"url": shop.base + "/none/{{ event.id }}.pdf"}, "the server answered 404"),
        (lambda shop: {"url": "http://169.254.169.254/{{ event.id }}.pdf"}, "never called"),
        (lambda shop: {"name": "{{ event.id }}/../x.pdf"}, "without a path"),
        (lambda shop: {"content_type": "multipart/mixed"}, "content type"),
    ],
)
async def test_a_file_that_cannot_be_had_ends_its_message_alone(
    world: World, office: Office, shop: Shop, changed: Callable[[Shop], dict[str, Any]], why: str
) -> None:
    assert isinstance(
        await office.perform(request(office.clock, attachments=(shop.file(**changed(shop)),))), Delivered
    )
    assert why in await why_it_failed(office)
    assert world.mails == []


async def test_a_name_that_nobody_defined_is_an_error_with_its_place(office: Office, shop: Shop) -> None:
    file = shop.file(url=shop.base + "/invoices/{{ evnt.id }}.pdf")
    await office.perform(request(office.clock, attachments=(file,)))
    (failed,) = [one.data for one in await office.told() if isinstance(one.data, MessageRenderFailed)]
    assert [(error.part, error.line) for error in failed.errors] == [("ATTACHMENT", 1)]
    assert shop.asked == []


async def test_a_file_server_that_hangs_has_few_places_and_the_next_message_comes_again_uncounted(
    world: World, office: Office, shop: Shop
) -> None:
    shop.held = asyncio.Event()
    hanging = [
        asyncio.create_task(
            office.perform(request(office.clock, id=f"{number:036}", attachments=(shop.file(),)))
        )
        for number in range(AT_ONCE)
    ]
    async with asyncio.timeout(60):
        await shop.full.wait()
    outcome = await office.perform(request(office.clock, attachments=(shop.file(),)))
    assert isinstance(outcome, Retry) and not outcome.counts and "being fetched" in outcome.why
    await office.perform(request(office.clock, id=f"{99:036}"))
    assert len(world.mails) == 1, "mail without files is not held up"
    shop.held.set()
    await asyncio.gather(*hanging)
    assert len(world.mails) == 1 + AT_ONCE


def test_what_may_be_written_in_a_url_is_what_the_sandbox_fills_in() -> None:
    for name in TEXT.filters:
        assert liquid_fault(f"{{{{ event.number | {name} }}}}") is None
    for wrong in ("{{ event.number", "{{ a | nope }}", "{% include 'a' %}", "{% render 'a' %}", "{% if a %}"):
        assert liquid_fault(wrong), wrong
