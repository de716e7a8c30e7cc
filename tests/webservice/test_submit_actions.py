"""What the web service sends: messages and jobs on record, templates translated, and hostile XML."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from service_world import NAMESPACE, World

from heliograph.events.definitions import TemplateSaved
from heliograph.events.jobs import JobStarted, JobSubmitted
from heliograph.events.messages import Attachment, MessageRequested
from heliograph.outbound.jobs import uploads
from heliograph.webservice import documents
from heliograph.webservice.answers import Refused
from heliograph.webservice.substitutions import to_liquid

JOE = (
    "<Recipient><EmailAddress>joe@x.example</EmailAddress><RecipientId>r7</RecipientId>"
    "<FirstName>Joe &amp; Co</FirstName><Child><Name>Ann</Name></Child><Child><Name>Ben</Name></Child></Recipient>"
)
JOB = {
    "FromAddress": "news@shop.example",
    "FromName": "The Shop",
    "SubjectLine": "Hello ${Recipient.FirstName}",
    "HtmlTemplate": "<p>Hi ${Recipient.FirstName!'you'}, ${ContextData.Offer.Title}</p>",
    "TextTemplate": "Hi ${Recipient.FirstName}",
    "RecipientXml": JOE,
    "ContextDataXml": "<ContextData><Offer><Title>Tea</Title></Offer></ContextData>",
    "CorrelationId": "My job",
    "JobCategory": "news",
}


async def one(world: World, kind: str) -> Any:
    (event,) = await world.told(kind)
    return event


async def test_a_transactional_job_is_a_message_under_the_request_id_of_the_answer(world: World) -> None:
    answer = await world.call("TransactionalJobSubmit", **JOB)
    assert answer.error is None
    saved, requested = await one(world, "template.saved"), await one(world, "message.requested")
    assert isinstance(saved.data, TemplateSaved)
    assert saved.data.settings == {"from_address": "news@shop.example", "from_name": "The Shop"}
    assert saved.data.parts == {
        "subject": "Hello {{ recipient.FirstName }}",
        "html": '<p>Hi {{ recipient.FirstName | default: "you" }}, {{ ContextData.Offer.Title }}</p>',
        "text": "Hi {{ recipient.FirstName }}",
    }
    assert requested.data == MessageRequested(
        address="joe@x.example",
        template=saved.data.name,
        request_id=answer.text("RequestId"),
        correlation_id="My job",
        recipient_id="r7",
        job_category="news",
        transactional=True,
        context={
            "ContextData": {"Offer": {"Title": "Tea"}},
            "recipient": {
                "EmailAddress": "joe@x.example",
                "RecipientId": "r7",
                "FirstName": "Joe & Co",
                "Child": [{"Name": "Ann"}, {"Name": "Ben"}],
            },
        },
    )
    assert (answer.text("RequestId") or "").endswith(requested.id)
    assert requested.subject == "email:joe@x.example"


async def test_the_same_template_is_saved_once_however_often_it_is_sent(world: World) -> None:
    for _ in range(3):
        assert (await world.call("TransactionalJobSubmit", **JOB)).error is None
    assert len(await world.told("message.requested")) == 3
    assert len(await world.told("template.saved")) == 1


async def test_a_preview_is_what_the_recipient_would_read_and_sends_nothing(world: World) -> None:
    answer = await world.call("MessagePreview", **JOB)
    assert answer.text("PreviewContent/SubjectLine") == "Hello Joe & Co"
    assert answer.text("PreviewContent/HtmlContent") == "<p>Hi Joe &amp; Co, Tea</p>"
    assert answer.text("PreviewContent/TextContent") == "Hi Joe & Co"
    assert await world.journal.head() == 0


async def test_a_preview_says_who_it_would_be_from_in_the_vendors_order(world: World) -> None:
    said = {
        "OnBehalfOfAddress": "office@x.example",
        "OnBehalfOfName": "The Office",
        "ReplyToAddress": "a@x.example",
    }
    answer = await world.call("MessagePreview", **JOB, **said)
    (preview,) = answer.xml.findall(f"{NAMESPACE}PreviewContent")
    assert [(one.tag.removeprefix(NAMESPACE), one.text) for one in preview][:5] == [
        ("FromAddress", "news@shop.example"),
        ("FromName", "The Shop"),
        ("OnBehalfOfName", "The Office"),
        ("OnBehalfOfAddress", "office@x.example"),
        ("ReplyToAddress", "a@x.example"),
    ]


async def test_what_the_vendors_clients_always_send_is_no_reason_to_refuse(world: World) -> None:
    """Their SDKs send every parameter, with its default; and the tracking domain may be ours."""
    said = {"UnsubscribeHeader": "False", "AutoTrack": "True", "TemplateLibrary": "", "OnBehalfOfName": ""}
    for domain in ("", "Mail.Shop.example"):
        answer = await world.call("TransactionalJobSubmit", **JOB, **said, CustomTrackingDomain=domain)
        assert answer.error is None
    assert [one.data.list_unsubscribe for one in await world.told("message.requested")] == [False, False]
    assert (await world.call("TransactionalJobSubmit", **JOB, UnsubscribeHeader="TRUE")).error is None
    assert [one.data.list_unsubscribe for one in await world.told("message.requested")][2:] == [True]


async def test_a_preview_of_a_name_that_is_not_there_says_where(world: World) -> None:
    answer = await world.call("MessagePreview", **{**JOB, "SubjectLine": "${Recipient.FirstNamex}"})
    assert answer.text("RequestErrors/RequestError/ErrorCode") == "Template merge exception"
    assert "SUBJECT, line 1" in (answer.error or "")


ENCLOSED = {
    "AttachmentContent.1": "dGVy\r\nbXM=",
    "AttachmentName.1": "terms.txt",
    "AttachmentUrl.2": "{url}/price%20list.pdf?v=2",
}
FURTHER = {
    "UrlAppend": "utm_source=mg",
    "HeaderName.1": "X-Season",
    "HeaderValue.1": "spring",
    "OnBehalfOfAddress": "office@x.example",
    "OnBehalfOfName": "The Office",
}


@pytest.fixture
def files() -> Iterator[str]:
    """A server that has one file, whatever it is asked for."""

    class Files(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = b"" if "empty" in self.path else b"pdf"
            self.send_response(404 if "gone" in self.path else 200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Files)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


async def test_a_message_brings_its_files_headers_and_parameters(world: World, files: str) -> None:
    said = {name: value.replace("{url}", files) for name, value in ENCLOSED.items()}
    assert (await world.call("TransactionalJobSubmit", **JOB, **FURTHER, **said)).error is None
    saved, requested = await one(world, "template.saved"), await one(world, "message.requested")
    assert saved.data.settings["headers"] == {"X-Season": "spring"}
    assert saved.data.settings["sender"] == "office@x.example"
    assert saved.data.settings["sender_name"] == "The Office"
    assert requested.data.url_append == "utm_source=mg"
    assert requested.data.attachments == (
        Attachment(name="terms.txt", content_type="text/plain", content="dGVybXM="),
        Attachment(name="price list.pdf", content_type="application/pdf", content="cGRm"),
    )
    for name, why in (("gone", "the server answered 404"), ("empty", "it is empty")):
        said = {"AttachmentUrl.1": f"{files}/{name}.pdf"}
        assert (await world.call("TransactionalJobSubmit", **JOB, **said)).error == f"AttachmentUrl.1: {why}."
    assert len(await world.told("message.requested")) == 1


async def test_a_job_names_its_files_and_fetches_them_itself(world: World, files: str) -> None:
    bulk = {name: value for name, value in JOB.items() if name != "RecipientXml"}
    said = {name: value.replace("{url}", files) for name, value in ENCLOSED.items()}
    lists = {"RecipientListXmlUrl": "https://x.example/list.xml"}
    assert (await world.call("BulkJobSubmit", **bulk, **lists, **FURTHER, **said)).error is None
    options = (await one(world, "job.submitted")).data.options
    assert options["url_append"] == "utm_source=mg"
    kept, named = options["attachments"]
    assert named["source"] == f"{files}/price%20list.pdf?v=2"
    upload = uploads.find(world.means.data, world.account, kept["source"].removeprefix("upload:"))
    assert (upload.read_bytes(), kept["name"], kept["content_type"]) == (b"terms", "terms.txt", "text/plain")


async def test_a_campaigns_template_says_its_headers_itself(world: World) -> None:
    await world.happen(world.event(TemplateSaved(name="welcome", parts={"subject": "s", "text": "t"})))
    said = {"CampaignId": "welcome", "RecipientXml": JOE}
    for field, value in FURTHER.items():
        answer = await world.call("TransactionalCampaignSubmit", **said, **{field: value})
        assert (answer.error is None) == (field == "UrlAppend"), field


async def test_a_campaign_is_a_template_of_the_account(world: World) -> None:
    said = {"CampaignId": "welcome", "RecipientXml": JOE}
    assert "no campaign" in ((await world.call("TransactionalCampaignSubmit", **said)).error or "")
    await world.happen(world.event(TemplateSaved(name="welcome", parts={"subject": "s", "text": "t"})))
    assert (await world.call("TransactionalCampaignSubmit", **said)).error is None
    assert (await one(world, "message.requested")).data.template == "welcome"


async def test_a_bulk_job_is_a_job_whose_state_and_summary_can_be_asked_for(world: World) -> None:
    bulk = {name: value for name, value in JOB.items() if name != "RecipientXml"}
    assert (await world.call("BulkJobSubmit", **bulk)).error == "RecipientListXmlUrl is required."
    lists = {
        "RecipientListXmlUrl": "https://x.example/list.xml",
        "SuppressionCsvUrl": "https://x.example/no.csv",
    }
    answer = await world.call("BulkJobSubmit", **bulk, **lists)
    assert answer.error is None
    submitted = await one(world, "job.submitted")
    assert isinstance(submitted.data, JobSubmitted)
    assert submitted.data.source == "https://x.example/list.xml"
    assert submitted.data.options == {
        "context": {"ContextData": {"Offer": {"Title": "Tea"}}},
        "suppress": ["https://x.example/no.csv"],
    }
    await world.follow()
    request_id = answer.text("RequestId") or ""
    await world.happen(world.event(JobStarted(job=submitted.id), subject=f"job:{submitted.id}"))
    status = await world.call("JobStatusRetrieval", jobRequestId=request_id)
    assert (status.text("JobStatus/JobState"), status.text("JobStatus/JobRequestId")) == (
        "RUNNING",
        request_id,
    )
    for named in ({"BulkJobRequestId": request_id}, {"BulkJobCorrelationId": "My job"}):
        summary = await world.call("BulkJobSummary", **named)
        assert summary.text("BulkJobSummary/BulkJobRequestId") == request_id
        assert summary.text("BulkJobSummary/CorrelationId") == "My job"
        assert summary.text("BulkJobSummary/Messages") == "0"


@pytest.mark.parametrize(
    ("status", "kind"), [("0", "job.paused"), ("1", "job.resumed"), ("2", "job.cancelled")]
)
async def test_a_job_is_held_goes_on_and_is_ended(world: World, status: str, kind: str) -> None:
    bulk = {name: value for name, value in JOB.items() if name != "RecipientXml"}
    answer = await world.call("BulkJobSubmit", **bulk, RecipientListXmlUrl="https://x.example/list.xml")
    await world.follow()
    request_id = answer.text("RequestId") or ""
    assert (await world.call("JobStatus", jobRequestId=request_id, status="3")).error
    assert (await world.call("JobStatus", jobRequestId=request_id, status=status)).error is None
    assert (await one(world, kind)).data.job == (await one(world, "job.submitted")).id


async def test_another_accounts_job_is_not_there(world: World) -> None:
    foreign = JobSubmitted(name="n", template="t", source="https://x.example/l", request_id="t00126-x")
    await world.happen(world.event(foreign, account="999999999999"))
    for action in ("JobStatusRetrieval", "JobStatus", "BulkJobSummary"):
        said = {"jobRequestId": "t00126-x", "BulkJobRequestId": "t00126-x", "status": "2"}
        assert "There is no job" in ((await world.call(action, **said)).error or "")
    assert "required" in ((await world.call("JobStatus", status="0")).error or "")


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"FromAddress": ""}, "FromAddress"),
        ({"FromAddress": "nobody"}, "FromAddress"),
        ({"SubjectLine": ""}, "SubjectLine"),
        ({"HtmlTemplate": "", "TextTemplate": ""}, "HtmlTemplate"),
        ({"RecipientXml": ""}, "RecipientXml"),
        ({"RecipientXml": "joe@x.example"}, "RecipientXml"),
        ({"RecipientXml": "<Recipient><FirstName>J</FirstName></Recipient>"}, "EmailAddress"),
        ({"RecipientXml": "<Recipient><EmailAddress>joe</EmailAddress></Recipient>"}, "EmailAddress"),
        ({"RecipientXml": "<Recipients/>"}, "RecipientXml"),
        ({"TemplateLanguage": "PHP"}, "TemplateLanguage"),
        ({"HtmlTemplate": "<#if Recipient.X>y</#if>"}, "HtmlTemplate, line 1"),
        ({"TemplateLanguage": "LIQUID", "TextTemplate": "{% if %}"}, "TEXT"),
        ({"AttachmentContent.1": "eA=="}, "AttachmentName.1"),
        ({"AttachmentName.1": "a.txt"}, "AttachmentUrl.1 or AttachmentContent.1"),
        ({"AttachmentContent.1": "no base64!", "AttachmentName.1": "a.txt"}, "not base64"),
        ({"AttachmentContent.1": "eA==", "AttachmentName.1": "../a"}, "without a path"),
        ({"AttachmentContent.6": "eA==", "AttachmentName.6": "a"}, "from 1 to 5"),
        ({"AttachmentUrl.1": "http://169.254.169.254/keys.txt"}, "never called"),
        ({"AttachmentUrl.1": "http://127.0.0.1:1/terms.pdf"}, "AttachmentUrl.1"),
        ({"HeaderName.1": "Bcc", "HeaderValue.1": "b@x.example"}, "'Bcc' cannot be set"),
        ({"HeaderName.1": "X-A"}, "X-A needs one line"),
        ({"OnBehalfOfAddress": "nobody"}, "OnBehalfOfAddress"),
        ({"OnBehalfOfName": "Ann"}, "OnBehalfOfName needs an OnBehalfOfAddress"),
        ({"CustomTrackingDomain": "click.other.example"}, "mail.shop.example"),
        ({"TemplateLibrary": "<#macro x></#macro>"}, "templates include no others"),
        ({"UrlAppend": "a b"}, "UrlAppend"),
        ({"AutoTrack": "false"}, "AutoTrack"),
        ({"CharacterSet": "ISO-8859-1"}, "CharacterSet"),
        ({"UnsubscribeHeader": "yes"}, "UnsubscribeHeader must be TRUE or FALSE"),
        ({"ContextDataXml": "<a>"}, "ContextDataXml"),
    ],
)
async def test_what_cannot_be_sent_as_it_was_asked_is_refused_and_nothing_is_recorded(
    world: World, changed: dict[str, str], said: str
) -> None:
    answer = await world.call("TransactionalJobSubmit", **{**JOB, **changed})
    assert said in (answer.error or "")
    assert await world.journal.head() == 0


LAUGHS = '<!DOCTYPE r [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><Recipient>&b;</Recipient>'
OUTSIDE = '<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><Recipient><EmailAddress>&x;</EmailAddress></Recipient>'
AFAR = '<!DOCTYPE r SYSTEM "http://169.254.169.254/x.dtd"><Recipient/>'


@pytest.mark.parametrize(
    "hostile",
    [
        LAUGHS,
        OUTSIDE,
        AFAR,
        "<Recipient>&x;</Recipient>",
        "<a>" * 100_000,
        "<Recipient>" + "<a/>" * 20_000 + "</Recipient>",
        "<Recipient><a></Recipient>",
        "<Recipient>\x00</Recipient>",
        "<Recipient>\ud800</Recipient>",
        "<Recipient xmlns:a='",
    ],
    ids=lambda text: text[:20],
)
def test_hostile_xml_is_refused_with_a_reason(hostile: str) -> None:
    """Entities are neither expanded nor fetched: a document type is not allowed at all."""
    with pytest.raises(Refused, match="RecipientXml"):
        documents.read("RecipientXml", hostile)


async def test_hostile_xml_is_answered_like_any_other_fault(world: World) -> None:
    for hostile in (LAUGHS, OUTSIDE, AFAR):
        answer = await world.call("TransactionalJobSubmit", **{**JOB, "RecipientXml": hostile})
        assert "document type" in (answer.error or "")


def test_namespaces_and_attributes_of_a_recipient_are_read_like_elements() -> None:
    text = '<r:Recipient xmlns:r="urn:x" Id="7"><r:EmailAddress> a@x.example </r:EmailAddress></r:Recipient>'
    assert documents.read("X", text) == ("Recipient", {"Id": "7", "EmailAddress": "a@x.example"})


@pytest.mark.parametrize(
    ("language", "source", "ours"),
    [
        ("FREEMARKER", "${Recipient.A}", "{{ recipient.A }}"),
        ("FREEMARKER", "${ Recipient.A.B }!", "{{ recipient.A.B }}!"),
        ("FREEMARKER", "${Recipient.A!}", '{{ recipient.A | default: "" }}'),
        ("FREEMARKER", "${Recipient.A!'it\"s'}", "{{ recipient.A | default: 'it\"s' }}"),
        ("FREEMARKER", "$5 {{ x }}", '$5 {{ "{{" }} x }}'),
        ("VELOCITY", "$Recipient.A, ${Recipient.B}", "{{ recipient.A }}, {{ recipient.B }}"),
        (
            "VELOCITY",
            "$!Recipient.A $!{Recipient.B}",
            '{{ recipient.A | default: "" }} {{ recipient.B | default: "" }}',
        ),
        ("VELOCITY", "$5 #1 <a href='#top'>", "$5 #1 <a href='#top'>"),
        ("NONE", "${Recipient.A} {% if %}", '${Recipient.A} {{ "{%" }} if %}'),
        ("LIQUID", "{{ recipient.A | upcase }}", "{{ recipient.A | upcase }}"),
        ("freemarker", "x", "x"),
    ],
)
def test_substitutions_of_both_languages_become_liquid(language: str, source: str, ours: str) -> None:
    assert to_liquid(language, "TextTemplate", source) == ours


@pytest.mark.parametrize(
    ("language", "source"),
    [
        ("FREEMARKER", "a\n<#list Recipient.Items as i>"),
        ("FREEMARKER", "a\n${Recipient.A?upper_case}"),
        ("FREEMARKER", "a\n${now}"),
        ("FREEMARKER", "a\n#{Recipient.A}"),
        ("FREEMARKER", "a\n<@macro/>"),
        ("FREEMARKER", "a\n${Recipient.A[0]}"),
        ("FREEMARKER", 'a\n${Recipient.A!"}}{{ account.name }}"}'),
        ("VELOCITY", "a\n#if($Recipient.A) x #end"),
        ("VELOCITY", "a\n#foreach($i in $Recipient.Items)"),
        ("VELOCITY", "a\n$date.get('yyyy')"),
        ("VELOCITY", "a\n## comment"),
    ],
)
def test_what_is_more_than_a_substitution_is_refused_with_its_line(language: str, source: str) -> None:
    with pytest.raises(Refused, match="line 2"):
        to_liquid(language, "TextTemplate", source)


async def test_what_xml_cannot_hold_is_left_out_of_answers(world: World) -> None:
    answer = await world.call("MessagePreview", **{**JOB, "TextTemplate": "a\x01b\ufffec <&>"})
    assert answer.text("PreviewContent/TextContent") == "abc <&>"
