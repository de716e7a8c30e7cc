"""Somebody is forgotten in everything that jobs keep, and nobody else is (STD-7)."""

from __future__ import annotations

import gzip
import io
import zipfile
from pathlib import Path

from job_world import World

from heliograph.clock import SECOND
from heliograph.journal.consumer import Erased
from heliograph.outbound.jobs import keeping, uploads
from heliograph.outbound.jobs.ledger import path_of
from heliograph.privacy.jobs import jobs_forget
from heliograph.privacy.words import Mask

ANN = "ann.erasable@x.example"
LIST = f"email,RecipientId,friend\n{ANN},17,\nbob@x.example,18,{ANN}\ncy@x.example,19,\n"


def stored(data: Path) -> bytes:
    """Everything in the files of jobs, unpacked."""
    found = b""
    for path in (*data.glob("jobs/*"), *data.glob("uploads/*/*")):
        raw = path.read_bytes()
        found += gzip.decompress(raw) if raw.startswith(b"\x1f\x8b") else raw
    return found


async def test_ledgers_and_uploads_forget(world: World) -> None:
    job = await world.submit(LIST, send_at=world.clock.now() + 3600 * SECOND)
    await world.steps(5)

    async def chunks(content: bytes) -> object:
        yield content

    packed = await uploads.keep(
        world.data, world.account.number, chunks(gzip.compress(LIST.encode())), 1 << 20
    )  # type: ignore[arg-type]  # it is one
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w") as archive:
        archive.writestr("list.csv", LIST)
    gone = await uploads.keep(world.data, world.account.number, chunks(zipped.getvalue()), 1 << 20)  # type: ignore[arg-type]  # it is one
    other = await uploads.keep(world.data, "999999999999", chunks(LIST.encode()), 1 << 20)  # type: ignore[arg-type]  # it is one
    assert ANN.encode() in stored(world.data)
    whom = Erased(world.account.number, "p1", (f"email:{ANN}",))
    await world.runner.close()
    await jobs_forget(world.data, world.reading)(whom, [], Mask(whom))
    assert uploads.find(world.data, "999999999999", other).read_text() == LIST
    uploads.find(world.data, "999999999999", other).unlink()
    assert ANN.encode() not in stored(world.data)
    assert b"bob@x.example" in gzip.decompress(
        uploads.find(world.data, world.account.number, packed).read_bytes()
    )
    assert not (world.data / "uploads" / world.account.number / gone).exists()
    world.runner = world.open()
    await world.clock.advance(3601)
    standing = await world.until(job, "finished")
    assert standing.counts == {"sent": 2, "cancelled": 1}
    assert sorted(world.addresses()) == ["bob@x.example", "cy@x.example"]
    assert world.recipients(job)[0].recipient_id is None


async def test_ledgers_end_with_their_time(world: World) -> None:
    job = await world.submit("email\na@x.example\n")
    await world.until(job, "finished")
    await world.steps(3)

    def expired(seconds: float) -> bool:
        world.clock._now += int(seconds * SECOND)
        with world.reading.connect() as connection:
            keeping.expire(connection, world.data, world.account, world.clock)
        return not path_of(world.data, job).exists()

    assert not expired(80 * 86_400)
    assert expired(11 * 86_400)
    assert world.standing(job).counts == {"sent": 1}
    assert world.recipients(job) == []
