"""Topics on a whole engine: boto3 as the client, HTTP receivers that verify what they get and visit the links in it."""

from __future__ import annotations

import base64
import json
import sys
import threading
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from free_ports import free_port
from running_engine import Engine

sys.path.insert(0, str(Path(__file__).parent.parent / "topics"))
from sns_guide import verify

NAMESPACE = "{http://sns.amazonaws.com/doc/2010-03-31/}"


class Subscriber(ThreadingHTTPServer):
    """An endpoint that keeps what it gets. Nobody has its port after it: what the engine still owes it comes to no other test."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", free_port()), _Endpoint)
        self.posts: list[tuple[dict[str, str], bytes]] = []
        self.thread = threading.Thread(target=self.serve_forever, daemon=True)
        self.thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/sns"

    def of(self, type_: str) -> list[dict[str, Any]]:
        """What came in an envelope (what comes raw is the message and nothing else), once though it may come again."""
        came = {
            headers["x-amz-sns-message-id"]: body
            for headers, body in self.posts
            if headers["x-amz-sns-message-type"] == type_ and "x-amz-sns-rawdelivery" not in headers
        }
        return [json.loads(body) for body in came.values()]

    def message_ids(self) -> list[str]:
        """Of all that came, in an envelope or raw."""
        return [headers["x-amz-sns-message-id"] for headers, _ in self.posts]

    def close(self) -> None:
        self.shutdown()
        self.thread.join()
        self.server_close()


class _Endpoint(BaseHTTPRequestHandler):
    server: Subscriber

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.posts.append((dict(self.headers.items()), body))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        return


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    one = Engine(tmp_path_factory.mktemp("topics") / "data", 2, {"HELIOGRAPH_EGRESS_ALLOW": "127.0.0.0/8"})
    one.start()
    yield one
    one.stop()


@pytest.fixture
def subscriber() -> Iterator[Subscriber]:
    one = Subscriber()
    yield one
    one.close()


Client = Callable[..., Any]


def clients(engine: Engine, key: str, secret: str) -> Client:
    def made(service: str = "sns") -> Any:
        return boto3.client(
            service,
            endpoint_url=engine.url,
            region_name="us-east-1",
            aws_access_key_id=key,
            aws_secret_access_key=secret,
            config=Config(retries={"max_attempts": 0}),
        )

    return made


@pytest.fixture(scope="module")
def client(engine: Engine) -> Client:
    return clients(engine, engine.keys["aws"]["access_key_id"], engine.keys["aws"]["secret_access_key"])


@pytest.fixture(scope="module")
def sns(client: Client) -> Any:
    return client()


@pytest.fixture(scope="module")
def stranger(engine: Engine) -> tuple[str, Client]:
    """Another account, and its client."""
    return other_account(engine)


def other_account(engine: Engine, *options: str) -> tuple[str, Client]:
    added = json.loads(engine.run("accounts", "add", "Other", *options).stdout)
    key = json.loads(engine.run("keys", "add", "aws", "--account", added["account"]).stdout)
    client = clients(engine, key["public"], key["secret"])
    engine.until(lambda: _opens(client))
    engine.see_accounts()
    return added["account"], client


def _opens(client: Client) -> bool:
    """Whether every worker knows the key, over as many connections as reach all of them."""
    try:
        for _ in range(10):
            client().list_topics()
    except ClientError:
        return False
    return True


@pytest.fixture
def topic(sns: Any) -> str:
    return str(sns.create_topic(Name=f"t{uuid.uuid4().hex[:12]}")["TopicArn"])


def code(call: Callable[..., Any], **arguments: Any) -> tuple[str, int]:
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    answer = caught.value.response
    return answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]


def confirmed(engine: Engine, sns: Any, topic: str, one: Subscriber, **attributes: str) -> str:
    """A subscription whose endpoint visited its link; its ARN."""
    sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=one.url, Attributes=attributes)
    engine.until(lambda: one.of("SubscriptionConfirmation"))
    visit(engine, one.of("SubscriptionConfirmation")[-1]["SubscribeURL"])
    (found,) = [
        each
        for each in sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
        if each["Endpoint"] == one.url
    ]
    return str(found["SubscriptionArn"])


def visit(engine: Engine, url: str, method: str = "GET") -> tuple[int, bytes]:
    status, body, _ = engine._ask(urllib.request.Request(url, method=method))  # noqa: S310 - our own
    return status, body


def test_a_feed_of_messages_from_subscribing_to_leaving(
    engine: Engine, sns: Any, topic: str, subscriber: Subscriber, tmp_path: Path
) -> None:
    """SNS-1, SNS-2, SNS-3, SNS-9, SNS-11: everything a subscriber does, in the order in which it does it."""
    answer = sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=subscriber.url)
    assert answer["SubscriptionArn"] == "pending confirmation"
    engine.until(lambda: subscriber.posts)
    asked = subscriber.of("SubscriptionConfirmation")[0]
    pem = visit(engine, asked["SigningCertURL"])[1]
    verify(subscriber.posts[0][1], pem, tmp_path)
    listed = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    assert [one["SubscriptionArn"] for one in listed] == ["PendingConfirmation"]
    sns.publish(TopicArn=topic, Message="nobody confirmed yet")
    arns = []
    for _ in range(2):  # it may be visited again and again
        status, body = visit(engine, asked["SubscribeURL"])
        assert status == 200
        arns.append(ElementTree.fromstring(body).findtext(f".//{NAMESPACE}SubscriptionArn"))
    assert arns[0] == arns[1] and (arns[0] or "").startswith(f"{topic}:")
    published = sns.publish(TopicArn=topic, Message="hello", Subject="greeting")
    engine.until(lambda: subscriber.of("Notification"))
    (told,) = subscriber.of("Notification")
    assert (told["MessageId"], told["Message"]) == (published["MessageId"], "hello")
    verify(subscriber.posts[-1][1], pem, tmp_path)
    assert visit(engine, told["UnsubscribeURL"], "HEAD")[0] in (200, 404, 405)
    assert len(sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]) == 1
    assert visit(engine, told["UnsubscribeURL"])[0] == 200
    assert sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"] == []
    engine.until(lambda: subscriber.of("UnsubscribeConfirmation"))
    verify(subscriber.posts[-1][1], pem, tmp_path)
    sns.publish(TopicArn=topic, Message="while away")
    assert visit(engine, asked["SubscribeURL"])[0] == 400, "the first link brings nobody back"
    assert visit(engine, subscriber.of("UnsubscribeConfirmation")[0]["SubscribeURL"])[0] == 200
    again = sns.publish(TopicArn=topic, Message="back again")
    engine.until(lambda: len(subscriber.of("Notification")) > 1)
    assert [one["MessageId"] for one in subscriber.of("Notification")][1:] == [again["MessageId"]]


def test_a_forged_token_confirms_nothing(
    engine: Engine, sns: Any, topic: str, subscriber: Subscriber
) -> None:
    """SNS-2: not a digit changed, not for another topic, not of a deleted one."""
    sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=subscriber.url)
    engine.until(lambda: subscriber.posts)
    token = subscriber.of("SubscriptionConfirmation")[0]["Token"]
    other = sns.create_topic(Name=f"t{uuid.uuid4().hex[:12]}")["TopicArn"]
    for arn, forged in (
        (topic, token[:-1] + ("0" if token[-1] != "0" else "1")),
        (topic, "00" + token[2:]),
        (topic, "é" * 20),
        (topic, ""),
        (other, token),
        ("arn:aws:sns:us-east-1:1:x", token),
    ):
        assert code(sns.confirm_subscription, TopicArn=arn, Token=forged) == ("InvalidParameter", 400)
    status, body = visit(
        engine, f"{engine.url}/?Action=ConfirmSubscription&TopicArn={topic}&Token={token[::-1]}"
    )
    assert status == 400
    error = ElementTree.fromstring(body)
    assert error.findtext(f".//{NAMESPACE}Code") == "InvalidParameter"
    attributes = sns.get_topic_attributes(TopicArn=topic)["Attributes"]
    assert (attributes["SubscriptionsPending"], attributes["SubscriptionsConfirmed"]) == ("1", "0")
    sns.delete_topic(TopicArn=topic)
    assert code(sns.confirm_subscription, TopicArn=topic, Token=token) == ("InvalidParameter", 400)


def test_an_owner_may_confirm_and_lock_a_subscription(
    engine: Engine, sns: Any, topic: str, subscriber: Subscriber
) -> None:
    """AuthenticateOnUnsubscribe: the link of the message ends it no more, its owner does, without asking."""
    sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=subscriber.url)
    engine.until(lambda: subscriber.posts)
    token = subscriber.of("SubscriptionConfirmation")[0]["Token"]
    arn = sns.confirm_subscription(TopicArn=topic, Token=token, AuthenticateOnUnsubscribe="true")[
        "SubscriptionArn"
    ]
    link = f"{engine.url}/?Action=Unsubscribe&SubscriptionArn={arn}"
    assert visit(engine, link)[0] == 403
    found = sns.get_subscription_attributes(SubscriptionArn=arn)["Attributes"]
    assert found["ConfirmationWasAuthenticated"] == "true"
    sns.unsubscribe(SubscriptionArn=arn)
    assert code(sns.get_subscription_attributes, SubscriptionArn=arn) == ("NotFound", 404)
    assert visit(engine, link)[0] == 404
    assert subscriber.of("UnsubscribeConfirmation") == []


def test_links_ask_for_nothing_else(engine: Engine, topic: str) -> None:
    """The exception to `GET changes nothing` is two operations wide."""
    for action in ("DeleteTopic", "Publish", "CreateTopic", "ListTopics", "Subscribe", "Nonsense", ""):
        url = f"{engine.url}/?Action={action}&TopicArn={topic}&Message=x&Name=x"
        assert visit(engine, url)[0] == 400
    assert visit(engine, f"{engine.url}/")[0] == 200
    assert visit(engine, f"{engine.url}/?x=1")[0] == 200


def test_topics_are_made_described_changed_listed_and_deleted(sns: Any) -> None:
    name = f"t{uuid.uuid4().hex[:12]}"
    attributes = {"DisplayName": "Orders", "SignatureVersion": "2"}
    made = sns.create_topic(Name=name, Attributes=attributes, Tags=[{"Key": "team", "Value": "mail"}])
    arn = made["TopicArn"]
    assert sns.create_topic(Name=name)["TopicArn"] == arn
    assert code(sns.create_topic, Name=name, Attributes={"DisplayName": "x"}) == ("InvalidParameter", 400)
    assert arn in [topic["TopicArn"] for topic in sns.list_topics()["Topics"]]
    sns.set_topic_attributes(TopicArn=arn, AttributeName="DisplayName", AttributeValue="All orders")
    found = sns.get_topic_attributes(TopicArn=arn)["Attributes"]
    assert found["DisplayName"] == "All orders" and found["SignatureVersion"] == "2"
    policy = json.loads(found["EffectiveDeliveryPolicy"])["http"]["defaultHealthyRetryPolicy"]
    assert (policy["numRetries"], policy["minDelayTarget"]) == (3, 20)
    sns.tag_resource(ResourceArn=arn, Tags=[{"Key": "env", "Value": "test"}])
    sns.untag_resource(ResourceArn=arn, TagKeys=["team"])
    assert sns.list_tags_for_resource(ResourceArn=arn)["Tags"] == [{"Key": "env", "Value": "test"}]
    sns.delete_topic(TopicArn=arn)
    sns.delete_topic(TopicArn=arn)
    assert code(sns.get_topic_attributes, TopicArn=arn) == ("NotFound", 404)
    assert code(sns.list_tags_for_resource, ResourceArn=arn) == ("ResourceNotFound", 404)
    assert code(sns.publish, TopicArn=arn, Message="x") == ("NotFound", 404)


def test_topics_are_listed_in_pages_of_a_hundred(stranger: tuple[str, Client]) -> None:
    sns = stranger[1]()
    made = sorted(sns.create_topic(Name=f"page{n:03d}")["TopicArn"] for n in range(102))
    pages = list(sns.get_paginator("list_topics").paginate())
    assert [len(page["Topics"]) for page in pages] == [100, 2]
    assert [topic["TopicArn"] for page in pages for topic in page["Topics"]] == made
    for arn in made:
        sns.delete_topic(TopicArn=arn)


@pytest.mark.parametrize(
    "arguments",
    [
        {"Protocol": "email", "Endpoint": "a@b.example"},
        {"Protocol": "http", "Endpoint": "https://x.example/"},
        {"Protocol": "https", "Endpoint": "http://x.example/"},
        {"Protocol": "http", "Endpoint": "http://"},
        {"Protocol": "http", "Endpoint": "http://x y/"},
        {"Protocol": "http", "Endpoint": "ftp://x.example/"},
        {"Protocol": "sqs", "Endpoint": "https://x.example/"},
        {"Protocol": "http"},
        {"Protocol": "http", "Endpoint": "http://x.example/", "Attributes": {"DeliveryPolicy": "{"}},
        {"Protocol": "http", "Endpoint": "http://x.example/", "Attributes": {"Nonsense": "1"}},
    ],
)
def test_an_endpoint_that_cannot_be_is_refused(sns: Any, topic: str, arguments: dict[str, Any]) -> None:
    assert code(sns.subscribe, TopicArn=topic, **arguments) == ("InvalidParameter", 400)


def test_a_subscription_is_described_changed_and_not_made_twice(
    engine: Engine, sns: Any, topic: str, subscriber: Subscriber
) -> None:
    arn = confirmed(engine, sns, topic, subscriber, RawMessageDelivery="true")
    again = sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=subscriber.url)
    assert again["SubscriptionArn"] == arn
    assert code(
        sns.subscribe,
        TopicArn=topic,
        Protocol="http",
        Endpoint=subscriber.url,
        Attributes={"RawMessageDelivery": "false"},
    ) == ("InvalidParameter", 400)
    policy = json.dumps({"healthyRetryPolicy": {"numRetries": 1}})
    for name, value in (
        ("RawMessageDelivery", "false"),
        ("DeliveryPolicy", policy),
        ("FilterPolicy", '{"kind": ["order"]}'),
    ):
        sns.set_subscription_attributes(SubscriptionArn=arn, AttributeName=name, AttributeValue=value)
    found = sns.get_subscription_attributes(SubscriptionArn=arn)["Attributes"]
    assert found["PendingConfirmation"] == "false" and found["RawMessageDelivery"] == "false"
    assert json.loads(found["EffectiveDeliveryPolicy"])["healthyRetryPolicy"]["numRetries"] == 1
    assert found["FilterPolicyScope"] == "MessageAttributes"
    too_long = json.dumps(
        {"healthyRetryPolicy": {"numRetries": 100, "minDelayTarget": 60, "maxDelayTarget": 60}}
    )
    assert code(
        sns.set_subscription_attributes,
        SubscriptionArn=arn,
        AttributeName="DeliveryPolicy",
        AttributeValue=too_long,
    ) == ("InvalidParameter", 400)
    kinds = {"kind": {"DataType": "String", "StringValue": "order"}}

    def filtered() -> bool:
        nobodys = sns.publish(TopicArn=topic, Message="nobody's")["MessageId"]
        marked = sns.publish(TopicArn=topic, Message="yes", MessageAttributes=kinds)["MessageId"]
        engine.until(lambda: marked in subscriber.message_ids())
        return nobodys not in subscriber.message_ids()

    engine.until(filtered)
    listed = [one["SubscriptionArn"] for one in sns.list_subscriptions()["Subscriptions"]]
    assert arn in listed


def test_what_is_published_has_its_limits(sns: Any, topic: str) -> None:
    publish = sns.publish
    publish(TopicArn=topic, Message="x" * 262_144)
    publish(TargetArn=topic, Message="x", Subject="x" * 100)
    for arguments in (
        {"Message": "x" * 262_145},
        {"Message": ""},
        {"Message": "x", "Subject": "x" * 101},
        {"Message": "x", "Subject": "two\nlines"},
        {"Message": "x", "MessageStructure": "xml"},
        {"Message": "x", "MessageStructure": "json"},
        {"Message": '{"http": "no default"}', "MessageStructure": "json"},
    ):
        assert code(publish, TopicArn=topic, **arguments) == ("InvalidParameter", 400)
    for attribute in (
        {"DataType": "Number", "StringValue": "five"},
        {"DataType": "String", "StringValue": ""},
        {"DataType": "Date", "StringValue": "x"},
    ):
        assert code(publish, TopicArn=topic, Message="x", MessageAttributes={"a": attribute}) == (
            "ParameterValueInvalid",
            400,
        )
    assert code(publish, PhoneNumber="+15551234567", Message="x") == ("InvalidParameter", 400)
    assert code(publish, TopicArn="x", Message="x") == ("InvalidParameter", 400)


def test_a_batch_is_published_entry_by_entry(engine: Engine, client: Client, sns: Any, topic: str) -> None:
    """To a queue of ours, which confirms by itself and is read with boto3."""
    sqs = client("sqs")
    queue = sqs.create_queue(QueueName=f"q{uuid.uuid4().hex[:12]}")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    subscribed = sns.subscribe(
        TopicArn=topic,
        Protocol="sqs",
        Endpoint=arn,
        Attributes={"RawMessageDelivery": "true"},
    )["SubscriptionArn"]
    assert subscribed.startswith(topic)
    answer = sns.publish_batch(
        TopicArn=topic,
        PublishBatchRequestEntries=[
            {
                "Id": "1",
                "Message": "one",
                "MessageAttributes": {"n": {"DataType": "Number", "StringValue": "1"}},
            },
            {"Id": "2", "Message": "two", "Subject": "\n"},
            {"Id": "3", "Message": "three 😀"},
        ],
    )
    assert [one["Id"] for one in answer["Successful"]] == ["1", "3"]
    (failed,) = answer["Failed"]
    assert (failed["Id"], failed["Code"], failed["SenderFault"]) == ("2", "InvalidParameter", True)
    got: list[dict[str, Any]] = []

    def fetched() -> bool:
        received = sqs.receive_message(
            QueueUrl=queue, MaxNumberOfMessages=10, MessageAttributeNames=["All"], VisibilityTimeout=60
        )
        got.extend(received.get("Messages", []))
        return len({message["MessageId"] for message in got}) == 2

    engine.until(fetched)
    bodies = {message["Body"]: message.get("MessageAttributes") for message in got}
    assert bodies["one"]["n"] == {"StringValue": "1", "DataType": "Number"}  # type: ignore[index]
    assert bodies["three 😀"] is None
    entry = {"Id": "1", "Message": "x"}
    for entries, expected in (
        ([entry, entry], "BatchEntryIdsNotDistinct"),
        ([{"Id": str(n), "Message": "x"} for n in range(11)], "TooManyEntriesInBatchRequest"),
        ([{"Id": "a b", "Message": "x"}], "InvalidBatchEntryId"),
        ([], "EmptyBatchRequest"),
    ):
        assert code(sns.publish_batch, TopicArn=topic, PublishBatchRequestEntries=entries) == (expected, 400)


def test_topics_are_their_accounts_and_those_above(
    engine: Engine, sns: Any, topic: str, stranger: tuple[str, Client]
) -> None:
    """LIT-17: another account is refused by name; the account above may, but makes topics of its own."""
    number, client = stranger
    other = client()
    for call in (other.publish, other.subscribe, other.get_topic_attributes, other.delete_topic):
        arguments = {"TopicArn": topic}
        if call == other.publish:
            arguments["Message"] = "x"
        if call == other.subscribe:
            arguments |= {"Protocol": "http", "Endpoint": "http://x.example/"}
        assert code(call, **arguments) == ("AuthorizationError", 403)
    theirs = other.create_topic(Name="orders")["TopicArn"]
    assert code(sns.publish, TopicArn=theirs, Message="x") == ("AuthorizationError", 403)
    assert number in theirs
    _, sub_client = other_account(engine, "--parent", engine.keys["account"])
    below = sub_client().create_topic(Name="orders")["TopicArn"]
    sns.publish(TopicArn=below, Message="from above")
    assert code(sub_client().publish, TopicArn=topic, Message="x") == ("AuthorizationError", 403)


def test_an_unsigned_call_is_refused(engine: Engine, topic: str) -> None:
    body = f"Action=Publish&Version=2010-03-31&Message=x&TopicArn={topic}".encode()
    form = {"content-type": "application/x-www-form-urlencoded"}
    status, answer, _ = engine.raw_post("/", body, form)
    assert status == 403 and b"MissingAuthenticationToken" in answer


def test_a_published_message_survives_the_engine(
    engine: Engine, sns: Any, topic: str, subscriber: Subscriber
) -> None:
    """An answered Publish is on disk: it is delivered though the engine is killed right behind the answer."""
    confirmed(engine, sns, topic, subscriber)
    first = sns.publish(TopicArn=topic, Message="0")["MessageId"]
    engine.until(lambda: first in [one["MessageId"] for one in subscriber.of("Notification")])
    published = {sns.publish(TopicArn=topic, Message=str(n))["MessageId"] for n in range(20)}

    for part in ("engine", "outbound"):
        engine.kill(part)
    engine.until(lambda: published <= {one["MessageId"] for one in subscriber.of("Notification")})


def basic(engine: Engine, user: str | None = None, passphrase: str | None = None) -> dict[str, str]:
    pair = f"{user or engine.keys['store_id']}:{passphrase or engine.keys['api_key']}"
    return {
        "authorization": "Basic " + base64.b64encode(pair.encode()).decode(),
        "content-type": "application/json",
    }


def test_a_partner_names_one_endpoint_and_a_new_call_replaces_it(engine: Engine, sns: Any) -> None:
    """LIT-16, LIT-17: 204 and nothing else; the endpoint is asked as any other."""
    path = "/api/v1/Campaigns/ConfigureNotificationEndpoint"
    first, second = Subscriber(), Subscriber()
    for one in (first, second, second):
        status, body, _ = engine.raw_post(path, json.dumps({"Endpoint": one.url}).encode(), basic(engine))
        assert (status, body) == (204, b"")
    engine.until(lambda: second.of("SubscriptionConfirmation"))
    topic = second.of("SubscriptionConfirmation")[0]["TopicArn"]
    visit(engine, second.of("SubscriptionConfirmation")[0]["SubscribeURL"])
    listed = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    assert [one["Endpoint"] for one in listed] == [second.url]
    assert "litmus-partner" in engine.run("feeds", "list", "--account", engine.keys["account"]).stdout
    for wrong in (basic(engine, passphrase="no"), basic(engine, user="no"), {}):
        assert engine.raw_post(path, b'{"Endpoint": "https://x.example"}', wrong)[0] == 401
    for body in (b"", b"[]", b'{"Endpoint": "ftp://x"}', b'{"Endpoint": 5}', b"\xff" * 20):
        assert engine.raw_post(path, body, basic(engine))[0] == 400
    unknown = urllib.request.Request(  # noqa: S310 - our own
        f"{engine.url}/api/v1/Campaigns/00000000/Subscribe", method="PUT", headers=basic(engine)
    )
    assert engine._ask(unknown)[0] == 404
    first.close()
    second.close()
