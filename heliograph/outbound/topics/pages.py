"""What is fetched or called without SigV4: the certificate (SNS-11), and the partner form of the Litmus feed (LIT-16).

A partner names its one endpoint (`ConfigureNotificationEndpoint`), confirms it as any SNS endpoint does, and then says of
each campaign whether it wants to hear of it. Its user is the account's store id, its passphrase an API key of that.
"""

from __future__ import annotations

import base64
import uuid
from binascii import Error as Base64Error

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from heliograph.accounts.certificates import public_certificate
from heliograph.accounts.model import Account
from heliograph.clock import SECOND
from heliograph.egress import Failed, target
from heliograph.errors import BadRequest, CallerError, HeliographError, NotFound, Unauthorized, Unavailable
from heliograph.events import codec, subjects
from heliograph.events.definitions import CampaignSubscribed, CampaignUnsubscribed, FeedSaved
from heliograph.events.event import Data
from heliograph.events.topics import TopicCreated, TopicSubscribed, TopicUnsubscribed
from heliograph.outbound.topics import tokens
from heliograph.outbound.topics.registry import Registry
from heliograph.react.state import campaigns, topics
from heliograph.settings import Settings

FEED = "litmus-partner"
"""The feed and, with the account's number, the topic that the partner call makes."""

BODY_LIMIT = 16 * 1024
_PEM = "application/x-pem-file"
_STABLE = {"cache-control": "public, max-age=31536000, immutable"}


class _Configure(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    endpoint: str


def pages(registry: Registry, settings: Settings) -> list[Route]:
    """The routes."""
    partner = _Partner(registry, int(settings.sns_token_lifetime * SECOND))

    async def certificate(request: Request) -> Response:
        found = await registry.look(
            lambda connection: public_certificate(connection, request.path_params["id"])
        )
        if found is None:
            return _refusal(NotFound("There is no such certificate."))
        return Response(found, media_type=_PEM, headers=_STABLE)

    campaigns_ = "/api/v1/Campaigns"
    return [
        Route("/SimpleNotificationService-{id:str}.pem", certificate),
        Route(f"{campaigns_}/ConfigureNotificationEndpoint", partner.configure, methods=["POST"]),
        Route(f"{campaigns_}/{{guid:str}}/Subscribe", partner.subscribe, methods=["PUT"]),
        Route(f"{campaigns_}/{{guid:str}}/UnSubscribe", partner.unsubscribe, methods=["PUT"]),
    ]


class _Partner:
    """The partner's calls; each answers 204 without a body."""

    def __init__(self, registry: Registry, lifetime: int) -> None:
        self._registry, self._lifetime = registry, lifetime

    async def configure(self, request: Request) -> Response:
        """`{"Endpoint": "https://..."}`: from now on this one and no other; it has to confirm."""
        try:
            account = self._account(request)
            await self._point(account.number, _endpoint(await request.body()))
        except (CallerError, Unavailable) as error:
            return _refusal(error)
        return Response(status_code=204)

    async def subscribe(self, request: Request) -> Response:
        """The feed tells of this campaign."""
        return await self._wish(request, CampaignSubscribed)

    async def unsubscribe(self, request: Request) -> Response:
        """The feed tells of this campaign no more."""
        return await self._wish(request, CampaignUnsubscribed)

    async def _wish(
        self, request: Request, kind: type[CampaignSubscribed | CampaignUnsubscribed]
    ) -> Response:
        guid = request.path_params["guid"]
        try:
            account = self._account(request)
            known = await self._registry.look(lambda connection: campaigns.find(connection, guid))
            if known is None or not self._registry.may(account.number, known.account):
                raise NotFound(f"There is no campaign {guid[:40]!a}.", field="guid")
            await self._record(known.account, subjects.thing("campaign", guid), kind(guid=guid))
        except (CallerError, Unavailable) as error:
            return _refusal(error)
        return Response(status_code=204)

    async def _point(self, account: str, endpoint: str) -> None:
        """Everything in one record: the topic, its feed, the new endpoint, the end of the one before. Raises `Unavailable`
        where state does not show yet which one that is."""
        registry, topic = self._registry, f"{FEED}-{account}"
        if not await registry.settled():
            raise Unavailable("what was configured before is not known yet: try again")
        now = registry.clock.now()
        before = await registry.look(
            lambda connection: topics.subscriptions(connection, now, account=account, topic=topic)
        )
        known = next((one for one in before if one.endpoint == endpoint), None)
        data: list[Data] = [
            TopicCreated(topic=topic),
            FeedSaved(
                name=FEED,
                dialect="litmus",
                endpoint=f"{topics.FEED_SCHEME}{topic}",
                options={"campaigns": "subscribed"},
                by="ConfigureNotificationEndpoint",
            ),
            *(TopicUnsubscribed(topic=topic, subscription=one.id) for one in before if one is not known),
        ]
        if known is None or known.state == "pending":
            data.append(
                TopicSubscribed(
                    topic=topic,
                    subscription=known.id if known else str(uuid.uuid4()),
                    protocol=endpoint.partition(":")[0].lower(),
                    endpoint=endpoint,
                    owner=account,
                    nonce=known.nonce if known else tokens.new_nonce(),
                    expires=now + self._lifetime,
                )
            )
        await self._record(account, subjects.thing("topic", topic), *data)

    async def _record(self, account: str, subject: str, *data: Data) -> None:
        now = self._registry.clock.now()
        await self._registry.record(
            [codec.make(one, account=account, subject=subject, now=now) for one in data]
        )
        await self._registry.settled()

    def _account(self, request: Request) -> Account:
        """The account of a store id, by an API key of it or of the account above it. Raises `Unauthorized`."""
        user, _, passphrase = _basic(request.headers.get("authorization", "")).partition(":")
        directory = self._registry.directory
        key = directory.token(passphrase) if passphrase.isascii() and passphrase else None
        account = directory.store(user) or directory.account(user)
        if (
            key is None
            or key.kind != "api"
            or account is None
            or not self._registry.may(key.account, account.number)
        ):
            raise Unauthorized("Send Basic authorization: the account's store id, and an API key of it.")
        return account


def _basic(header: str) -> str:
    scheme, _, coded = header.partition(" ")
    try:
        return base64.b64decode(coded.strip()).decode() if scheme.lower() == "basic" else ""
    except (Base64Error, ValueError):
        return ""


def _endpoint(body: bytes) -> str:
    """The endpoint of a call's body. Raises `BadRequest`."""
    try:
        endpoint = msgspec.json.decode(body[:BODY_LIMIT], type=_Configure).endpoint
    except (msgspec.MsgspecError, RecursionError) as error:
        raise BadRequest(f'The body is {{"Endpoint": "https://..."}}: {error}', field="Endpoint") from error
    url = target(endpoint)
    if isinstance(url, Failed):
        raise BadRequest(f"The endpoint is not called: {url.reason}", field="Endpoint")
    return endpoint


def _refusal(error: HeliographError) -> Response:
    """Plain JSON, as our own calls have it."""
    status, code = (error.status, error.code) if isinstance(error, CallerError) else (503, "unavailable")
    headers = {"www-authenticate": 'Basic realm="heliograph"'} if status == 401 else {}
    return JSONResponse({"status": "error", "code": code, "message": str(error)}, status, headers)
