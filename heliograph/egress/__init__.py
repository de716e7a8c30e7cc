"""The only door out for HTTP: what may be called, for how long, and how much may come back.

Everything that we call on somebody's word (a webhook's receiver, a picture's source) is called through `Egress`. The
address is judged at the moment of connecting (`guard`). Redirects are answers, not orders. Bodies and times are capped,
nothing is unpacked, no cookie is kept, and no proxy is taken from the environment.

What the remote does wrong is a value: `post` and `get` return an `Answer` or a `Failed`, and raise only for bugs of
ours.

    calling -> connections (look up, judge, dial, keep) -> http1 (one request, one answer)
"""

from heliograph.egress.calling import BODY_CAP, Egress, target
from heliograph.egress.connections import CONNECT_TIMEOUT, Resolve
from heliograph.egress.guard import Guard
from heliograph.egress.outcomes import Answer, Failed, FailureKind

__all__ = [
    "BODY_CAP",
    "CONNECT_TIMEOUT",
    "Answer",
    "Egress",
    "Failed",
    "FailureKind",
    "Guard",
    "Resolve",
    "target",
]
