"""Folds: events per second through people, consent and commerce into a state database on disk."""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec

from benchmarks import samples
from benchmarks.report import Row
from heliograph.app.part import calm_collector
from heliograph.database import METADATA, open_state
from heliograph.events import codec, subjects
from heliograph.events.event import AnyEvent, Entry, new_id
from heliograph.react.state.folds import FOLDS

EVENTS = 30_000
BATCH = 1000
MIX = (("cart.updated", "cart", 60), ("person.updated", "person", 20), ("order.created", "order", 15), ("product.updated", "product", 5))  # fmt: skip


def through_state(scratch: Path) -> list[Row]:
    """The mix of a real shop (60 % carts, 20 % customers, 15 % orders, 5 % products), decoding included."""
    entries = _entries(EVENTS)
    with tempfile.TemporaryDirectory(dir=scratch) as place:
        engine = open_state(Path(place))
        METADATA.create_all(engine)
        calm_collector()  # as the engine does
        start, cpu = time.perf_counter(), time.process_time()
        for first in range(0, len(entries), BATCH):
            events = [codec.decode(entry) for entry in entries[first : first + BATCH]]
            with engine.begin() as connection:
                for fold in FOLDS:
                    wanted: Sequence[AnyEvent] = [event for event in events if event.kind in fold.kinds]
                    if wanted:
                        fold.apply(connection, wanted)
        rate = EVENTS / (time.perf_counter() - start)
        per_cpu = EVENTS / (time.process_time() - cpu)
        engine.dispose()
    figure = f"{rate:,.0f} events/s, {per_cpu:,.0f} per CPU-s"
    return [Row("events through all folds, batches of 1,000", figure, goal=10_000, value=rate)]


def _entries(number: int) -> list[Entry]:
    dice = random.Random(7)  # noqa: S311 - a sample
    kinds = dice.choices(MIX, [weight for _, _, weight in MIX], k=number)
    made = []
    for seq, (kind, field, _) in enumerate(kinds, 1):
        body = samples.order(dice.randrange(100_000))
        if field == "person":
            body = samples.customer(dice.randrange(50_000))
        if field == "product":
            body = {"id": dice.randrange(2_000), "title": "Cloak", "sku": "C", "product_exists": True}
        subject = (
            subjects.email(body["email"]) if "email" in body else subjects.thing("product", str(body["id"]))
        )
        data = msgspec.json.encode({field: body, "said": {"type": kind}})
        at = samples.NOW + seq
        made.append(Entry(seq, new_id(at), "100000000001", kind, subject, at, at, None, data))
    return made
