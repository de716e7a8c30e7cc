"""Who is reading: a person, an image proxy, Apple's privacy proxy, a scanner; and with what. Pure; rules in data files.

Used by the web workers (live pictures ask whether Apple is fetching ahead), and by `react.judgement`, which turns
what it says into `reader.judged` events; folds and automations read those. A process loads the rules once, with
those that the operator put in front:

    readers = load(settings)                       # OperatorError when a file of the operator's is wrong
    reader = readers.judge(Visit(kind="image", user_agent=agent, address=request.client))
    reader.reader, reader.reason, reader.mail_client, reader.platform, reader.friendly_name

and where only the class matters, on a hot path, `readers.who(visit).prefetched` (PER-8), which asks neither for the
mail client nor for the browser. Both keep what they found, in bounded memory.
"""

from __future__ import annotations

from heliograph.readers.readers import Readers, load
from heliograph.readers.vocabulary import NO_ACCEPT, Reader, ReaderClass, Visit, VisitKind, Who, in_mode

__all__ = ["NO_ACCEPT", "Reader", "ReaderClass", "Readers", "Visit", "VisitKind", "Who", "in_mode", "load"]
