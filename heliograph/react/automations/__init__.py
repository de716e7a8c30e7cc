"""Automations: an event comes, a run begins, waits, and decides that a message is wanted.

Comes in: events of any kind about people, and due timers. Goes out: `message.requested` and the trace of each
run (`run.started`, `run.waiting`, `run.cancelled`, `run.finished`). Nothing is sent here, and whether somebody
may be written to is asked again by dispatch at the moment of sending.

`definition` is what an operator writes, `conditions` and `plan` decide (pure), `runs` remembers, `reaction` ties
them to the journal.
"""

from __future__ import annotations

from heliograph.react.automations.definition import Automation, load, parse
from heliograph.react.automations.reaction import REACTION

__all__ = ["REACTION", "Automation", "load", "parse"]
