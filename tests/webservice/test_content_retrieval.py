"""What a single message said that was sent: `TransactionalContentRetrieval`."""

from __future__ import annotations

from service_world import NAMESPACE, Answer, World

from heliograph.clock import SECOND
from heliograph.events.messages import Campaign, MessageSent

JOB = {
    "FromAddress": "news@shop.example",
    "FromName": "The Shop",
    "SubjectLine": "Order ${Recipient.Order}",
    "HtmlTemplate": "<p>Dear ${Recipient.FirstName}, <a href='https://shop.example/'>look</a></p>",
    "RecipientXml": (
        "<Recipient><EmailAddress>joe@x.example</EmailAddress><RecipientId>r7</RecipientId>"
        "<FirstName>Joe &amp; Co</FirstName><Order>17</Order></Recipient>"
    ),
    "CorrelationId": "My job",
    "JobCategory": "orders",
    "AttachmentContent.1": "dGVybXM=",
    "AttachmentName.1": "terms.txt",
}


async def sent(world: World, **changed: str) -> str:
    """The RequestId of a message that went out."""
    answer = await world.call("TransactionalJobSubmit", **{**JOB, **changed})
    assert answer.error is None
    await world.follow()
    requested = (await world.told("message.requested"))[-1]
    out = MessageSent(message=requested.id, address="joe@x.example", template_version=1)
    await world.happen(world.event(out))
    await world.clock.advance(3600)
    return answer.text("RequestId") or ""


async def retrieved(world: World, request_id: str) -> Answer:
    return await world.call("TransactionalContentRetrieval", OriginalRequestId=request_id)


async def test_a_message_that_was_sent_is_told_in_the_vendors_order(world: World) -> None:
    request_id = await sent(world)
    answer = await retrieved(world, request_id)
    assert answer.xml.tag == f"{NAMESPACE}TransactionalContent"
    told = [(one.tag.removeprefix(NAMESPACE), one.text) for one in answer.xml]
    assert told[1:-1] == [
        ("Result", "REQUEST_SUCCESSFUL"),
        ("OriginalRequestId", request_id),
        ("FromAddress", "news@shop.example"),
        ("FromName", "The Shop"),
        ("SubjectLine", "Order 17"),
        ("TextContent", "Dear Joe & Co, look (https://shop.example/)\n"),
        ("HtmlContent", "<p>Dear Joe &amp; Co, <a href='https://shop.example/'>look</a></p>"),
        ("CorrelationId", "My job"),
        ("JobCategory", "orders"),
        ("RecipientId", "r7"),
    ]
    file = answer.xml.find(f"{NAMESPACE}Attachments/{NAMESPACE}Attachment")
    assert [one.text for one in file] == ["terms.txt", "text/plain"]


async def test_it_is_told_as_of_when_it_was_sent_and_whoever_looks_is_not_counted(world: World) -> None:
    """Neither a pixel nor tracked links, and nobody leaves by following a link of it."""
    template = '{{ now | date: "%H:%M" }} <a href="https://shop.example/">x</a> {{ unsubscribe_url }}'
    at = world.clock.now() // SECOND // 60
    request_id = await sent(world, TemplateLanguage="LIQUID", SubjectLine="s", HtmlTemplate=template)
    html = (await retrieved(world, request_id)).text("HtmlContent")
    assert html == (
        f"{at // 60 % 24:02}:{at % 60:02}"
        ' <a href="https://shop.example/">x</a> https://mail.shop.example/u/preview'
    )


async def test_what_was_erased_was_not_sent_is_bulk_or_anothers_is_not_told(world: World) -> None:
    """STD-7"""
    request_id = await sent(world)
    waiting = (await world.call("TransactionalJobSubmit", **JOB)).text("RequestId") or ""
    await world.follow()
    bulk = (await world.message(job="j1", campaign=Campaign(id=1, name="n"))).id
    await world.happen(world.event(MessageSent(message=bulk, address="joe@x.example", template_version=1)))
    other = await retrieved(world, request_id[:-1] + ("0" if request_id[-1] != "0" else "1"))
    for answer in (await retrieved(world, waiting), await retrieved(world, f"t00126-{bulk}"), other):
        assert "There is no single message" in (answer.error or "")
    assert (await retrieved(world, "")).error == "OriginalRequestId is required."
    assert (await retrieved(world, request_id)).error is None
    references = ["email:joe@x.example"]
    await world.journal.redact(references, account=world.account, replacement="person:gone")
    gone = await retrieved(world, request_id)
    assert "There is no single message" in (gone.error or "") and b"Joe" not in gone.raw
