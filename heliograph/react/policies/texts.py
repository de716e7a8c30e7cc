"""What is answered to STOP, START and HELP: the account's own words, once a day for each number and word.

Once, because the other side may be a machine that answers too: two of them would talk all night. The day is the text's
own (UTC), and the answer's id is made of it, so the second text of a day asks for the same message again.
"""

from __future__ import annotations

from heliograph.accounts.model import Policy
from heliograph.clock import to_datetime
from heliograph.events import codec
from heliograph.events.event import AnyEvent, scoped_id
from heliograph.events.messages import MessageRequested, SmsReceived
from heliograph.react.policies.templates import TEXT_ANSWER


def answer(out: list[AnyEvent], event: AnyEvent, text: SmsReceived, policy: Policy, now: int) -> None:
    """Ask for the answer to this text, where the account has one."""
    answers = {
        "STOP": policy.sms_stop_answer,
        "START": policy.sms_start_answer,
        "HELP": policy.sms_help_answer,
    }
    words = answers.get(text.type, "")
    if not words:
        return
    request = MessageRequested(
        channel="sms",
        address=text.sender,
        template=TEXT_ANSWER,
        transactional=True,
        context={"answer": words},
        answers=event.id,
    )
    day = to_datetime(event.recorded).date().isoformat()
    same = scoped_id(event.account, "text-answer", f"{text.type} {text.sender} {day}")
    made = codec.make(request, account=event.account, subject=event.subject, now=now, cause=event.id, id=same)
    if all(known.id != same for known in out):
        out.append(made)
