"""What policies, filters, tokens and attributes may say, without any I/O (SNS-2, SNS-6)."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from heliograph.aws.faults import AwsFault
from heliograph.outbound.topics import tokens
from heliograph.outbound.topics.attributes import check_subscription, check_topic
from heliograph.outbound.topics.credentials import without_credentials
from heliograph.outbound.topics.delivery_policy import effective, read_policy, read_topic_policy, schedule
from heliograph.outbound.topics.filters import read_filter, wants
from heliograph.outbound.topics.names import read_arn
from heliograph.outbound.topics.tokens import Claim
from heliograph.signing import Keyring

ACCOUNT = "123456789012"


def healthy(**retries: Any) -> str:
    return json.dumps({"healthyRetryPolicy": retries})


@pytest.mark.parametrize(
    "policy",
    [
        healthy(numRetries=100, minDelayTarget=36, maxDelayTarget=36),
        healthy(numRetries=1, minDelayTarget=3600, maxDelayTarget=3600),
        healthy(numRetries=0),
        healthy(numRetries=3, numNoDelayRetries=1, numMinDelayRetries=1, numMaxDelayRetries=1),
        healthy(numRetries=5, backoffFunction="exponential"),
        json.dumps({"throttlePolicy": {"maxReceivesPerSecond": 1}}),
        json.dumps({"requestPolicy": {"headerContentType": "text/xml; charset=UTF-8"}}),
        json.dumps({"healthyRetryPolicy": None, "sicklyRetryPolicy": None, "guaranteed": False}),
    ],
)
def test_a_policy_within_the_limits_is_taken(policy: str) -> None:
    """SNS-6: 3,600 seconds in all are just allowed."""
    read = msgspec.to_builtins(read_policy(policy))
    for part, said in json.loads(policy).items():
        assert not said or said.items() <= read[part].items()


@pytest.mark.parametrize(
    ("policy", "word"),
    [
        (healthy(numRetries=100, minDelayTarget=37, maxDelayTarget=37), "3600"),
        (healthy(numRetries=2, minDelayTarget=1, maxDelayTarget=3600), "3600"),
        (healthy(numRetries=101), "numRetries"),
        (healthy(numRetries=-1), "numRetries"),
        (healthy(minDelayTarget=0), "minDelayTarget"),
        (healthy(minDelayTarget=30), "maxDelayTarget"),
        (healthy(maxDelayTarget=3601), "maxDelayTarget"),
        (healthy(numRetries=2, numNoDelayRetries=3), "numRetries"),
        (healthy(backoffFunction="fibonacci"), "fibonacci"),
        (healthy(numRetries="3"), "numRetries"),
        (healthy(numretries=3), "numretries"),
        (json.dumps({"throttlePolicy": {"maxReceivesPerSecond": 0}}), "maxReceivesPerSecond"),
        (json.dumps({"requestPolicy": {"headerContentType": "a/b\r\nx: y"}}), "headerContentType"),
        ("not json", "DeliveryPolicy"),
        ("[" * 10_000, "DeliveryPolicy"),
    ],
)
def test_a_policy_outside_them_is_refused_by_name(policy: str, word: str) -> None:
    """SNS-6: one of more than an hour in all, too."""
    with pytest.raises(AwsFault, match=word):
        read_policy(policy)


def test_the_topics_policy_counts_where_the_subscription_has_none_or_may_not() -> None:
    own = healthy(numRetries=1)
    topic = {"http": {"defaultHealthyRetryPolicy": {"numRetries": 5}}}
    assert len(schedule(effective("", "").healthy_retry_policy)) == 3
    assert len(schedule(effective("", json.dumps(topic)).healthy_retry_policy)) == 5
    assert len(schedule(effective(own, json.dumps(topic)).healthy_retry_policy)) == 1
    topic["http"]["disableSubscriptionOverrides"] = True  # type: ignore[assignment]
    assert len(schedule(effective(own, json.dumps(topic)).healthy_retry_policy)) == 5
    read_topic_policy(json.dumps(topic))
    with pytest.raises(AwsFault):
        read_topic_policy(healthy(numRetries=1))


def attributes(**values: Any) -> dict[str, dict[str, str]]:
    kinds: dict[type, str] = {str: "String", int: "Number", list: "String.Array"}
    return {
        name: {
            "DataType": kinds[type(value)],
            "StringValue": value if isinstance(value, str) else json.dumps(value),
        }
        for name, value in values.items()
    }


@pytest.mark.parametrize(
    ("policy", "passes", "stays"),
    [
        ({"a": ["x", "y"]}, {"a": "y"}, {"a": "z"}),
        ({"a": ["x"]}, {"a": ["w", "x"]}, {}),
        ({"a": ["x"], "b": ["y"]}, {"a": "x", "b": "y"}, {"a": "x"}),
        ({"a": [{"prefix": "or"}]}, {"a": "order"}, {"a": "xor"}),
        ({"a": [{"suffix": "er"}]}, {"a": "order"}, {"a": "erx"}),
        ({"a": [{"equals-ignore-case": "ÄB"}]}, {"a": "äb"}, {"a": "b"}),
        ({"a": [{"anything-but": ["x", "y"]}]}, {"a": "z"}, {"a": "x"}),
        ({"a": [{"anything-but": {"prefix": "or"}}]}, {"a": "x"}, {"a": "order"}),
        ({"a": [{"anything-but": "x"}]}, {"a": "z"}, {}),
        ({"a": [{"exists": True}]}, {"a": "z"}, {"b": "z"}),
        ({"a": [{"exists": False}]}, {"b": "z"}, {"a": "z"}),
        ({"a": [5]}, {"a": 5}, {"a": "5"}),
        ({"a": [{"numeric": [">", 0, "<=", 10]}]}, {"a": 10}, {"a": 0}),
        ({"a": [{"numeric": ["=", 3]}]}, {"a": 3}, {"a": "3"}),
    ],
)
def test_a_filter_lets_through_what_it_says(policy: Any, passes: Any, stays: Any) -> None:
    read_filter(json.dumps(policy), "MessageAttributes")
    assert wants(policy, "MessageAttributes", "", attributes(**passes))
    assert not wants(policy, "MessageAttributes", "", attributes(**stays))


def test_a_filter_on_bodies_looks_inside() -> None:
    policy = {"order": {"total": [{"numeric": [">=", 100]}], "tags": ["vip"]}}
    read_filter(json.dumps(policy), "MessageBody")
    assert wants(policy, "MessageBody", '{"order": {"total": 100, "tags": ["new", "vip"]}}', {})
    for body in ('{"order": {"total": 99, "tags": ["vip"]}}', '{"order": 5}', "no json", "[1]", "[" * 9999):
        assert not wants(policy, "MessageBody", body, {})


@pytest.mark.parametrize(
    "policy",
    [
        "x",
        "[]",
        '{"a": "x"}',
        '{"a": []}',
        '{"a": {"b": ["x"]}}',
        '{"a": [["x"]]}',
        '{"a": [{"prefix": 1}]}',
        '{"a": [{"near": "x"}]}',
        '{"a": [{"prefix": "x", "suffix": "y"}]}',
        '{"a": [{"numeric": ["~", 1]}]}',
        '{"a": [{"numeric": [">", "1"]}]}',
        '{"a": [{"numeric": [">"]}]}',
        json.dumps({str(n): ["x"] for n in range(6)}),
    ],
)
def test_a_filter_that_says_nothing_is_refused(policy: str) -> None:
    with pytest.raises(AwsFault, match="FilterPolicy"):
        read_filter(policy, "MessageAttributes")


KEYS = Keyring(keys={1: b"a" * 32, 2: b"b" * 32}, current=2)
CLAIM = Claim("018bcfe5-6be8-7000-b7c0-d54bf3d2a175", "0123456789abcdef", 1_700_000_000_000_000)


def test_a_token_says_what_it_was_made_for_and_cannot_be_forged() -> None:
    """SNS-2: not a digit of it can be another."""
    token = tokens.write(KEYS, CLAIM)
    assert tokens.read(KEYS, token) == CLAIM
    for place in range(len(token)):
        changed = token[:place] + ("0" if token[place] != "0" else "1") + token[place + 1 :]
        assert tokens.read(KEYS, changed) is None
    for other in ("", "x", token[:-2], token + "00", "é" * 130, " " + token[:-1]):
        assert tokens.read(KEYS, other) is None


def test_a_token_outlives_a_rotation_and_not_the_removal_of_its_key() -> None:
    token = tokens.write(Keyring(keys={1: b"a" * 32}, current=1), CLAIM)
    assert tokens.read(KEYS, token) == CLAIM
    assert tokens.read(Keyring(keys={2: b"b" * 32}, current=2), token) is None
    assert tokens.read(Keyring(keys={1: b"c" * 32}, current=1), token) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "arn:aws:sns:us-east-1:123:orders",
        "arn:aws:sqs:us-east-1:123456789012:orders",
        "arn:aws:sns:us-east-1:123456789012:or ders",
        "arn:aws:sns:us-east-1:123456789012:orders:not-a-uuid",
        "arn:aws:sns:us-east-1:123456789012:orders\n",
    ],
)
def test_what_is_no_arn_is_none(text: str) -> None:
    assert read_arn(text) is None


@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        ("SignatureVersion", "3"),
        ("MaximumMessageSize", "1023"),
        ("MaximumMessageSize", "1048577"),
        ("MaximumMessageSize", "-1"),
        ("DisplayName", "x" * 101),
        ("FifoTopic", "true"),
        ("KmsMasterKeyId", "alias/aws/sns"),
        ("Nonsense", "1"),
    ],
)
def test_a_topic_is_not_set_to_what_we_do_not_do(attribute: str, value: str) -> None:
    with pytest.raises(AwsFault, match=attribute):
        check_topic({attribute: value})


@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        ("RawMessageDelivery", "yes"),
        ("FilterPolicyScope", "Body"),
        ("RedrivePolicy", "{}"),
        ("RedrivePolicy", '{"deadLetterTargetArn": "arn:aws:sqs:us-east-1:999999999999:q"}'),
        ("RedrivePolicy", '{"deadLetterTargetArn": "arn:aws:sns:us-east-1:123456789012:q"}'),
        ("SubscriptionRoleArn", "x"),
    ],
)
def test_a_subscription_is_not_set_to_what_cannot_be(attribute: str, value: str) -> None:
    with pytest.raises(AwsFault, match=attribute):
        check_subscription({attribute: value}, ACCOUNT)


@pytest.mark.parametrize(
    ("url", "called", "header"),
    [
        ("https://x.example/a?b", "https://x.example/a?b", None),
        ("https://u:p@x.example:8/a", "https://x.example:8/a", "Basic dTpw"),
        ("https://u@x.example/", "https://x.example/", "Basic dTo="),
        ("https://[::1/", "https://[::1/", None),
    ],
)
def test_credentials_are_no_part_of_what_is_called(url: str, called: str, header: str | None) -> None:
    assert without_credentials(url) == (called, header)
