"""Who else may use a queue: AddPermission, RemovePermission, and the policy that they write (SQS-DG; MG-JSDK calls it).

A policy that the owner sets whole is read for the same few things: an Allow, accounts, actions. What else it says
(conditions, denials) is kept and makes nothing more permissive: a statement with a condition allows nobody.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import msgspec

from heliograph.queues.model import Queue, QueueFault, arn

_LABEL = re.compile(r"[A-Za-z0-9_-]{1,80}")
_ACCOUNT = re.compile(r"(?:arn:aws[a-z-]*:iam::)?(\d{12})(?::root)?")

GRANTABLE = frozenset(
    (
        "*",
        "SendMessage",
        "ReceiveMessage",
        "DeleteMessage",
        "ChangeMessageVisibility",
        "GetQueueAttributes",
        "GetQueueUrl",
        "ListDeadLetterSourceQueues",
        "PurgeQueue",
    )
)


def allowed(queue: Queue, account: str, operation: str) -> bool:
    """Whether an account may do this with the queue; its owner may do everything."""
    if account == queue.account:
        return True
    action = operation.removesuffix("Batch")
    return any(_grants(statement, account, action) for statement in statements(queue))


def _grants(statement: dict[str, Any], account: str, action: str) -> bool:
    if statement.get("Effect") != "Allow" or statement.get("Condition"):
        return False
    actions = {str(one).rpartition(":")[2].lower() for one in _several(statement.get("Action"))}
    principal = statement.get("Principal")
    named = principal.get("AWS") if isinstance(principal, dict) else principal
    accounts = {found[1] if (found := _ACCOUNT.fullmatch(str(one))) else str(one) for one in _several(named)}
    return bool(actions & {"*", action.lower()} and accounts & {"*", account})


def statements(queue: Queue) -> list[dict[str, Any]]:
    """The statements of its policy, as far as they are objects."""
    try:
        policy = msgspec.json.decode(queue.attributes.get("Policy") or "{}")
    except (msgspec.DecodeError, RecursionError):
        return []
    found = policy.get("Statement", []) if isinstance(policy, dict) else []
    return [one for one in _several(found) if isinstance(one, dict)]


def granted(queue: Queue, label: str, accounts: Sequence[str], actions: Sequence[str]) -> str:
    """The policy with one more statement. Raises `QueueFault`."""
    if not _LABEL.fullmatch(label) or any(one.get("Sid") == label for one in statements(queue)):
        raise QueueFault(
            "InvalidParameterValue", f"Value {label} for parameter Label is invalid, or in use already."
        )
    if not accounts or not all(_ACCOUNT.fullmatch(account) for account in accounts):
        raise QueueFault("InvalidParameterValue", "AWSAccountIds are one or more numbers of 12 digits.")
    wrong = [action for action in actions if action not in GRANTABLE]
    if wrong or not 1 <= len(actions) <= 7:
        raise QueueFault(
            "InvalidParameterValue", f"Actions are one to seven of {', '.join(sorted(GRANTABLE))}."
        )
    statement = {
        "Sid": label,
        "Effect": "Allow",
        "Principal": {"AWS": [f"arn:aws:iam::{account}:root" for account in accounts]},
        "Action": [f"SQS:{action}" for action in actions],
        "Resource": arn(queue.account, queue.name),
    }
    return _policy([*statements(queue), statement])


def withdrawn(queue: Queue, label: str) -> str:
    """The policy without that statement; empty if it was the last. Raises `QueueFault`."""
    kept = [one for one in statements(queue) if one.get("Sid") != label]
    if len(kept) == len(statements(queue)):
        raise QueueFault(
            "InvalidParameterValue", f"Value {label} for parameter Label is invalid: no such label."
        )
    return _policy(kept) if kept else ""


def _policy(all_: list[dict[str, Any]]) -> str:
    return msgspec.json.encode({"Version": "2012-10-17", "Statement": all_}).decode()


def _several(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]
