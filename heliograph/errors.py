"""Every error, sorted by whose fault it is.

    HeliographError
    |-- CallerError            the caller's: a 4xx in the caller's own error format, with what to do
    |   |-- BadRequest         400  malformed, or a field is wrong (`field`, or several in `faults`)
    |   |-- Unauthorized       401  no key, or a wrong one
    |   |-- Forbidden          403  the key is right but may not do this
    |   |-- NotFound           404
    |   |-- NotAllowed         405
    |   |-- NotAcceptable      406
    |   |-- TooSlow            408  the body did not arrive in time
    |   |-- TooLarge           413
    |   |-- UnsupportedMedia   415  a content encoding that we do not undo, a content type that we do not read
    |   |-- Unprocessable      422  well formed, but some fields are wrong: all of them in `faults`
    |   |-- Undrawable         422  a picture that cannot be drawn: no font has a character, or no room for the text
    |   `-- TooManyRequests    429  with `retry_after`
    |-- OperatorError          the operator's: refuse to start or to act, naming the setting or the command
    |   `-- InUse              what is wanted is right, and somebody else has it now: a data directory, an address
    `-- Unavailable            ours or the machine's, passing: 503 with `retry_after`; nothing was acknowledged
        `-- JournalFull        the queue of events waiting for the disk is at its bound

The remote's faults are not here: they are values (`heliograph.journal.consumer.Outcome`).
Anything that is not a HeliographError is a bug of ours: it fails one request or one event, and is logged.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import NamedTuple


class Fault(NamedTuple):
    """One thing that is wrong with a body: the field's path (`line_items[0].price`) and the reason."""

    field: str
    reason: str


class HeliographError(Exception):
    """The root: everything we raise on purpose."""


class CallerError(HeliographError):
    """The caller can mend it. `code` is a stable machine word, `message` says what to do."""

    status = 400
    code = "bad_request"

    def __init__(
        self,
        message: str,
        *,
        field: str | None = None,
        faults: tuple[Fault, ...] = (),
        retry_after: int | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.field = field
        self.faults = faults
        self.retry_after = retry_after


class BadRequest(CallerError):
    """400: the request is malformed or is missing mandatory fields."""


class Unauthorized(CallerError):
    """401: no key, or a wrong one."""

    status = 401
    code = "unauthorized"


class Forbidden(CallerError):
    """403: known, but not allowed to do this."""

    status = 403
    code = "forbidden"


class NotFound(CallerError):
    """404: no such store, account or object."""

    status = 404
    code = "not_found"


class NotAllowed(CallerError):
    """405: the path exists, the method does not."""

    status = 405
    code = "method_not_allowed"


class NotAcceptable(CallerError):
    """406: a format that we do not speak was asked for."""

    status = 406
    code = "not_acceptable"


class TooSlow(CallerError):
    """408: the body did not arrive in time."""

    status = 408
    code = "request_timeout"


class TooLarge(CallerError):
    """413: the body is over the limit."""

    status = 413
    code = "too_large"


class UnsupportedMedia(CallerError):
    """415: the body is coded in a way that we do not undo."""

    status = 415
    code = "unsupported_media_type"


class Unprocessable(CallerError):
    """422: the body is well formed, and what some of its fields say cannot be done; each is one of `faults`."""

    status = 422
    code = "invalid"


class Undrawable(CallerError):
    """422: the picture cannot be drawn as it is asked for; `message` names the characters or the measure."""

    status = 422
    code = "undrawable"


class TooManyRequests(CallerError):
    """429: over a rate limit; `retry_after` in seconds."""

    status = 429
    code = "too_many_requests"


class OperatorError(HeliographError):
    """A setting, a file or a command is wrong; the message names it and says what would be right. `status` is what a
    command ends with."""

    status = 2


class InUse(OperatorError):
    """Another process has what this one needs alone; the message names it. The same command may succeed later."""

    status = 1


class Unavailable(HeliographError):
    """We cannot do it now; nothing was acknowledged. `retry_after` in seconds."""

    def __init__(self, message: str, *, retry_after: int = 1) -> None:
        super().__init__(message)
        self.message = message
        self.retry_after = retry_after


class JournalFull(Unavailable):
    """The bounded queue of events waiting for the disk is full."""


def reason_of(error: Exception) -> str:
    """What went wrong, for a message that names the file already: of what the operating system says the words alone."""
    return error.strerror or str(error) if isinstance(error, OSError) else str(error)


def perhaps(word: str, known: Iterable[str]) -> str:
    """What was meant by a word that is not known, as the end of a sentence; empty if nothing is like it."""
    meant = get_close_matches(word, sorted(known), 1)
    return f": perhaps {meant[0]} is meant" if meant else ""
