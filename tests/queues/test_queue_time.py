"""What happens to queues as time goes by, on a clock of our own: retention, delays, deduplication, moves, limits."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from queue_world import ACCOUNT, World

from heliograph.outbound.queues.handed import told
from heliograph.queues import keeping, messages
from heliograph.queues.forgetting import forget
from heliograph.queues.messages import Received
from heliograph.queues.model import QueueFault


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with closing(World(tmp_path)) as made:
        yield made


async def test_a_message_is_dropped_when_its_queue_keeps_it_no_longer(world: World) -> None:
    url = await world.queue("q", MessageRetentionPeriod="60")
    await world.send(url, "old")
    await world.clock.advance(59)
    await world.send(url, "young")
    await world.clock.advance(2)
    assert await world.bodies(url) == ["young"]


async def test_what_comes_back_too_late_is_not_handed_out_again(world: World) -> None:
    """It was received in its time and is visible again after it; so is what lies in a dead-letter queue."""
    url = await world.queue("q", MessageRetentionPeriod="60")
    await world.send(url, "slow")
    await world.send(url, "slower")
    assert await world.bodies(url, VisibilityTimeout=59) == ["slow", "slower"]
    await world.clock.advance(59)
    assert await world.bodies(url, VisibilityTimeout=1) == ["slow", "slower"], "for the last time"
    await world.clock.advance(2)
    assert await world.bodies(url) == []
    assert await world.counts(url) == (0, 0, 0)


async def test_what_nobody_fetches_goes_when_its_time_is_over(world: World) -> None:
    """In portions, and by itself: nobody receives here."""
    url, other = await world.queue("q", MessageRetentionPeriod="60"), await world.queue("other")
    fill = (
        "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 1500) INSERT INTO messages"
        " (queue, id, body, md5, sender, sent, visible) SELECT 1, x, 'm', '', '', ?1, ?1 FROM n"
    )
    now = world.clock.now() // 1000
    await world.file.do(lambda connection: connection.execute(fill, (now,)))
    await world.send(other, "kept for four days")
    await world.clock.advance(61)
    await world.send(url, "young")
    now = world.clock.now() // 1000
    queues = await world.file.do(keeping.every)
    gone = [await world.file.do(partial(messages.expire, queue=queues[0], now=now)) for _ in range(3)]
    assert gone == [1000, 500, 0]
    assert await world.file.do(partial(messages.expire, queue=queues[1], now=now)) == 0
    assert await world.bodies(url) == ["young"] and await world.bodies(other) == ["kept for four days"]


async def test_a_receive_finds_the_few_that_are_left_among_many_that_are_over(world: World) -> None:
    """SQLite goes to what may be handed out by the index, whatever lies before it."""
    plan = await world.file.do(
        lambda connection: connection.execute(
            f"EXPLAIN QUERY PLAN {messages._STANDARD}", (1, 0, 1, 10)
        ).fetchall()
    )
    assert [line[3] for line in plan] == [
        "SEARCH messages USING INDEX messages_by_visible (queue=? AND visible>? AND visible<?)"
    ]
    ordered = await world.file.do(
        lambda connection: connection.execute(
            f"EXPLAIN QUERY PLAN {messages._FIFO}", (1, 0, 1, 10)
        ).fetchall()
    )
    assert not any("TEMP B-TREE" in line[3] for line in ordered), ordered


async def test_delays_of_queue_and_message_are_waited_for(world: World) -> None:
    url = await world.queue("q", DelaySeconds="10")
    await world.send(url, "by the queue")
    await world.send(url, "by itself", DelaySeconds=0)
    assert await world.bodies(url) == ["by itself"]
    assert await world.counts(url) == (0, 1, 1)
    await world.clock.advance(10)
    assert await world.bodies(url) == ["by the queue"]


async def test_a_deduplication_id_is_known_for_five_minutes(world: World) -> None:
    url = await world.queue("q.fifo", ContentBasedDeduplication="true")
    first = await world.send(url, "same", MessageGroupId="g")
    await world.clock.advance(299)
    assert (await world.send(url, "same", MessageGroupId="g"))["MessageId"] == first["MessageId"]
    await world.clock.advance(2)
    assert (await world.send(url, "same", MessageGroupId="g"))["MessageId"] != first["MessageId"]
    assert await world.bodies(url) == ["same", "same"]


async def test_dead_letters_move_back_to_where_they_came_from(world: World) -> None:
    grave = await world.queue("dead")
    arn = "arn:aws:sqs:us-east-1:111111111111:dead"
    policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 1})
    sources = [await world.queue(name, RedrivePolicy=policy) for name in ("one", "two")]
    for url in sources:
        await world.send(url, f"of {url}")
        await world.bodies(url, VisibilityTimeout=0)
        assert await world.bodies(url, VisibilityTimeout=0) == []
    handle = (await world.ask("StartMessageMoveTask", SourceArn=arn))["TaskHandle"]
    with pytest.raises(QueueFault, match="already a task running"):
        await world.ask("StartMessageMoveTask", SourceArn=arn)
    while await world.step():
        pass
    (task,) = (await world.ask("ListMessageMoveTasks", SourceArn=arn))["Results"]
    assert task["Status"] == "COMPLETED" and task["ApproximateNumberOfMessagesMoved"] == 2
    assert "TaskHandle" not in task
    assert await world.bodies(grave) == []
    for url in sources:
        assert await world.bodies(url) == [f"of {url}"]
    with pytest.raises(QueueFault, match="Only active tasks"):
        await world.ask("CancelMessageMoveTask", TaskHandle=handle)


async def test_a_move_keeps_its_rate_and_can_be_cancelled(world: World) -> None:
    grave, target = await world.queue("dead"), await world.queue("target")
    arn = "arn:aws:sqs:us-east-1:111111111111:"
    await world.queue("source", RedrivePolicy=json.dumps({"deadLetterTargetArn": arn + "dead"}))
    for n in range(20):
        await world.send(grave, str(n))
    asked = {"SourceArn": arn + "dead", "DestinationArn": arn + "target", "MaxNumberOfMessagesPerSecond": 5}
    handle = (await world.ask("StartMessageMoveTask", **asked))["TaskHandle"]
    for _ in range(4):
        await world.clock.advance(0.5)
        assert await world.step()
    assert await world.counts(target) == (10, 0, 0)
    assert (await world.ask("CancelMessageMoveTask", TaskHandle=handle))[
        "ApproximateNumberOfMessagesMoved"
    ] == 10
    await world.clock.advance(9)
    assert not await world.step()
    assert await world.counts(grave) == (10, 0, 0)


async def test_only_a_dead_letter_queue_is_moved_from(world: World) -> None:
    await world.queue("plain")
    with pytest.raises(QueueFault, match="Dead Letter Queue"):
        await world.ask("StartMessageMoveTask", SourceArn="arn:aws:sqs:us-east-1:111111111111:plain")


async def test_too_many_messages_in_flight_are_over_the_limit(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("heliograph.queues.messages.IN_FLIGHT_LIMIT", 3)
    url = await world.queue("q")
    for n in range(5):
        await world.send(url, str(n))
    assert len(await world.bodies(url)) == 5
    with pytest.raises(QueueFault, match="in flight") as caught:
        await world.bodies(url)
    assert caught.value.code == "OverLimit"


async def test_messages_outlive_the_process(tmp_path: Path) -> None:
    world = World(tmp_path)
    url = await world.queue("q")
    await world.send(url, "kept")
    world.file.close()
    again = World(tmp_path)
    assert await again.bodies(url) == ["kept"]
    again.file.close()


async def test_an_operation_that_fails_undoes_itself_alone(world: World) -> None:
    """They share a transaction."""

    def fail(connection: Any) -> None:
        connection.execute("INSERT INTO deleted VALUES ('a', 'b', 1)")
        raise TypeError("a fault of ours")

    failing = asyncio.ensure_future(world.file.do(fail))
    url = await world.queue("q")
    with pytest.raises(TypeError):
        await failing
    await world.send(url, "m")
    assert await world.file.do(lambda c: c.execute("SELECT count(*) FROM deleted").fetchall()) == [(0,)]
    assert await world.bodies(url) == ["m"]


async def test_what_tells_of_an_erased_person_is_deleted(world: World) -> None:
    """STD-8"""
    url = await world.queue("q")
    await world.send(url, "of nobody")
    await world.file.do(lambda c: c.execute("UPDATE messages SET subject = 'person:1'"))
    await world.send(url, "of another")
    assert (
        await world.file.do(
            lambda c: forget(c, ACCOUNT, '["person:1", "email:a@b.example"]', "[]", "[]", str)
        )
        == 1
    )
    assert await world.bodies(url) == ["of another"]


@pytest.mark.parametrize(
    ("receives", "told_as"), [(1, "1"), (32_767, "32767"), (32_768, "32767"), (90_000, "32767")]
)
def test_the_receive_count_fits_sixteen_bits(receives: int, told_as: str) -> None:
    """SQS-10: one SDK reads it as a 16-bit number."""
    message = Received(
        "id", "handle", "body", "md5", None, None, None, ACCOUNT, 1, receives, 1, None, None, 1, None
    )
    assert told(message, ["All"], (), fifo=False)["Attributes"]["ApproximateReceiveCount"] == told_as
