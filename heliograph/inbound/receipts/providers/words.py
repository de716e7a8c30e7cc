"""What a text that came in means: STOP, START, HELP, a word of the account's own, or nothing but itself (MG-9).

Pure. A whole text is a command when nothing else stands in it: "stop" and "STOP." are, "don't stop" is not. So is a
keyword when the text begins with it ("JOIN tea"). STOP goes first, whatever an account calls its keywords: nobody
who wishes to leave is kept. The words are those that American carriers ask for (CTIA Messaging Principles 5.1.3), what
Twilio understands, and the usual ones of other languages; accounts add theirs.
"""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

from heliograph.accounts.model import Policy

_ENGLISH = "STOP STOPALL UNSUBSCRIBE CANCEL END QUIT REVOKE OPTOUT"
_OTHERS = "ARRET STOPP ABMELDEN ALTO BAJA PARAR SAIR FERMA ANNULLA AFMELDEN REZYGNUJE"
"""French, German, Spanish, Portuguese, Italian, Dutch, Polish; without accents, as all are compared."""
_START = "START YES UNSTOP ANMELDEN ALTA AANMELDEN"
_HELP = "HELP INFO AIDE HILFE AYUDA AJUDA AIUTO POMOC"

STOP = frozenset((*_ENGLISH.split(), *_OTHERS.split()))
START = frozenset(_START.split())
HELP = frozenset(_HELP.split())

_AROUND = " \t\r\n.,;:!?\"'*-\u201c\u201d\u2018\u2019\u00ab\u00bb"
_WORD = re.compile(r"[^\s.,;:!?]+")


class Meaning(NamedTuple):
    """`type` as `sms.received` has it; `keyword` is one of the account's own, as the account writes it, in capitals."""

    type: str
    keyword: str = ""


def understood(text: str, policy: Policy) -> Meaning:
    """What this text says to this account."""
    said = _plain(text.strip(_AROUND))
    for type_, usual, more in (
        ("STOP", STOP, policy.sms_stop_words),
        ("HELP", HELP, policy.sms_help_words),
        ("START", START, policy.sms_start_words),
    ):
        if said in usual or said in map(_plain, more):
            return Meaning(type_)
    first = _WORD.search(text)
    own = _plain(first[0]) if first else ""
    keyword = next((word for word in policy.sms_keywords if own and _plain(word) == own), "")
    return Meaning("KEYWORD", keyword.strip().upper())


def _plain(text: str) -> str:
    """In capitals and without accents: phones write them or not as they like."""
    split = unicodedata.normalize("NFKD", text.strip().upper())
    return "".join(character for character in split if not unicodedata.combining(character))
