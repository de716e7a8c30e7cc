"""Errors as Amazon's services put them: one fault, two shapes (SQS-2).

JSON 1.0: HTTP status, `__type`, `message`, and the older Query code in a header, because programs written for the
Query protocol compare that. Query: an `ErrorResponse` in XML.
"""

from __future__ import annotations

from xml.sax.saxutils import escape

import msgspec

from heliograph.errors import CallerError, Unavailable
from heliograph.web.http import Reply

AMZ_JSON = "application/x-amz-json-1.0"


class AwsFault(CallerError):
    """What a caller did wrong, in Amazon's words.

    `shape` is the exception's name in the service's model, `query_code` what the Query protocol calls it.
    """

    def __init__(self, shape: str, message: str, *, query_code: str | None = None, status: int = 400) -> None:
        super().__init__(message)
        self.shape = shape
        self.query_code = query_code or shape
        self.status = status


def as_fault(error: CallerError | Unavailable) -> AwsFault:
    """Any error of ours as one of Amazon's. 5xx and throttling are retried by every SDK."""
    if isinstance(error, AwsFault):
        return error
    if isinstance(error, Unavailable):
        return AwsFault("ServiceUnavailable", error.message, status=503)
    names = {
        403: "AccessDenied",
        408: "RequestTimeout",
        413: "RequestEntityTooLarge",
        429: "RequestThrottled",
    }
    return AwsFault(names.get(error.status, "InvalidParameterValue"), error.message, status=error.status)


def json_fault(fault: AwsFault, request_id: str, namespace: str) -> Reply:
    """The fault for a client of the JSON protocol."""
    who = "Receiver" if fault.status >= 500 else "Sender"
    body = msgspec.json.encode({"__type": f"{namespace}#{fault.shape}", "message": fault.message})
    headers = (
        ("content-type", AMZ_JSON),
        ("x-amzn-requestid", request_id),
        ("x-amzn-query-error", f"{fault.query_code};{who}"),
    )
    return Reply(fault.status, headers, body)


def query_fault(fault: AwsFault, request_id: str, namespace: str) -> Reply:
    """The fault for a client of the Query protocol."""
    who = "Receiver" if fault.status >= 500 else "Sender"
    body = (
        f'<?xml version="1.0"?><ErrorResponse xmlns="{namespace}"><Error><Type>{who}</Type>'
        f"<Code>{escape(fault.query_code)}</Code><Message>{escape(fault.message)}</Message><Detail/></Error>"
        f"<RequestId>{request_id}</RequestId></ErrorResponse>"
    )
    headers = (("content-type", "text/xml"), ("x-amzn-requestid", request_id))
    return Reply(fault.status, headers, body.encode())
