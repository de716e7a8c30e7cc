"""One message over one connection: MAIL, RCPT, DATA and the content (RFC 5321 3.3), and what the answers mean.

A server that offers PIPELINING is told the whole envelope in one go (RFC 2920): a mail costs two round trips instead of
four. What decides between "send it again" and "nobody knows" is one instant: when the content is written. A connection
lost before it means that nothing was handed over; after it, without an answer, the message is in doubt.
"""

from __future__ import annotations

from heliograph.bounces.classify import find_status
from heliograph.outbound.messages.channels.channel import (
    Accepted,
    Bounced,
    Deferred,
    InDoubt,
    Parcel,
    Result,
    Unreachable,
)
from heliograph.outbound.messages.channels.wire import AUTH_CODES, Lost, Reply, Wire

FINAL_FACTOR = 10
"""The answer to the content may take so many times longer: ten minutes by 4.5.3.2.6, as the server stores it."""
RELAY_CODES = frozenset((421, 454))
"""Answers about the server itself: it shuts down, or takes no more for now (SES: 454 Throttling failure)."""

_WANTED = ((250,), (250, 251), (354,))
"""What MAIL, RCPT and DATA must be answered with to go on."""


async def converse(wire: Wire, parcel: Parcel, timeout: float) -> Result:
    """Say it all. Afterwards the connection is either as new or closed. `timeout`: seconds for one answer."""
    wide = parcel.sender.wide or parcel.recipient.wide
    if wide and "smtputf8" not in wire.extensions:
        return _NO_UTF8
    try:
        replies = await _envelope(wire, _commands(wire, parcel, wide=wide), timeout)
    except Lost as lost:
        wire.close()
        return Unreachable(f"the connection failed before the content was handed over: {lost}")
    refused = _first_refusal(replies)
    if refused is not None:
        await _take_back(wire, replies, timeout)
        return refused
    if len(replies) < len(_WANTED):
        wire.close()
        return Unreachable("the connection was closed before the content was handed over")
    return await _content(wire, parcel.content, timeout)


def _commands(wire: Wire, parcel: Parcel, *, wide: bool) -> tuple[bytes, bytes, bytes]:
    options = [b"SMTPUTF8", b"BODY=8BITMIME"] if wide else []
    if "size" in wire.extensions:
        options.append(b"SIZE=%d" % len(parcel.content))
    mail = b" ".join([b"MAIL FROM:<%b>" % parcel.sender.address.encode(), *options])
    return mail + b"\r\n", b"RCPT TO:<%b>\r\n" % parcel.recipient.address.encode(), b"DATA\r\n"


async def _envelope(wire: Wire, commands: tuple[bytes, ...], timeout: float) -> list[Reply]:
    """The answers, as far as they came: all at once, or one by one up to the first refusal."""
    if "pipelining" in wire.extensions:
        wire.write(b"".join(commands))
        return await wire.replies(len(commands), timeout)
    replies: list[Reply] = []
    for command, wanted in zip(commands, _WANTED, strict=True):
        wire.write(command)
        replies += await wire.replies(1, timeout)
        if replies[-1].code not in wanted:
            break
    return replies


def _first_refusal(replies: list[Reply]) -> Result | None:
    for number, (reply, wanted) in enumerate(zip(replies, _WANTED, strict=False)):
        if reply.code not in wanted:
            return _refusal(reply, about_recipient=number > 0)
    return None


async def _take_back(wire: Wire, replies: list[Reply], timeout: float) -> None:
    """Leave no half of a message behind."""
    if any(reply.code == 421 for reply in replies):
        wire.close()
        return
    try:
        if len(replies) == len(_WANTED) and replies[-1].code == 354:
            # RFC 2920 3.1: the server waits for a content, for no recipient; it gets none.
            wire.write(b".\r\n")
            await wire.replies(1, timeout)
        wire.write(b"RSET\r\n")
        reply = (await wire.replies(1, timeout))[0]
    except Lost:
        wire.close()
        return
    if reply.code != 250:
        wire.close()


async def _content(wire: Wire, content: bytes, timeout: float) -> Result:
    # RFC 5321 4.5.2: a line that begins with a dot gets another one. The mail itself has CRLF throughout.
    stuffed = content.replace(b"\r\n.", b"\r\n..") + b".\r\n"
    if not wire.usable:
        wire.close()
        return Unreachable("the connection was closed before the content was handed over")
    wire.write(stuffed)
    try:
        reply = (await wire.replies(1, timeout * FINAL_FACTOR))[0]
    except Lost as lost:
        wire.close()
        return InDoubt(f"the content was handed over, and no answer came: {lost}")
    if 200 <= reply.code <= 299:
        return Accepted(reply.text)
    if not 400 <= reply.code <= 599:
        wire.close()
        return InDoubt(f"the answer to the content has no meaning: {reply.text}")
    if reply.code == 421:
        wire.close()
    return _refusal(reply)


def _refusal(reply: Reply, *, about_recipient: bool = True) -> Result:
    if reply.code in AUTH_CODES:
        return Unreachable(f"the relay asks for another login: {reply.text}", by_operator=True)
    if 400 <= reply.code <= 499:
        status = find_status(reply.words) or ""
        full = not about_recipient and status.startswith("4.3.")  # RFC 3463 3.4: the mail system itself
        return Deferred(reply.text, reply.code, about_relay=reply.code in RELAY_CODES or full)
    if 500 <= reply.code <= 599:
        return Bounced(reply.text, reply.code, find_status(reply.words), about_recipient)
    return Unreachable(f"the relay's answer makes no sense here: {reply.text}")


_NO_UTF8 = Bounced(
    "553 5.6.7 The address needs SMTPUTF8 (RFC 6531), which the relay does not offer", 553, "5.6.7"
)
