"""What doors take from a request before they read it: who sends it, and its body as plain bytes."""

from __future__ import annotations

import asyncio

from heliograph.accounts.model import Account
from heliograph.errors import BadRequest
from heliograph.inbound.collect.bodies import inflated, without_bom
from heliograph.inbound.collect.countries import country_code
from heliograph.inbound.collect.identities import CONTROL, LONGEST
from heliograph.inbound.collect.senders import Sender
from heliograph.web.http import Request

KEYLESS_BODY = 128 * 1024
"""Bytes of an event that a page may send without a key."""


def sender_of(request: Request, account: Account, *, keyless: bool) -> Sender:
    """Who sends the request, as its headers say. Raises `BadRequest`."""
    # a page numbers its events apart from every server: else it could take their ids before they do
    source = request.header("origin") if keyless else request.header("x-source")
    if len(source) > LONGEST or CONTROL.search(source):
        raise BadRequest(f"x-source has up to {LONGEST} characters, none of them control.", field="x-source")
    policy = account.policy
    return Sender(
        account=account.number,
        strict=policy.validation == "strict",
        keep_case=policy.keep_local_case,
        platform=request.header("x-platform"),
        domain=request.header("x-domain"),
        source=source,
        ip=request.client,
        keep_ip=policy.ip,
        keyless=keyless,
        country=country_code(policy.country),
    )


async def body_of(request: Request, limit: int) -> bytes:
    """The body without its content encoding and byte order mark. Raises as `inflated` does, and `TooLarge`."""
    body = await request.body(limit)
    encoding = request.header("content-encoding")
    if encoding:
        body = await asyncio.to_thread(inflated, body, encoding, limit)
    return without_bom(body)
