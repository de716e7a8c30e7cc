"""Who an open, a click, a vote or a look at a picture came from: the verdict, and better ones as evidence comes.

Comes in: `message.opened`, `link.clicked`, `vote.cast`, `image.shown`. Goes out: `reader.judged` for each at once, by
what the request tells (`heliograph.readers`), and another that replaces it when what comes later tells more: all
links of a message within a second, the hidden link, many recipients from one place, a person after a machine.
Nothing is dropped (STD-6, LIT-13): folds, feeds and automations go by the last verdict.

`evidence` decides (pure), `recent` remembers for an hour what it needs, `reaction` ties them to the journal.
"""

from __future__ import annotations

from heliograph.react.judgement.reaction import reaction

__all__ = ["reaction"]
