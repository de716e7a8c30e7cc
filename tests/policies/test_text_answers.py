"""What is answered to STOP, START and HELP."""

from __future__ import annotations

import pytest
from event_line import Line

from heliograph.accounts.model import Policy
from heliograph.events.messages import MessageRequested, SmsReceived
from heliograph.react.policies.templates import BUILTIN_TEMPLATES, TEXT_ANSWER

PHONE, SUBJECT = "+12025550137", "phone:+12025550137"


@pytest.fixture
def policy() -> Policy:
    return Policy(double_optin=False, sms_help_answer="Call 1.", sms_stop_answer="You are off the list.")


def answers(line: Line) -> list[tuple[str, object]]:
    made = [event.data for event in line.settle() if isinstance(event.data, MessageRequested)]
    assert all((one.channel, one.template, one.transactional) == ("sms", TEXT_ANSWER, True) for one in made)
    assert all(one.answers is not None for one in made)
    return [(one.address, one.context["answer"]) for one in made]


def say(line: Line, word: str, sender: str = PHONE) -> None:
    line.say(SmsReceived(sender=sender, to="+1", body=word, type=word), subject=f"phone:{sender}")


def test_help_is_answered_once_a_day(line: Line) -> None:
    say(line, "HELP")
    say(line, "HELP")
    assert answers(line) == [(PHONE, "Call 1.")]
    say(line, "HELP", "+12025550138")
    assert answers(line) == [("+12025550138", "Call 1.")]


def test_stop_is_answered_and_words_without_an_answer_are_not(line: Line) -> None:
    say(line, "STOP")
    say(line, "START")
    say(line, "KEYWORD")
    assert answers(line) == [(PHONE, "You are off the list.")]


def test_the_answer_has_its_template_from_the_start() -> None:
    assert BUILTIN_TEMPLATES[TEXT_ANSWER] == {"sms": "{{ answer }}"}
