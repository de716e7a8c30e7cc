"""Files of mails by the API: inline, or fetched once by their address, through the guard and within limits."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from api_world import World

from heliograph.events import codec
from heliograph.events.definitions import TemplateSaved
from heliograph.events.messages import Attachment, MessageRequested
from heliograph.outbound.messages.mail.attachments import SIZE_LIMIT

PATH = "/api/v1/messages"
SEND = {"template": "hello", "to": "ann@x.example"}
PDF = b"%PDF-1.7 an invoice"
INLINE = {"name": "terms.txt", "content": base64.b64encode(b"Terms").decode()}


class Shop:
    """A web server with files, which counts how often it is asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.base = ""

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request.path)
        match request.path:
            case "/invoice":
                return web.Response(body=PDF, content_type="application/pdf")
            case "/moved":
                raise web.HTTPFound("/invoice")
            case "/large":
                return web.Response(body=b"x" * (SIZE_LIMIT + 1))
            case "/empty":
                return web.Response()
        return web.Response(status=404)


@pytest.fixture
async def shop(world: World) -> AsyncIterator[Shop]:
    shop = Shop()
    application = web.Application()
    application.router.add_get("/{path:.*}", shop.answer)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    shop.base = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield shop
    await world.means.egress.close()
    await runner.cleanup()


async def test_a_message_goes_with_files_of_its_own(world: World, shop: Shop) -> None:
    await world.happen(TemplateSaved(name="hello", parts={"subject": "Hi", "text": "x"}))
    asked = {**SEND, "attachments": [INLINE, {"name": "rechnung-7", "url": f"{shop.base}/invoice"}]}
    assert (await world.ask("POST", PATH, asked)).status == 202
    wanted = codec.decode((await world.journal.read(0))[-1]).data
    assert isinstance(wanted, MessageRequested)
    assert wanted.attachments == (
        Attachment(name="terms.txt", content_type="text/plain", content=str(INLINE["content"])),
        Attachment(name="rechnung-7", content_type="application/pdf", content=base64.b64encode(PDF).decode()),
    )


async def test_a_templates_files_are_fetched_once_when_it_is_saved(world: World, shop: Shop) -> None:
    picture = {"name": "logo.png", "url": f"{shop.base}/invoice", "content_id": "logo@shop.example"}
    settings = {"attachments": [picture], "from_name": "Shop"}
    body = {"parts": {"subject": "Hi", "text": "x"}, "settings": settings}
    assert (await world.ask("PUT", "/api/v1/templates/hello", body)).status == 202
    await world.follow()
    shown = (await world.ask("GET", "/api/v1/templates/hello")).json["settings"]
    kept = {"name": "logo.png", "content_type": "image/png", "content_id": "logo@shop.example"}
    assert shown == {
        "from_name": "Shop",
        "attachments": [{**kept, "content": base64.b64encode(PDF).decode()}],
    }
    assert shop.asked == ["/invoice"]


@pytest.mark.parametrize(
    ("file", "why"),
    [
        ({"name": "a.pdf", "url": "/none"}, "the server answered 404"),
        ({"name": "a.pdf", "url": "/moved"}, "the server answered 302"),
        ({"name": "a.pdf", "url": "/large"}, "it has more than"),
        ({"name": "a.pdf", "url": "/empty"}, "it is empty"),
        ({"name": "a.pdf", "url": "http://169.254.169.254/meta"}, "metadata"),
        ({"name": "a.pdf", "url": "http://10.0.0.1/a"}, "10.0.0.1"),
        ({"name": "a.pdf", "url": "file:///etc/passwd"}, "cannot be fetched"),
        ({"name": "a.pdf"}, "either a content or a url"),
        ({**INLINE, "url": "/invoice"}, "either a content or a url"),
        ({"name": "a.pdf", "content": "%%"}, "is not base64"),
        ({"name": "../a.pdf", "content": "eA=="}, "without a path"),
        ({"name": "a", "content": "eA==", "content_type": "message/rfc822"}, "content type"),
    ],
)
async def test_a_file_that_cannot_go_is_told_at_once(
    world: World, shop: Shop, file: dict[str, str], why: str
) -> None:
    await world.happen(TemplateSaved(name="hello", parts={"subject": "Hi", "text": "x"}))
    before = await world.journal.head()
    if file.get("url", "").startswith("/"):
        file = {**file, "url": shop.base + file["url"]}
    body = {"parts": {"subject": "Hi", "text": "x"}, "settings": {"attachments": [file]}}
    sent = await world.ask("POST", PATH, {**SEND, "attachments": [file]})
    saved = await world.ask("PUT", "/api/v1/templates/hello", body)
    assert (sent.status, sent.json["field"], saved.status) == (400, "attachments", 400)
    assert why in sent.json["message"] and "attachment" in saved.json["message"]
    assert await world.journal.head() == before


async def test_files_go_with_mail_only_and_there_is_an_end_to_their_number(world: World) -> None:
    await world.happen(TemplateSaved(name="hello", parts={"subject": "Hi", "text": "x", "sms": "x"}))
    text = {"template": "hello", "to": "+12025550137", "channel": "sms", "attachments": [INLINE]}
    assert (await world.ask("POST", PATH, text)).json["field"] == "attachments"
    many = await world.ask("POST", PATH, {**SEND, "attachments": [INLINE] * 21})
    assert many.status == 400 and "20 attachments at most" in many.json["message"]
