"""What every `Journal` promises: one suite, run over each implementation (`test_journal_conformance.py`)."""

from __future__ import annotations

import asyncio

import pytest
from journal_records import ACCOUNT, numbered, record

from heliograph.errors import Unavailable
from heliograph.events.codec import REDACTED, decode
from heliograph.events.event import Entry, Redacted
from heliograph.journal.journal import Journal, Rewrite

SOON = 0.02
"""Seconds in which nothing shall happen."""

PATIENCE = 60.0
"""Seconds after which what should have happened has not."""

ODD = (
    b"",
    b"{}",
    '{"name":"Zoë 🙂 \\u0000","quote":"\\"\\\\"}'.encode(),
    b'{"spaced" :\n\t[1,  2.50, 1e400]}',
    b'{"big":"' + b"x" * 100_000 + b'"}',
)


class AppendAndRead:
    """Appending and reading."""

    async def test_entries_come_back_as_they_were_recorded(self, journal: Journal) -> None:
        records = [record(data, cause=cause) for data in ODD for cause in (None, "018f-cause")]
        records.append(record(subject='email:"a\x1f b"@exämple.com', kind="no.such.kind"))
        records.append(record()._replace(at=-(2**63), recorded=2**63 - 1))
        await journal.append(records)
        assert [tuple(entry)[1:] for entry in await journal.read(0)] == [tuple(one) for one in records]

    async def test_places_grow_by_one_from_one(self, journal: Journal) -> None:
        await journal.append([record()])
        await journal.append([record(), record()])
        await journal.append_once([numbered(1)])
        assert [entry.seq for entry in await journal.read(0)] == [1, 2, 3, 4]

    async def test_nothing_appended_changes_nothing(self, journal: Journal) -> None:
        await journal.append([])
        assert list(await journal.append_once([])) == []
        assert await journal.head() == 0
        assert list(await journal.read(0)) == []

    async def test_what_an_append_recorded_is_read_as_soon_as_it_returns(self, journal: Journal) -> None:
        for number in range(1, 30):
            await journal.append([one := record()])
            assert [entry.id for entry in await journal.read(number - 1)] == [one.id]
            assert await journal.head() == number

    async def test_reading_begins_after_a_place_and_ends_at_the_limit(self, journal: Journal) -> None:
        records = [record() for _ in range(10)]
        await journal.append(records)
        assert [entry.seq for entry in await journal.read(3, limit=4)] == [4, 5, 6, 7]
        assert [entry.seq for entry in await journal.read(8, limit=4)] == [9, 10]
        assert list(await journal.read(10)) == list(await journal.read(99)) == []
        assert list(await journal.read(0, limit=0)) == []

    async def test_reading_can_end_at_a_place(self, journal: Journal) -> None:
        await journal.append([record(kind="a" if number % 2 else "b") for number in range(10)])
        assert [entry.seq for entry in await journal.read(2, upto=5)] == [3, 4, 5]
        assert [entry.seq for entry in await journal.read(2, kinds=frozenset("a"), upto=6)] == [4, 6]
        assert list(await journal.read(5, upto=5)) == []

    async def test_reading_can_be_for_certain_kinds_only(self, journal: Journal) -> None:
        await journal.append([record(kind="abc"[number % 3]) for number in range(9)])
        found = await journal.read(1, kinds=frozenset("ac"), limit=4)
        assert [(entry.seq, entry.kind) for entry in found] == [(3, "c"), (4, "a"), (6, "c"), (7, "a")]
        assert list(await journal.read(0, kinds=frozenset(("never",)))) == []
        assert list(await journal.read(0, kinds=frozenset())) == []

    async def test_one_append_stands_together_and_in_its_order(self, journal: Journal) -> None:
        batches = [[record() for _ in range(size)] for size in (1, 3000, 1, 64, 65, 129, 700, 1, 5)]
        await asyncio.gather(*(journal.append(batch) for batch in batches))
        ids = [entry.id for entry in await journal.read(0, limit=10_000)]
        assert len(ids) == sum(map(len, batches))
        for batch in batches:
            start = ids.index(batch[0].id)
            assert ids[start : start + len(batch)] == [one.id for one in batch]

    async def test_what_one_caller_appends_one_after_the_other_keeps_its_order(
        self, journal: Journal
    ) -> None:
        async def caller(name: str) -> None:
            for number in range(40):
                await journal.append([record(b"%d" % number, subject=name)])

        names = [f"caller:{number}" for number in range(20)]
        await asyncio.gather(*map(caller, names))
        entries = await journal.read(0)
        for name in names:
            own = [int(entry.data) for entry in entries if entry.subject == name]
            assert own == list(range(40))

    async def test_a_caller_that_goes_away_takes_nobody_along(self, journal: Journal) -> None:
        callers = [asyncio.create_task(journal.append([record()])) for _ in range(50)]
        await asyncio.sleep(0)
        for caller in callers[::2]:
            caller.cancel()
        ends = await asyncio.gather(*callers, return_exceptions=True)
        assert ends[1::2] == [None] * 25
        await journal.append([record()])
        assert await journal.head() >= 26


class AppendOnce:
    """Ids that can be made again."""

    async def test_a_repeat_is_recorded_once(self, journal: Journal) -> None:
        assert list(await journal.append_once([numbered(1), numbered(2)])) == [True, True]
        assert list(await journal.append_once([numbered(2), numbered(3), numbered(1)])) == [
            False,
            True,
            False,
        ]
        assert [entry.data for entry in await journal.read(0)] == [b'{"number":%d}' % n for n in (1, 2, 3)]

    async def test_a_repeat_within_one_call_is_recorded_once(self, journal: Journal) -> None:
        records = [numbered(5), numbered(4), numbered(5), numbered(6), numbered(4)]
        assert list(await journal.append_once(records)) == [True, True, False, True, False]
        assert [entry.id for entry in await journal.read(0)] == [records[0].id, records[1].id, records[3].id]

    async def test_of_two_who_say_the_same_at_once_one_is_recorded(self, journal: Journal) -> None:
        calls = [journal.append_once([numbered(n) for n in range(start, start + 20)]) for start in range(30)]
        results = await asyncio.gather(*calls)
        assert sum(sum(result) for result in results) == 49
        entries = await journal.read(0)
        assert len({entry.id for entry in entries}) == len(entries) == 49

    async def test_what_was_simply_appended_counts_as_recorded(self, journal: Journal) -> None:
        await asyncio.gather(journal.append([numbered(1), record()]), journal.append([numbered(2)]))
        assert list(await journal.append_once([numbered(2), numbered(1), numbered(0)])) == [
            False,
            False,
            True,
        ]

    async def test_ids_that_cannot_be_made_again_are_refused(self, journal: Journal) -> None:
        with pytest.raises(ValueError, match="version 8"):
            await journal.append_once([numbered(1), record()])
        assert await journal.head() == 0

    async def test_many_ids_are_remembered(self, journal: Journal) -> None:
        first = [numbered(number) for number in range(0, 12_000, 2)]
        assert all(await journal.append_once(first))
        again = await journal.append_once([numbered(number) for number in range(12_000)])
        assert list(again) == [bool(number % 2) for number in range(12_000)]


class SubjectsAndErasure:
    """`of` and `redact`."""

    async def test_the_entries_of_subjects_are_found_in_order(self, journal: Journal) -> None:
        await journal.append([record(subject=f"email:{number % 4}@example.com") for number in range(12)])
        found = await journal.of(["email:3@example.com", "email:1@example.com", "email:1@example.com"])
        assert [entry.seq for entry in found] == [2, 4, 6, 8, 10, 12]
        found = await journal.of(["email:1@example.com", "email:3@example.com"], after=4, limit=2)
        assert [entry.seq for entry in found] == [6, 8]
        assert list(await journal.of(["email:9@example.com"])) == list(await journal.of([])) == []
        assert list(await journal.of(["email:1@example.com"], limit=0)) == []

    async def test_what_was_appended_after_a_search_is_found_by_the_next(self, journal: Journal) -> None:
        for number in range(1, 6):
            await journal.append([record(subject="email:a"), record(subject="email:b")])
            assert [entry.seq for entry in await journal.of(["email:a"])] == list(range(1, 2 * number, 2))

    async def test_an_erased_subject_leaves_only_that_something_happened(self, journal: Journal) -> None:
        """STD-7"""
        records = [
            record(b'{"secret":1}', subject=subject) for subject in ("email:a", "person:1", "email:b") * 3
        ]
        await journal.append(records)
        assert (
            await journal.redact(
                ["email:a", "person:1", "phone:+1"], account=ACCOUNT, replacement="erased:f00"
            )
            == 6
        )
        entries = await journal.read(0)
        assert [entry.id for entry in entries] == [one.id for one in records]
        assert [entry.seq for entry in entries] == list(range(1, 10))
        for entry, before in zip(entries, records, strict=True):
            if before.subject == "email:b":
                assert tuple(entry)[1:] == tuple(before)
            else:
                assert entry.data == REDACTED
                assert isinstance(decode(entry).data, Redacted)
                assert entry.subject == "erased:f00"
                assert (entry.kind, entry.at) == (before.kind, before.at)

    async def test_erased_entries_are_found_by_what_replaced_their_subject(self, journal: Journal) -> None:
        await journal.append([record(subject=subject) for subject in ("email:a", "email:b", "email:a")])
        assert [entry.seq for entry in await journal.of(["email:a"])] == [1, 3]
        await journal.redact(["email:a"], account=ACCOUNT, replacement="erased:1")
        assert list(await journal.of(["email:a"])) == []
        assert [entry.seq for entry in await journal.of(["erased:1"])] == [1, 3]
        await journal.redact(["erased:1", "email:b"], account=ACCOUNT, replacement="erased:2")
        assert [entry.seq for entry in await journal.of(["erased:2", "erased:1"])] == [1, 2, 3]

    async def test_erasing_again_finds_only_what_came_since(self, journal: Journal) -> None:
        await journal.append([record(subject="email:a")])
        assert await journal.redact(["email:a"], account=ACCOUNT, replacement="erased:1") == 1
        assert await journal.redact(["email:a"], account=ACCOUNT, replacement="erased:1") == 0
        await journal.append([record(subject="email:a")])
        assert [entry.seq for entry in await journal.of(["email:a"])] == [2]
        assert await journal.redact(["email:a"], account=ACCOUNT, replacement="erased:1") == 1
        assert await journal.redact([], account=ACCOUNT, replacement="erased:1") == 0

    async def test_an_erasure_leaves_other_accounts_alone(self, journal: Journal) -> None:
        """STD-7: two accounts may know the same address."""
        own, others = record(subject="email:a"), record(subject="email:a")._replace(account="000000000002")
        await journal.append([own, others, own._replace(id=record().id)])
        assert await journal.redact(["email:a"], account=ACCOUNT, replacement="erased:1") == 2
        assert [entry.seq for entry in await journal.of(["email:a"])] == [2]
        assert tuple((await journal.read(1, limit=1))[0])[1:] == tuple(others)

    async def test_what_mentions_a_word_is_found_whatever_its_case(self, journal: Journal) -> None:
        """STD-7"""
        bodies = [b'{"to":"Ann@X.example"}', b'{"to":"ben@x.example"}', b'{"phone":"+4930"}', b"{}"]
        await journal.append([record(body) for body in bodies])
        await journal.append([record(bodies[0])._replace(account="000000000002")])
        assert list(await journal.mentions(["ann@x.example", "+4930"], account=ACCOUNT)) == [1, 3]
        assert list(await journal.mentions(["ANN@X.EXAMPLE"], account="000000000002")) == [5]
        assert list(await journal.mentions([], account=ACCOUNT)) == []
        assert list(await journal.mentions([""], account=ACCOUNT)) == []

    async def test_places_are_rewritten_as_far_as_they_are_the_accounts(self, journal: Journal) -> None:
        """STD-7"""
        await journal.append([record(b'{"to":"ann"}', subject=f"email:{name}") for name in "abc"])
        changes = [Rewrite(1, "email:a", b'{"to":"-"}'), Rewrite(3, "erased:1", REDACTED)]
        assert await journal.rewrite(changes, account="000000000002") == 0
        assert await journal.rewrite(changes, account=ACCOUNT) == 2
        entries = await journal.read(0)
        assert [entry.data for entry in entries] == [b'{"to":"-"}', b'{"to":"ann"}', REDACTED]
        assert [entry.subject for entry in entries] == ["email:a", "email:b", "erased:1"]
        assert [entry.seq for entry in await journal.of(["email:a", "email:c", "erased:1"])] == [1, 3]
        assert list(await journal.of(["email:c"])) == []
        assert await journal.rewrite([], account=ACCOUNT) == 0

    async def test_a_subject_with_thousands_of_entries_is_erased_whole(self, journal: Journal) -> None:
        for _ in range(3):
            await journal.append([record(subject=f"email:{number % 2}") for number in range(1000)])
        assert await journal.redact(["email:0"], account=ACCOUNT, replacement="erased:1") == 1500
        entries = await journal.read(0, limit=3000)
        assert {entry.subject for entry in entries} == {"email:1", "erased:1"}
        assert sum(entry.data == REDACTED for entry in entries) == 1500

    async def test_a_subject_does_not_replace_itself(self, journal: Journal) -> None:
        with pytest.raises(ValueError, match="replaces"):
            await journal.redact(["email:a"], account=ACCOUNT, replacement="email:a")

    async def test_ids_of_erased_entries_are_still_known(self, journal: Journal) -> None:
        await journal.append_once([numbered(1)._replace(subject="email:a")])
        await journal.redact(["email:a"], account=ACCOUNT, replacement="erased:1")
        assert list(await journal.append_once([numbered(1)])) == [False]

    async def test_what_is_removed_leaves_its_place_empty(self, journal: Journal) -> None:
        """STD-7: other accounts' and later entries stay, and so does the last."""
        records = [record(subject=f"email:{name}") for name in "abcab"]
        await journal.append(records)
        await journal.append([record(subject="email:a")._replace(account="000000000002")])
        await journal.append([record(subject="email:a")])
        later = records[3].recorded
        assert await journal.remove([1, 2, 4, 6, 7], account=ACCOUNT, before=later) == 2
        assert [entry.seq for entry in await journal.read(0)] == [3, 4, 5, 6, 7]
        assert [entry.seq for entry in await journal.read(0, kinds=frozenset({"custom"}), limit=2)] == [3, 4]
        assert [entry.seq for entry in await journal.of(["email:a", "email:b"])] == [4, 5, 6, 7]
        assert [entry.seq for entry in await journal.latest(["email:a"], account=ACCOUNT)] == [7, 4]
        assert await journal.remove([1, 2], account=ACCOUNT, before=later) == 0
        assert await journal.remove([6, 7], account=ACCOUNT, before=2**62) == 0
        assert await journal.remove([], account=ACCOUNT, before=2**62) == 0
        await journal.append([record(subject="email:a")])
        assert await journal.head() == 8

    async def test_one_is_found_by_its_id_among_its_subjects(self, journal: Journal) -> None:
        written = [record(subject=f"email:{'ab'[number % 2]}") for number in range(2_400)]
        await journal.append(written)
        for number in (0, 1, 2_399):
            found = await journal.find(written[number].id, ["email:b", "email:a"], account=ACCOUNT)
            assert found == Entry(number + 1, *written[number])
        first = written[0].id
        assert await journal.find(first, ["email:b"], account=ACCOUNT) is None
        assert await journal.find(first, ["email:a"], account="210987654321") is None
        assert (
            await journal.find("00000000-0000-7000-8000-000000000000", ["email:a"], account=ACCOUNT) is None
        )
        assert await journal.find(first, [], account=ACCOUNT) is None
        await journal.redact(["email:a"], account=ACCOUNT, replacement="person:gone")
        assert await journal.find(first, ["email:a"], account=ACCOUNT) is None

    async def test_the_latest_come_page_by_page_newest_first(self, journal: Journal) -> None:
        """Of several subjects at once, each place once, nobody else's; any cursor will do."""
        names = [f"email:{name}" for name in "abcab" * 150]
        await journal.append([record(subject=name) for name in names])
        await journal.append([record(subject="email:a")._replace(account="000000000002")])
        mine = [seq for seq, name in enumerate(names, 1) if name != "email:c"]
        seen: list[int] = []
        before = None
        while page := await journal.latest(
            ["email:a", "email:b", "email:a"], account=ACCOUNT, before=before, limit=130
        ):
            seen += [entry.seq for entry in page]
            before = seen[-1]
        assert seen == mine[::-1]
        for cursor, found in ((-1, []), (1, []), (2, [1]), (2**70, mine[:-3:-1])):
            page = await journal.latest(["email:a", "email:b"], account=ACCOUNT, before=cursor, limit=2)
            assert [entry.seq for entry in page] == found
        assert await journal.latest([], account=ACCOUNT) == []
        assert await journal.latest(["email:a"], account=ACCOUNT, limit=0) == []

    async def test_the_id_of_what_was_removed_is_still_known(self, journal: Journal) -> None:
        await journal.append_once([numbered(1), numbered(2), numbered(3)])
        assert await journal.remove([1, 2], account=ACCOUNT, before=2**62) == 2
        assert list(await journal.append_once([numbered(1), numbered(2), numbered(4)])) == [
            False,
            False,
            True,
        ]
        assert [entry.seq for entry in await journal.read(0)] == [3, 4]


class HeadAndEnd:
    """The head, waiting for it, and closing."""

    async def test_waiting_for_what_is_there_returns_at_once(self, journal: Journal) -> None:
        assert await journal.head() == 0
        await journal.append([record(), record()])
        assert await journal.wait(0, PATIENCE) == await journal.wait(1, PATIENCE) == 2

    async def test_waiting_ends_when_something_is_appended(self, journal: Journal) -> None:
        for number in range(5):
            waiters = [asyncio.create_task(journal.wait(number, PATIENCE)) for _ in range(3)]
            await asyncio.sleep(0)
            await journal.append([record()])
            assert await asyncio.gather(*waiters) == [number + 1] * 3

    async def test_waiting_ends_after_its_time(self, journal: Journal) -> None:
        await journal.append([record()])
        assert await journal.wait(1, SOON) == 1
        assert await journal.wait(7, SOON) == 1
        assert await journal.wait(1, 0) == 1

    async def test_who_waits_for_more_goes_on_waiting(self, journal: Journal) -> None:
        waiter = asyncio.create_task(journal.wait(2, PATIENCE))
        await journal.append([record()])
        await journal.append([record()])
        await asyncio.sleep(SOON)
        assert not waiter.done()
        await journal.append([record()])
        assert await waiter == 3

    async def test_closing_finishes_what_was_accepted(self, journal: Journal) -> None:
        accepted = [asyncio.create_task(journal.append([record()])) for _ in range(100)]
        await asyncio.sleep(0)
        await journal.close()
        assert await asyncio.gather(*accepted) == [None] * 100

    async def test_after_closing_nothing_is_accepted(self, journal: Journal) -> None:
        waiter = asyncio.create_task(journal.wait(0, PATIENCE))
        await asyncio.sleep(0)
        await journal.close()
        assert await asyncio.wait_for(waiter, PATIENCE) == 0
        with pytest.raises(Unavailable):
            await journal.append([record()])
        with pytest.raises(Unavailable):
            await journal.append_once([numbered(1)])
        await journal.close()


class JournalConformance(AppendAndRead, AppendOnce, SubjectsAndErasure, HeadAndEnd):
    """All of it. A test class of this needs a fixture `journal`."""
