"""Automations: an event comes, a run begins, waits, and decides that a message is wanted.

Comes in: events of any kind about people, and due timers. Goes out: `message.requested`, `webhook.requested` and the
trace of each run (`run.started`, `run.waiting`, `run.noted`, `run.reached`, `run.cancelled`, `run.finished`). Nothing is
sent here, and whether somebody may be written to is asked again by dispatch at the moment of sending.

`definition`, `written`, `selecting` and `steps` are what an operator writes; `batch` and `runs` remember; `entering` and
`walking` decide; `reaction` ties them to the journal; `why` and `rehearsal` explain.
"""

from __future__ import annotations

from heliograph.react.automations.definition import Automation, parse
from heliograph.react.automations.reaction import reaction

__all__ = ["Automation", "parse", "reaction"]
