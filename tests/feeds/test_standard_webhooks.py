"""Signatures of Standard Webhooks, and secrets that turn: held against the specification's example and its library."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import hmac
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from feed_world import ACCOUNT, NOW, SECRET, Receiver, event
from sqlalchemy import Engine
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from heliograph.clock import SECOND, ManualClock
from heliograph.errors import BadRequest
from heliograph.events.consent import SuppressionAdded
from heliograph.events.definitions import FeedSaved, FeedSecretRotated
from heliograph.journal.consumer import Delivered, Retry
from heliograph.outbound.feeds import operating
from heliograph.outbound.feeds.means import Means
from heliograph.outbound.feeds.push import feed_act
from heliograph.outbound.feeds.secrets import Live
from heliograph.outbound.feeds.standard_webhooks import headers
from heliograph.react.state import definitions
from heliograph.react.state.definitions import Feed, FeedSecret

Receive = Callable[..., Awaitable[Receiver]]

HOUR = 3600 * SECOND
TOLD = event(SuppressionAdded(address="john@doe.com", type="hard_bounce"))


@pytest.fixture
def clock() -> ManualClock:
    """The real time: libraries refuse what was signed long ago."""
    return ManualClock(int(datetime.now(UTC).timestamp()) * SECOND)


def feed(receiver: Receiver, *secrets: FeedSecret, **options: Any) -> Feed:
    return Feed(
        account=ACCOUNT,
        name="shop",
        dialect="remarkety",
        endpoint=receiver.url,
        kinds=(),
        options=options,
        state="active",
        secrets=secrets,
    )


async def posted(receive: Receive, means: Means, *secrets: FeedSecret, **options: Any) -> Any:
    receiver = await receive()
    assert await feed_act(feed(receiver, *secrets, **options), means).perform(TOLD, 1) == Delivered("200")
    return receiver.posts[0]


def signed_by(post: Any, secret: str) -> bool:
    """As S3's sample checks it."""
    digest = hmac.new(secret.encode(), post.body, hashlib.sha256).digest()
    return bool(base64.b64encode(digest).decode() == post.headers["X-Event-Hmac-SHA256"])


def test_the_specifications_example_comes_out() -> None:
    """https://github.com/standard-webhooks/standard-webhooks, libraries' shared test vector."""
    secrets = Live("x", ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",))
    made = headers(("v1",), secrets, "msg_p5jXN8AQM9LWM0D4loKWxJek", b'{"test": 2432232314}', 1614265330)
    assert made == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


async def test_the_specifications_library_verifies_beside_the_dialects_own_signature(
    means: Means, receive: Receive
) -> None:
    """RM-14"""
    own = FeedSecret(event=TOLD.id, kid=0)
    post = await posted(receive, means, own, standard_webhooks=["v1"])
    told = operating.secrets(means.directory, feed_of(own), means.clock.now())
    verified = Webhook(told.standard[0]).verify(post.body, lower(post))
    assert verified == post.json
    assert signed_by(post, told.single) and told.single.startswith("whsec_")
    assert post.headers["webhook-id"] == post.headers["X-Heliograph-Event"] == TOLD.id
    with pytest.raises(WebhookVerificationError):
        Webhook(told.standard[0]).verify(post.body + b" ", lower(post))


async def test_an_old_try_played_back_later_is_refused_by_its_time(means: Means, receive: Receive) -> None:
    own = FeedSecret(event=TOLD.id, kid=0)
    an_hour_ago = dataclasses.replace(means, clock=ManualClock(means.clock.now() - HOUR))
    post = await posted(receive, an_hour_ago, own, standard_webhooks=["v1"])
    told = operating.secrets(means.directory, feed_of(own), means.clock.now())
    with pytest.raises(WebhookVerificationError, match="old"):
        Webhook(told.standard[0]).verify(post.body, lower(post))


async def test_a_secret_of_the_account_is_given_in_the_librarys_form(means: Means, receive: Receive) -> None:
    post = await posted(receive, means, standard_webhooks=["v1"])
    told = operating.secrets(means.directory, feed_of(), means.clock.now())
    assert told.secrets == [SECRET, "old"]
    for standard in told.standard:  # both of the account's live secrets sign
        assert Webhook(standard).verify(post.body, lower(post)) == post.json
    assert signed_by(post, SECRET)


async def test_a_key_pair_signs_for_receivers_that_hold_no_secret(means: Means, receive: Receive) -> None:
    own = FeedSecret(event=TOLD.id, kid=0)
    post = await posted(receive, means, own, standard_webhooks=["v1a"])
    told = operating.secrets(means.directory, feed_of(own), means.clock.now())
    scheme, _, signature = post.headers["webhook-signature"].partition(",")
    assert scheme == "v1a"
    public = Ed25519PublicKey.from_public_bytes(base64.b64decode(told.public_keys[0].removeprefix("whpk_")))
    signed = f"{TOLD.id}.{post.headers['webhook-timestamp']}.".encode() + post.body
    public.verify(base64.b64decode(signature), signed)  # raises when it does not


async def test_without_a_key_pair_nothing_is_sent_and_nothing_is_lost(means: Means, receive: Receive) -> None:
    receiver = await receive()
    outcome = await feed_act(feed(receiver, standard_webhooks=["v1a"]), means).perform(TOLD, 1)
    assert isinstance(outcome, Retry) and not outcome.counts
    assert "feeds rotate shop" in outcome.why
    assert receiver.posts == []


async def test_two_secrets_sign_while_a_rotation_overlaps(means: Means, receive: Receive) -> None:
    """The header has both; what bears one signature turns when the rotation says; after the overlap one remains."""
    assert isinstance(means.clock, ManualClock)
    now = means.clock.now()
    first = FeedSecret(event=TOLD.id, kid=0, until=now + 24 * HOUR)
    second = FeedSecret(event=event(TOLD.data).id, kid=0, turns=now + 2 * HOUR)
    old, new = (
        operating.secrets(means.directory, feed_of(one), now).secrets[0]
        for one in (FeedSecret(event=first.event), FeedSecret(event=second.event))
    )
    post = await posted(receive, means, first, second, standard_webhooks=["v1"])
    assert len(post.headers["webhook-signature"].split(" ")) == 2
    for secret in (old, new):
        assert Webhook(secret).verify(post.body, lower(post)) == post.json
    assert signed_by(post, old)

    await means.clock.advance(2 * 3600)
    assert signed_by(await posted(receive, means, first, second), new)

    await means.clock.advance(22 * 3600)
    post = await posted(receive, means, first, second, standard_webhooks=["v1"])
    assert len(post.headers["webhook-signature"].split(" ")) == 1
    assert signed_by(post, new)


async def test_the_accounts_secret_goes_on_while_the_feeds_first_own_begins(
    means: Means, receive: Receive, state: Engine
) -> None:
    now = means.clock.now()
    saved = event(FeedSaved(name="shop", dialect="remarkety", endpoint="https://x.example/"))
    made = operating.rotated(means.directory, ACCOUNT, "shop", now, overlap=24, turns=1, by="me")
    with state.begin() as connection:
        for _ in range(2):  # an event may be seen twice
            definitions.apply(connection, [saved, made.event])
        stored = definitions.feed(connection, ACCOUNT, "shop")
    assert stored is not None and len(stored.secrets) == 2
    post = await posted(receive, means, *stored.secrets, standard_webhooks=["v1"])
    assert signed_by(post, SECRET)
    assert Webhook(made.secret).verify(post.body, lower(post)) == post.json
    assert len(post.headers["webhook-signature"].split(" ")) == 2


async def test_a_third_secret_ends_the_first_at_once(means: Means, state: Engine) -> None:
    now = means.clock.now()
    events = [event(FeedSaved(name="shop", dialect="remarkety", endpoint="https://x.example/"))]
    made = [
        operating.rotated(means.directory, ACCOUNT, "shop", now + n, overlap=24, turns=0, by="me")
        for n in range(3)
    ]
    with state.begin() as connection:
        definitions.apply(connection, [*events, *(one.event for one in made)])
        stored = definitions.feed(connection, ACCOUNT, "shop")
    assert stored is not None
    told = operating.secrets(means.directory, stored, now + 10)
    assert told.secrets == [made[2].secret, made[1].secret]
    assert told.single == made[2].secret


def test_a_secret_stands_in_no_event(means: Means) -> None:
    made = operating.rotated(means.directory, ACCOUNT, "shop", NOW, overlap=1, turns=0, by="me")
    assert made.event.data == FeedSecretRotated(name="shop", kid=0, turns=NOW, until=NOW + HOUR, by="me")
    other = operating.rotated(means.directory, ACCOUNT, "shop", NOW, overlap=1, turns=0, by="me")
    assert len({made.secret, other.secret, made.public_key, other.public_key}) == 4


@pytest.mark.parametrize(("overlap", "turns"), [(-1, 0), (1, 2), (24 * 91, 0), (1, -1)])
def test_a_rotation_that_cannot_be_is_refused(means: Means, overlap: float, turns: float) -> None:
    with pytest.raises(BadRequest, match="overlap"):
        operating.rotated(means.directory, ACCOUNT, "shop", NOW, overlap=overlap, turns=turns, by="me")


def feed_of(*secrets: FeedSecret) -> Feed:
    return Feed(
        account=ACCOUNT, name="shop", dialect="remarkety", endpoint="https://x.example/", kinds=(), options={},
        state="active", secrets=secrets,
    )  # fmt: skip


def lower(post: Any) -> dict[str, str]:
    return {name.lower(): value for name, value in post.headers.items()}
