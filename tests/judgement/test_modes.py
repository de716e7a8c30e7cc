"""Dark and light: a mark finds its open, whichever comes first, and the verdict says so (LIT-4, LIT-14)."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from heliograph.accounts.model import Policy
from heliograph.events.engagement import MessageOpened, MessageRendered
from heliograph.events.people import PersonErased
from heliograph.react.judgement.modes import APART, WAITING

MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15) AppleWebKit/605.1.15 (KHTML, like Gecko)"
RELAYS = ("172.225.58.230", "104.28.29.5")
GUID = "89r4i3l4"


def say(
    watch, kind, *, after=0.0, agent=MAC, ip="203.0.113.9", custom_id="ann", subject="campaign:x", **more
):
    data = kind(campaign=GUID, custom_id=custom_id, user_agent=agent, ip=ip, **more)
    return watch.say(data, subject=subject, after=after)


def opened(watch, **fields):
    return say(watch, MessageOpened, **fields)


def mark(watch, mode="dark", **fields):
    return say(watch, MessageRendered, mode=mode, **fields)


def modes(watch, event) -> list[str]:
    return [verdict.mode for verdict in watch.verdicts(event)]


def waiting(watch) -> int:
    return watch.read(lambda connection: connection.scalar(select(func.count()).select_from(WAITING)))


def test_a_mark_that_comes_after_its_open_makes_a_second_verdict(watch) -> None:
    """LIT-4"""
    event = opened(watch)
    watch.settle()
    mark(watch, "light", after=0.1)
    first, second = watch.verdicts(event)
    assert (first.mode, second.mode) == ("", "light")
    assert (first.mail_client, first.reader) == (second.mail_client, second.reader)
    assert second.mail_client_specific == f"{first.mail_client_specific} Light Mode"
    assert waiting(watch) == 0


@pytest.mark.parametrize("settled", [True, False])
def test_a_mark_that_is_known_already_is_in_the_first_verdict(watch, settled) -> None:
    """LIT-4: it came before, or in the same batch."""
    mark(watch, "dark")
    if settled:
        watch.settle()
    event = opened(watch, after=0.1)
    if not settled:
        mark(watch, "dark", custom_id="ben")
    assert modes(watch, event) == ["dark"]
    assert watch.verdicts(event)[0].mail_client_specific.endswith(" Dark Mode")


def test_each_of_two_opens_has_its_own_mark(watch) -> None:
    """LIT-13"""
    first, _ = opened(watch), mark(watch, "light", after=0.1)
    watch.settle()
    second, _ = opened(watch, after=5), mark(watch, "dark", after=0.1)
    assert (modes(watch, first)[-1], modes(watch, second)[-1]) == ("light", "dark")
    assert waiting(watch) == 0


@pytest.mark.parametrize(
    "other",
    [
        {"agent": "Mozilla/5.0 (X11)"},
        {"ip": "203.0.113.10"},
        {"custom_id": "ben"},
        {"after": APART / 1e6 + 1},
    ],
    ids=lambda other: next(iter(other)),
)
def test_a_mark_of_another_copy_client_place_or_time_is_not_the_opens(watch, other) -> None:
    event = opened(watch)
    mark(watch, **other)
    assert modes(watch, event) == [""]


def test_a_cache_with_many_addresses_is_one_client(watch) -> None:
    """LIT-11, LIT-14: Apple's image cache fetches from anywhere in its range."""
    relay = {"agent": "Mozilla/5.0", "network": "apple-relay"}
    event = opened(watch, ip=RELAYS[0], **relay)
    watch.settle()
    mark(watch, "dark", ip=RELAYS[1], **relay)
    last = watch.verdicts(event)[-1]
    assert (last.mode, last.reader, last.mail_client_specific) == (
        "dark",
        "privacy_proxy",
        "Via Apple's Image Cache Dark Mode",
    )


def test_an_account_that_keeps_no_addresses_has_modes_too(make_watch) -> None:
    watch = make_watch(Policy(ip="drop"))
    event = opened(watch, ip="")
    mark(watch, ip="")
    assert modes(watch, event)[-1] == "dark"


def test_a_later_verdict_keeps_the_mode(watch) -> None:
    event = opened(watch, message="m1")
    watch.settle()
    mark(watch, "dark", message="m1", after=0.1)
    watch.settle()
    watch.click(0, agent=MAC, name="trap", after=1)
    verdicts = watch.verdicts(event)
    assert (verdicts[-1].reader, verdicts[-1].mode) == ("scanner", "dark")


def test_what_was_fetched_ahead_keeps_its_mode_when_a_person_comes(watch) -> None:
    watch.sent()
    relay = {"agent": "Mozilla/5.0", "ip": RELAYS[0], "network": "apple-relay"}
    event = watch.open(**relay)
    watch.settle()
    watch.say(
        MessageRendered(
            message="m1", user_agent="Mozilla/5.0", ip=RELAYS[1], network="apple-relay", mode="dark"
        )
    )
    watch.settle()
    watch.click(after=3600)
    watch.pass_time(60)
    last = watch.verdicts(event)[-1]
    assert (last.reader, last.mode) == ("human", "dark")


def test_a_crash_between_recording_and_committing_tells_nothing_twice(watch) -> None:
    event = opened(watch)
    watch.settle(batch=1, crash=True)
    mark(watch, "light")
    watch.settle(batch=1, crash=True)
    assert modes(watch, event) == ["", "light"]


def test_what_waits_in_vain_goes_and_an_erased_persons_at_once(watch) -> None:
    """STD-7"""
    opened(watch)
    mark(watch, custom_id="ben")
    opened(watch, custom_id="joe", subject="person:joe")
    watch.settle()
    assert waiting(watch) == 3
    watch.say(PersonErased(person="joe"))
    watch.settle()
    assert waiting(watch) == 2
    watch.pass_time(600)
    assert waiting(watch) == 0
