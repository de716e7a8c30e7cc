"""SQS's exceptions with the codes that the Query protocol has for them, and their HTTP status (SQS-2).

New programs compare the exception's name, old ones the Query code, which the JSON protocol carries in a header.
"""

from __future__ import annotations

from heliograph.aws.faults import AwsFault, as_fault
from heliograph.errors import CallerError, Unavailable
from heliograph.queues.model import QueueFault

PREFIX = "AWS.SimpleQueueService."

PREFIXED = frozenset(
    (
        "BatchEntryIdsNotDistinct",
        "BatchRequestTooLong",
        "EmptyBatchRequest",
        "InvalidBatchEntryId",
        "TooManyEntriesInBatchRequest",
        "MessageNotInflight",
        "QueueDeletedRecently",
        "UnsupportedOperation",
        "PurgeQueueInProgress",
    )
)
RENAMED = {"QueueDoesNotExist": f"{PREFIX}NonExistentQueue", "QueueNameExists": "QueueAlreadyExists"}
STATUS = {
    "PurgeQueueInProgress": 403,
    "OverLimit": 403,
    "ResourceNotFoundException": 404,
    "AccessDenied": 403,
}


def sqs_fault(error: CallerError | Unavailable) -> AwsFault:
    """Whatever was raised, in SQS's words."""
    if not isinstance(error, QueueFault):
        return as_fault(error)
    return AwsFault(
        error.code, error.message, query_code=query_code(error.code), status=STATUS.get(error.code, 400)
    )


def query_code(code: str) -> str:
    """The Query protocol's code of an exception."""
    return RENAMED.get(code, f"{PREFIX}{code}" if code in PREFIXED else code)
