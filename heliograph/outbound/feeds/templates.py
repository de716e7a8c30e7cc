"""Templates that feeds need, as data. The composition root saves them at the first start; from then on they are the
operator's to change, like any other.

`failure` has `feed`, `endpoint` (without its query), `event`, `reason`, `attempts`, `at` (RFC 3339, UTC).
"""

from __future__ import annotations

FAILURE_TEMPLATE = "feed-failed"
"""The mail to an account's administrator when a delivery was given up (S3:L777). Feeds never tell of messages made
from this template: nothing feeds on itself."""

BUILTIN_TEMPLATES: dict[str, dict[str, str]] = {
    FAILURE_TEMPLATE: {
        "subject": "The feed {{ failure.feed }} does not reach its receiver",
        "text": """\
The feed {{ failure.feed }} could not be delivered to

{{ failure.endpoint }}

We tried {{ failure.attempts }} times over about two hours; the last answer was:

{{ failure.reason }}

The event {{ failure.event }} was put aside at {{ failure.at }} and is not tried again by itself; other events still
are. You get at most one such mail an hour, however many events were put aside: they are all kept and can be sent
again when the receiver is back.
""",
    },
}
"""Template name -> parts, as in `template.saved`."""
