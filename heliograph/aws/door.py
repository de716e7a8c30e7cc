"""The door of everything Amazon-shaped: `POST /` and `POST /ACCOUNT/NAME`, in the JSON or the Query protocol; and
`GET /?Action=...` for the few operations that are links in what receivers get (SubscribeURL, UnsubscribeURL).

    request -> who signed it (SigV4) -> which service and operation -> parameters -> the service -> an answer in the
    shape that was asked in

A service is a value: its names on the wire, how it flattens lists, its operations. What is no call of theirs is left to
the pages.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec

from heliograph.accounts.directory import Directory
from heliograph.aws import sigv4
from heliograph.aws.faults import AMZ_JSON, AwsFault, as_fault, json_fault, query_fault
from heliograph.aws.query import Flat, fields, parameters, response
from heliograph.clock import Clock
from heliograph.errors import CallerError, Unavailable
from heliograph.web.http import Reply, Request

log = logging.getLogger("heliograph.aws")

BODY_LIMIT = 8 * 1024 * 1024
"""Bytes of a request: a batch of one megabyte whose every character is escaped."""


class Call(NamedTuple):
    """One operation that somebody asked for. `account`: whose key signed; empty where none was needed. `path`: the
    queue's own path that older SDKs post to, empty at the root (SQS-9)."""

    operation: str
    parameters: dict[str, Any]
    account: str
    path: str


Operation = Callable[[Call], Awaitable[Mapping[str, Any]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """One of Amazon's services as we speak it.

    `version` tells it apart in the Query protocol, `target` in the JSON protocol (empty: it has none). `unsigned`:
    operations that a token in the request is proof enough for; `linked`: those that a GET may ask for, unsigned, because the
    vendor's protocol makes them links. They are the one exception to our rule that GET changes nothing. `fault` puts what the service raises into its words.
    """

    name: str
    version: str
    target: str
    json_namespace: str
    query_namespace: str
    flat: Flat
    operations: Mapping[str, Operation]
    unsigned: frozenset[str] = frozenset()
    linked: frozenset[str] = frozenset()
    fault: Callable[[CallerError | Unavailable], AwsFault] = as_fault


class Asked(NamedTuple):
    """Which service and operation, in which protocol, with which parameters."""

    service: Service
    operation: str
    parameters: dict[str, Any]
    json: bool


class Door:
    """The handler of both routes."""

    def __init__(self, services: Sequence[Service], directory: Directory, clock: Clock) -> None:
        self._services = tuple(services)
        self._directory, self._clock = directory, clock

    async def __call__(self, request: Request) -> Reply | None:
        """Answer one call; None for what is no call of Amazon's kind."""
        link = request.method == "GET" and request.path == "/" and "Action=" in request.query
        if request.method != "POST" and not link:
            return None
        target = "" if link else request.header("x-amz-target")
        form = request.header("content-type").startswith("application/x-www-form-urlencoded")
        if not target and not form and not link:
            return None
        body = request.query.encode() if link else await request.body(BODY_LIMIT)
        request_id = str(uuid.uuid4())
        default = self._services[0]
        asked: Asked | None = None
        try:
            asked = self._asked_in_json(target, body) if target else self._asked_in_query(body)
            account = self._follower(asked) if link else self._signer(asked, request, body)
            path = request.path if request.path != "/" else ""
            operation = asked.service.operations[asked.operation]
            result = await operation(Call(asked.operation, asked.parameters, account, path))
        except (CallerError, Unavailable) as error:
            service = asked.service if asked else default
            return _refusal(service, service.fault(error), request_id, json=bool(target))
        except Exception:
            log.exception("a call failed", extra={"operation": asked.operation if asked else ""})
            fault = AwsFault(
                "InternalFailure", "This is a fault of ours; it was logged. Try again.", status=500
            )
            return _refusal(asked.service if asked else default, fault, request_id, json=bool(target))
        return _answer(asked, result, request_id)

    def _asked_in_json(self, target: str, body: bytes) -> Asked:
        prefix, _, operation = target.rpartition(".")
        for service in self._services:
            if service.target == prefix and prefix:
                if operation not in service.operations:
                    break
                return Asked(service, operation, _json_object(body), json=True)
        raise AwsFault("UnknownOperationException", f"There is no operation {target}.")

    def _asked_in_query(self, body: bytes) -> Asked:
        form = fields(body)
        action, version = form.pop("Action", ""), form.pop("Version", "")
        for service in self._services:
            if action in service.operations and version in ("", service.version):
                return Asked(service, action, parameters(form, service.flat), json=False)
        raise AwsFault("InvalidAction", f"The action {action!r} is not valid for this web service.")

    def _follower(self, asked: Asked) -> str:
        """Nobody's account: whoever follows a link is known by what the link holds."""
        if asked.operation not in asked.service.linked:
            raise AwsFault("InvalidAction", f"{asked.operation} is asked for by a signed POST.")
        return ""

    def _signer(self, asked: Asked, request: Request, body: bytes) -> str:
        """The account whose key signed the request."""
        if asked.operation in asked.service.unsigned and not request.header("authorization"):
            return ""
        signed = sigv4.read(request.header)
        key = self._directory.key("aws", signed.key_id)
        if key is None or key.revoked is not None:
            raise AwsFault(
                "InvalidClientTokenId", "The security token included in the request is invalid.", status=403
            )
        signable = sigv4.Signable(request.method, request.path, request.query, request.header, body)
        sigv4.check(signed, signable, key.secret, self._clock.now())
        return key.account


def _json_object(body: bytes) -> dict[str, Any]:
    try:
        decoded = msgspec.json.decode(body or b"{}", type=dict[str, Any])
    except (msgspec.MsgspecError, RecursionError) as error:
        raise AwsFault("SerializationException", f"The body is no JSON object: {error}") from error
    return decoded


def _answer(asked: Asked, result: Mapping[str, Any], request_id: str) -> Reply:
    if asked.json:
        headers = (("content-type", AMZ_JSON), ("x-amzn-requestid", request_id))
        return Reply(200, headers, msgspec.json.encode(result))
    service = asked.service
    body = response(asked.operation, result, service.flat, request_id, service.query_namespace)
    return Reply(200, (("content-type", "text/xml"), ("x-amzn-requestid", request_id)), body)


def _refusal(service: Service, fault: AwsFault, request_id: str, *, json: bool) -> Reply:
    if json:
        return json_fault(fault, request_id, service.json_namespace)
    return query_fault(fault, request_id, service.query_namespace)
