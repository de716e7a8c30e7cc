"""Delivery policies: how often, how soon and how fast a receiver is tried (SNS-6; Amazon's guide, "message delivery
retries" and "delivery policy JSON"). Pure.

A policy has four phases: at once, at the shortest distance, backing off, at the longest distance. Amazon adds jitter; we
do not, so that the schedule is what the policy says.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import Meta, field

from heliograph.aws.faults import AwsFault

MOST_SECONDS = 3_600
"""A policy that would go on for longer is refused: Amazon's hard limit."""

Backoff = Literal["linear", "arithmetic", "geometric", "exponential"]
_CONTENT_TYPE = re.compile(r"[A-Za-z0-9.+-]+/[A-Za-z0-9.+-]+(; ?charset=[A-Za-z0-9-]+)?")


class Retries(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """`healthyRetryPolicy`. Delays in seconds. The last two are Amazon's for mobile push, ignored there too."""

    min_delay_target: Annotated[int, Meta(ge=1, le=MOST_SECONDS)] = 20
    max_delay_target: Annotated[int, Meta(ge=1, le=MOST_SECONDS)] = 20
    num_retries: Annotated[int, Meta(ge=0, le=100)] = 3
    num_no_delay_retries: Annotated[int, Meta(ge=0)] = 0
    num_min_delay_retries: Annotated[int, Meta(ge=0)] = 0
    num_max_delay_retries: Annotated[int, Meta(ge=0)] = 0
    backoff_function: Backoff = "linear"


class Throttle(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """`throttlePolicy`; None: as fast as the receiver takes it."""

    max_receives_per_second: Annotated[int, Meta(ge=1)] | None = None


class Request(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """`requestPolicy`."""

    header_content_type: str = ""


class Policy(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """A subscription's policy. `sickly_retry_policy` and `guaranteed` mean nothing any more."""

    healthy_retry_policy: Retries | None = None
    sickly_retry_policy: Any = None
    throttle_policy: Throttle | None = None
    request_policy: Request | None = None
    guaranteed: Any = None


class TopicHttp(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """What a topic's policy says of HTTP and HTTPS."""

    default_healthy_retry_policy: Retries | None = None
    default_sickly_retry_policy: Any = None
    default_throttle_policy: Throttle | None = None
    default_request_policy: Request | None = None
    disable_subscription_overrides: bool = False


class TopicPolicy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A topic's policy."""

    http: TopicHttp = field(default_factory=TopicHttp)


class Effective(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=False):
    """What counts for one subscription."""

    healthy_retry_policy: Retries = Retries()
    throttle_policy: Throttle = Throttle()
    request_policy: Request = Request()


def read_policy(text: str) -> Policy:
    """A subscription's policy. Raises `AwsFault`, saying what is wrong."""
    policy = _read(text, Policy)
    _check(policy.healthy_retry_policy, policy.request_policy)
    return policy


def read_topic_policy(text: str) -> TopicPolicy:
    """A topic's policy. Raises `AwsFault`."""
    policy = _read(text, TopicPolicy)
    _check(policy.http.default_healthy_retry_policy, policy.http.default_request_policy)
    return policy


def effective(subscription: str, topic: str) -> Effective:
    """What counts, from both policies' JSON (empty: none): the subscription's where the topic does not forbid it."""
    of_topic = _read(topic, TopicPolicy).http if topic else TopicHttp()
    own = _read(subscription, Policy) if subscription else Policy()
    if of_topic.disable_subscription_overrides:
        own = Policy()
    return Effective(
        healthy_retry_policy=own.healthy_retry_policy or of_topic.default_healthy_retry_policy or Retries(),
        throttle_policy=own.throttle_policy or of_topic.default_throttle_policy or Throttle(),
        request_policy=own.request_policy or of_topic.default_request_policy or Request(),
    )


def schedule(retries: Retries) -> tuple[float, ...]:
    """Seconds before each further attempt."""
    least, most = float(retries.min_delay_target), float(retries.max_delay_target)
    backing_off = retries.num_retries - _fixed(retries)
    return (
        *[0.0] * retries.num_no_delay_retries,
        *[least] * retries.num_min_delay_retries,
        *(_delay(retries.backoff_function, step, backing_off, least, most) for step in range(backing_off)),
        *[most] * retries.num_max_delay_retries,
    )


def _delay(function: Backoff, step: int, steps: int, least: float, most: float) -> float:
    """The wait number `step` (from 0) of so many, from the least to the most."""
    if steps == 1 or least == most:
        return least
    last = steps - 1
    match function:
        case "linear":
            part = step / last
        case "arithmetic":
            part = step * (step + 1) / (last * (last + 1))
        case "geometric":
            return float(least * (most / least) ** (step / last))
        case "exponential":
            part = (2**step - 1) / (2**last - 1)
    return least + (most - least) * part


def _fixed(retries: Retries) -> int:
    return retries.num_no_delay_retries + retries.num_min_delay_retries + retries.num_max_delay_retries


def _check(retries: Retries | None, request: Request | None) -> None:
    if retries is not None:
        if retries.max_delay_target < retries.min_delay_target:
            raise _invalid("maxDelayTarget must be greater than or equal to minDelayTarget")
        if _fixed(retries) > retries.num_retries:
            raise _invalid("numRetries must be at least the retries of the other phases together")
        if sum(schedule(retries)) > MOST_SECONDS:
            raise _invalid(f"the total retry time must be at most {MOST_SECONDS} seconds")
    content_type = request.header_content_type if request is not None else ""
    if content_type and not _CONTENT_TYPE.fullmatch(content_type):
        raise _invalid("headerContentType is no media type")


P = TypeVar("P", bound=msgspec.Struct)


def _read(text: str, kind: type[P]) -> P:
    try:
        return msgspec.json.decode(text, type=kind)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise _invalid(str(error)) from error


def _invalid(why: str) -> AwsFault:
    return AwsFault("InvalidParameter", f"Invalid parameter: DeliveryPolicy: {why}")
