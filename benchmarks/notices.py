"""Mail that comes back: the share right on the labelled notices, per server and language; notices read a second.

The labelled notices are `tests/receipts/notices`. They were written by those who wrote the reader, after the formats'
documents and what servers say in public: the shares show that nothing is lost, not how strangers' mail fares.
Beside it: the standard library's parser, which only takes a mail apart, and flufl.bounce (Mailman's), which finds the
failed addresses and no reasons.
"""

from __future__ import annotations

import email
import logging
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from flufl.bounce import scan_message

from benchmarks.report import Row
from heliograph.inbound.receipts.mail.notice import Notice, read_notice, verdict
from heliograph.inbound.receipts.mail.telling import worst

LABELLED = Path(__file__).parents[1] / "tests" / "receipts"
ROUNDS = 5


class Labelled(NamedTuple):
    """A mail, and what is right about it."""

    what: str
    action: str
    address: str
    code: str
    label: str
    raw: bytes


def labelled() -> list[Labelled]:
    """The lines of the table with their mails."""
    lines = (LABELLED / "notices.tsv").read_text(encoding="utf-8").splitlines()
    rows = [line.split("\t") for line in lines if line and not line.startswith(("#", "file\t"))]
    return [
        Labelled(what, action, address, code, label, (LABELLED / "notices" / f"{file}.eml").read_bytes())
        for file, what, action, address, code, _, label in rows
    ]


def notices(_scratch: Path) -> list[Row]:
    """Everything."""
    logging.getLogger("flufl.bounce").setLevel(logging.CRITICAL)
    every = labelled()
    return [*_right(every), *_found(every), *_speed(every)]


def is_right(one: Labelled) -> bool:
    """Whether a mail is read as what it is, with its recipient and its category."""
    read_as = read_notice(one.raw)
    told = worst(read_as.results)
    if read_as.what != one.what or (told.action if told else "-") != one.action:
        return False
    if told is None:
        return True
    code = str(verdict(told).code) if told.action in ("failed", "delayed") else "-"
    return (told.address or "-", code) == (one.address, one.code)


def _right(every: list[Labelled]) -> Iterator[Row]:
    for label in dict.fromkeys(one.label for one in every):
        yield _share(label, [is_right(one) for one in every if one.label == label])
    yield _share("all labels: kind, recipient and category", [is_right(one) for one in every])


def _found(every: list[Labelled]) -> Iterator[Row]:
    """The failed addresses of the notices of failure, and of nothing else."""
    failed = [one for one in every if one.action == "failed" and one.address != "-"]
    others = [one for one in every if one.action != "failed"]
    for who, addresses in (("ours", _ours), ("flufl.bounce", _theirs)):
        yield _share(f"failed address found, {who}", [one.address in addresses(one.raw) for one in failed])
        yield _share(f"none found where nothing failed, {who}", [not addresses(one.raw) for one in others])


def _ours(raw: bytes) -> set[str]:
    return {result.address for result in read_notice(raw).results if result.action == "failed"}


def _theirs(raw: bytes) -> set[str]:
    try:
        return {address.decode() for address in scan_message(email.message_from_bytes(raw))}
    except Exception:  # it fails on mail without From
        return set()


def _speed(every: list[Labelled]) -> Iterator[Row]:
    reports = [one.raw for one in every if b"message/delivery-status" in one.raw]
    words = [one.raw for one in every if one.what == "notice" and b"message/delivery-status" not in one.raw]
    rest = [one.raw for one in every if one.what != "notice"]
    for name, mails in (("delivery status", reports), ("in words", words), ("other mail", rest)):
        rate = _rate(_read_and_classified, mails)
        for reference, other in (("flufl.bounce", _theirs), ("email.parser", _taken_apart)):
            ratio = rate / _rate(other, mails)
            figure = f"{rate:,.0f}/s, {1e6 / rate:.0f} us each"
            yield Row(f"read and classified: {name}", figure, reference, ratio=ratio, value=rate)


def _rate(work: Callable[[bytes], Any], mails: list[bytes]) -> float:
    start = time.perf_counter()
    for _ in range(ROUNDS):
        for raw in mails:
            work(raw)
    return ROUNDS * len(mails) / (time.perf_counter() - start)


def _read_and_classified(raw: bytes) -> Notice:
    read_as = read_notice(raw)
    for result in read_as.results:
        verdict(result)
    return read_as


def _taken_apart(raw: bytes) -> None:
    for part in email.message_from_bytes(raw).walk():
        part.get_payload(decode=True)


def _share(what: str, right: list[bool]) -> Row:
    share = sum(right) / len(right)
    return Row(what, f"{share:.1%} ({sum(right)} of {len(right)})", value=share)
