"""Tracking codes on a whole engine with two workers: made by an operator, shown by a browser, told by the Litmus feed."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from playwright.async_api import Browser
from running_engine import SECONDS, Engine

KEYS = [
    "activity_type",
    "campaign_guid",
    "reliability_category",
    "custom_id",
    "custom_data",
    "custom_type",
    "city",
    "region",
    "country",
    "referrer",
    "user_agent",
    "created_at",
    "mail_client",
    "mail_client_specific",
    "rendering_engine",
    "platform",
    "read_category",
    "read_seconds",
]
"""S0:L52, in its order."""

MAIL = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_14_6) AppleWebKit/605.1.15 (KHTML, like Gecko)"
HITS = ("message.opened", "message.rendered", "message.printed", "message.forwarded")


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    one = Engine(tmp_path_factory.mktemp("codes") / "data", 2, {})
    one.start()
    yield one
    one.stop()


def call(engine: Engine, path: str, body: dict[str, Any] | None = None) -> Any:
    headers = {"x-api-key": engine.keys["api_key"], "content-type": "application/json"}
    if body is None:
        status, answer, _ = engine.get(f"/api/v1{path}", headers)
        made: Any = json.loads(answer)
    else:
        status, made = engine.post(f"/api/v1{path}", json.dumps(body).encode(), headers)
    assert status < 300, made
    return made


def hits(engine: Engine, guid: str) -> list[dict[str, Any]]:
    return [one for one in engine.exported(*HITS) if one["data"].get("campaign") == guid]


def amazon(engine: Engine, service: str) -> Any:
    keys = engine.keys["aws"]
    return boto3.client(
        service,
        endpoint_url=engine.url,
        region_name="us-east-1",
        aws_access_key_id=keys["access_key_id"],
        aws_secret_access_key=keys["secret_access_key"],
    )


async def test_a_browser_shows_a_mail_and_each_hook_arrives_once(engine: Engine, chromium: Browser) -> None:
    """LIT-1, LIT-2, LIT-4: read and printed, then forwarded, on dark screens; made a moment ago, known to all workers."""
    guid = call(engine, "/campaigns", {"name": "Spring"})["guid"]
    html = call(engine, f"/campaigns/{guid}/snippet?merge_tag=ann")["html"]
    page = await chromium.new_page()
    await page.emulate_media(color_scheme="dark")
    await page.set_content(html, wait_until="commit")
    engine.until(lambda: len(hits(engine, guid)) == 2)
    await page.emulate_media(color_scheme="dark", media="print")
    engine.until(lambda: len(hits(engine, guid)) == 3)
    await page.close()
    page = await chromium.new_page()
    await page.emulate_media(color_scheme="dark")
    await page.set_content(f"<blockquote>{html}</blockquote>", wait_until="commit")
    engine.until(lambda: len(hits(engine, guid)) == 6)
    await page.close()
    found = hits(engine, guid)
    opened, rendered, *_ = HITS
    assert sorted(one["kind"] for one in found) == sorted((*HITS, opened, rendered))
    assert {one["data"]["custom_id"] for one in found} == {"ann"}
    opens = [one["id"] for one in found if one["kind"] == opened]

    def modes() -> dict[str, str]:
        verdicts = [one["data"] for one in engine.exported("reader.judged")]
        return {one["event"]: one.get("mode", "") for one in verdicts if one["event"] in opens}

    engine.until(lambda: [*modes().values()] == ["dark", "dark"])
    assert call(engine, f"/campaigns/{guid}")["unfilled"] == {}


def test_a_hit_reaches_a_topics_subscriber_as_the_documents_message(engine: Engine) -> None:
    """LIT-9, LIT-10, LIT-16: one message of 18 keys for an open, after it ended, in the colours that its mark told."""
    sns, sqs = amazon(engine, "sns"), amazon(engine, "sqs")
    topic = sns.create_topic(Name="ea")["TopicArn"]
    queue = sqs.create_queue(QueueName="hits")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    assert engine.run("feeds", "add", "hits", "sns:ea", "--dialect", "litmus").returncode == 0
    feed = f'consumer="feed:{engine.keys["account"]}:hits"'.encode()
    engine.until(lambda: feed in engine.get("/metrics")[1])
    guid = call(engine, "/campaigns", {"name": "Told", "custom_type": "news"})["guid"]
    load(engine, f"/v2/{guid}?rl&d=[CONTACT-ID]")

    def judged() -> bool:
        return any(one["data"].get("mode") == "light" for one in engine.exported("reader.judged"))

    load(engine, f"/v2/{guid}?d=[CONTACT-ID]", until=judged)
    load(engine, f"/{guid}?f&amp;d=[CONTACT-ID]")

    by_id: dict[str, dict[str, Any]] = {}

    def both() -> bool:
        got = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=1)
        for message in got.get("Messages", ()):
            notice = json.loads(message["Body"])
            by_id[notice["MessageId"]] = json.loads(notice["Message"])
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
        return len(by_id) >= 2

    engine.until(both)
    by_type = {one["activity_type"]: one for one in by_id.values()}
    assert set(by_type) == {"Read", "Forward"} and len(by_id) == 2
    read = by_type["Read"]
    assert list(read) == KEYS
    assert (read["campaign_guid"], read["custom_id"], read["custom_type"]) == (guid, "[CONTACT-ID]", "news")
    (measured,) = (one["data"] for one in engine.exported("message.read") if one["data"]["campaign"] == guid)
    assert (read["read_category"], read["read_seconds"]) == (measured["category"], measured["seconds"])
    assert (read["mail_client"], read["user_agent"]) == ("Apple Mail", MAIL)
    assert read["mail_client_specific"].endswith(" Light Mode")
    assert (by_type["Forward"]["custom_id"], by_type["Forward"]["read_category"]) == ("[CONTACT-ID]", "")
    assert call(engine, f"/campaigns/{guid}")["unfilled"] == {"[CONTACT-ID]": 1}


def load(engine: Engine, target: str, *, until: Callable[[], object] | None = None) -> bytes:
    """A raw request for a pixel, its bytes as they are written here; looked at whole, or `until` something is true."""
    with socket.create_connection(("127.0.0.1", engine.port), timeout=SECONDS) as line:
        head = f"GET {target} HTTP/1.1\r\nHost: {target[1:9]}.t.example\r\nUser-Agent: {MAIL}\r\nConnection: close\r\n\r\n"
        line.sendall(head.encode())
        answer = b""
        while part := line.recv(4096):
            answer += part
            if until is not None:
                engine.until(until)
                break
    return answer


def test_raw_bytes_in_a_query_are_read(engine: Engine) -> None:
    """LIT-3: UTF-8 that nobody coded, braces and bars, in any sub-domain."""
    guid = call(engine, "/campaigns", {"name": "Raw"})["guid"]
    for target in (
        f"/{guid}?p&d=Jürgen\u200b&t=a=b",
        f"/v2/{guid}?p&i=*|EMAIL|*",
        f"/v2/{guid}?p&i={{{{x}}}}",
    ):
        answer = load(engine, target)
        assert answer.startswith(b"HTTP/1.1 200") and b"image/gif" in answer
    engine.until(lambda: len(hits(engine, guid)) == 3)
    found = [one["data"] for one in hits(engine, guid)]
    assert [one["custom_id"] for one in found] == ["Jürgen\u200b", "*|EMAIL|*", "{{x}}"]
    assert found[0]["custom_type"] == "a=b"


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/webhooks", "/openapi0/x", "/"])
def test_names_of_other_routes_are_no_codes(engine: Engine, path: str) -> None:
    assert engine.get(path)[2]["content-type"] != "image/gif"


@pytest.mark.parametrize("path", ["/zzzzzzz9", "/v2/zzzzzzz9", "/v2/", "/v2/x/y/z?p"])
def test_an_unknown_code_is_a_picture(engine: Engine, path: str) -> None:
    """LIT-3"""
    status, _, headers = engine.get(path)
    assert (status, headers["content-type"]) == (200, "image/gif")


def test_the_command_line_makes_pastes_stops_and_shows(engine: Engine) -> None:
    made = engine.run("campaigns", "add", "By hand", "--sender", "mailchimp", "--expires", "2040-01-01")
    assert made.returncode == 0, made.stderr
    guid = made.stderr.split()[2]
    assert made.stdout.count(f"{engine.url}/v2/{guid}?") == made.stdout.count("d=*|UNIQID|*") == 8
    assert engine.run("campaigns", "snippet", guid).stdout == made.stdout
    pasted = engine.run("campaigns", "snippet", guid, "--merge-tag", "[ID]").stdout
    assert pasted.count("d=[ID]") == 8
    assert engine.run("campaigns", "change", guid, "--name", "Renamed", "--expires", "never").returncode == 0
    assert engine.run("campaigns", "stop", guid).returncode == 0
    engine.until(lambda: not json.loads(engine.run("campaigns", "show", guid).stdout)["records"])
    shown = json.loads(engine.run("campaigns", "show", guid).stdout)
    assert (shown["name"], shown["expires"]) == ("Renamed", None)
    assert guid in engine.run("campaigns", "list").stdout
    before = len(engine.exported(*HITS))
    engine.until(lambda: load(engine, f"/{guid}?p&d=1") and _settled(engine, before))
    assert "klaviyo" in engine.run("campaigns", "senders").stdout
    wrong = engine.run("campaigns", "snippet", "zzzzzzz9")
    assert wrong.returncode == 2 and "there is no campaign" in wrong.stderr


def _settled(engine: Engine, before: int) -> bool:
    """Whether every worker knows of the stop: ten loads in a row record nothing."""
    at = len(engine.exported(*HITS))
    guid = engine.exported("campaign.stopped")[-1]["data"]["guid"]
    for _ in range(10):
        load(engine, f"/v2/{guid}?p&d=1")
    return len(engine.exported(*HITS)) == at >= before
