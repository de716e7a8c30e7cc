"""Verdicts at once, and better ones when evidence comes (STD-6)."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from heliograph.accounts.model import Policy
from heliograph.clock import SECOND
from heliograph.events.engagement import TRAP, ImageShown, ReaderJudged, VoteCast
from heliograph.events.messages import MessageAttempted, MessageRequested
from heliograph.events.people import PersonErased
from heliograph.react.judgement.tables import AHEAD, VISITS

CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36"
SAFARI = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1"
RELAY = {"agent": "Mozilla/5.0", "ip": "172.225.58.230"}


def count(watch, table) -> int:
    return watch.read(lambda connection: connection.scalar(select(func.count()).select_from(table)))


def test_a_visit_is_judged_at_once_with_what_is_known_of_its_client(watch) -> None:
    """STD-6"""
    opened = watch.open(
        agent="Mozilla/4.0 (compatible; MSIE 7.0; Windows NT 10.0; Microsoft Outlook 16.0.5439; ms-office)"
    )
    (verdict,) = watch.verdicts(opened)
    assert (verdict.reader, verdict.reliable, verdict.by_person) == ("human", True, True)
    assert (verdict.mail_client, verdict.mail_client_specific) == ("Outlook", "Outlook 2016")
    assert (verdict.rendering_engine, verdict.platform) == ("MSWord", "desktop")
    judged = watch.events[-1]
    assert (judged.subject, judged.cause) == (opened.subject, opened.id)


def test_votes_and_pictures_are_judged_too(watch) -> None:
    vote = watch.say(VoteCast(tracker="t", option=1, user_agent="python-requests/2.31"))
    shown = watch.say(ImageShown(image="i", user_agent="Mozilla/5.0", ip="104.28.29.5"))
    assert (watch.readers(vote), watch.readers(shown)) == (["bot"], ["privacy_proxy"])


def test_all_links_within_a_second_are_a_scanners(watch) -> None:
    """STD-6: as the field has it (a median of 43 s after the mail): one open, then all links in under a second."""
    watch.sent()
    opened = watch.open(after=9)
    first, second, third = watch.click(0, after=34), watch.click(1, after=0.6), watch.click(2, after=0.3)
    assert watch.readers(first) == ["human", "scanner"]
    assert watch.readers(second) == ["human", "scanner"]
    assert watch.readers(third) == ["scanner"], "what is known at once is said at once"
    assert watch.rules(opened) == ["a browser", "all links at once"]
    assert not watch.verdicts(first)[-1].by_person


def test_a_burst_is_seen_across_batches_and_a_crash_says_nothing_twice(watch) -> None:
    watch.sent()
    clicks = [watch.click(link, after=gap) for link, gap in ((0, 30), (1, 0.7), (2, 0.7), (3, 0.2))]
    watch.settle(batch=1, crash=True)
    assert [watch.readers(click)[-1] for click in clicks] == ["scanner"] * 4
    verdicts = [event.id for event in watch.events if isinstance(event.data, ReaderJudged)]
    assert len(verdicts) == len(set(verdicts)) == 6, "four at once, two that were replaced"


def test_two_links_in_the_blink_of_an_eye_are_enough(watch) -> None:
    assert watch.rules(watch.click(0)) == ["a browser"]
    assert watch.rules(watch.click(1, after=0.4)) == ["all links at once"]


def test_a_person_who_follows_two_links_one_after_the_other_stays_one(watch) -> None:
    watch.sent()
    clicks = [watch.click(link, after=gap) for link, gap in ((0, 40), (1, 1.5), (1, 0.1), (2, 6), (2, 0.2))]
    assert [watch.readers(click) for click in clicks] == [["human"]] * 5


def test_the_same_link_twice_is_no_burst(watch) -> None:
    clicks = [watch.click(0, after=0.1) for _ in range(4)]
    assert [watch.readers(click) for click in clicks] == [["human"]] * 4


def test_the_hidden_link_gives_its_scanner_away_before_and_after(watch) -> None:
    """STD-6"""
    watch.sent()
    opened = watch.open(after=20)
    before = watch.click(0, after=3)
    trap = watch.click(7, after=12, name=TRAP)
    after = watch.click(1, after=30)
    another = watch.click(1, after=1, agent=SAFARI, ip="198.51.100.4")
    assert watch.rules(trap) == ["the hidden link"]
    assert [watch.rules(one)[-1] for one in (opened, before, after)] == ["the hidden link"] * 3
    assert watch.readers(another) == ["human"]


def test_a_scanner_with_several_addresses_is_known_by_the_hidden_link(watch) -> None:
    watch.click(9, name=TRAP, ip="192.0.2.1")
    assert watch.rules(watch.click(0, after=4, ip="192.0.2.77")) == ["the hidden link"]


@pytest.mark.parametrize(("recipients", "reader"), [(4, "human"), (5, "scanner")])
def test_many_recipients_from_one_place_within_seconds_are_a_scanner(watch, recipients, reader) -> None:
    """STD-6"""
    clicks = [watch.click(0, after=0.4, message=f"m{n}", subject=f"person:{n}") for n in range(recipients)]
    assert {watch.readers(click)[-1] for click in clicks} == {reader}


def test_an_office_that_opens_together_is_no_scanner(watch) -> None:
    opens = [watch.open(after=0.2, message=f"m{n}", subject=f"person:{n}") for n in range(12)]
    assert {reader for one in opens for reader in watch.readers(one)} == {"human"}


def test_an_image_proxy_has_many_recipients_by_its_nature(watch) -> None:
    gmail = "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)"
    opens = [
        watch.open(after=0.01, message=f"m{n}", subject=f"person:{n}", agent=gmail, ip="66.249.84.1")
        for n in range(40)
    ]
    assert {reader for one in opens for reader in watch.readers(one)} == {"image_proxy"}


def test_where_addresses_are_cut_nobody_is_condemned_for_his_neighbours(make_watch) -> None:
    watch = make_watch(Policy(ip="truncate"))
    clicks = [watch.click(0, after=0.2, message=f"m{n}", subject=f"person:{n}") for n in range(9)]
    assert {reader for one in clicks for reader in watch.readers(one)} == {"human"}


def test_a_click_while_the_mail_is_handed_over_is_a_gateways(watch) -> None:
    """STD-6: some gateways follow links before they answer."""
    watch.sent()
    soon = watch.click(0, after=1.5)
    late = watch.click(0, after=60)
    assert (watch.rules(soon), watch.rules(late)) == (["sooner than anybody can read"], ["a browser"])


def test_a_click_before_the_mail_was_taken_over_is_a_gateways(watch) -> None:
    """STD-6: they hold the answer to DATA while they look."""
    request = MessageRequested(address="ann@example.com", template="t")
    wish = watch.say(request)
    watch.say(MessageAttempted(message=wish.id, address="ann@example.com"))
    assert watch.rules(watch.click(0, after=30, message=wish.id)) == ["sooner than anybody can read"]


def test_a_person_who_comes_after_a_scanner_does_not_make_it_count(watch) -> None:
    watch.sent()
    opened = watch.open(after=20, agent="")
    watch.click(3, after=2, agent="", name=TRAP)
    assert watch.readers(opened) == ["unknown", "scanner"]
    watch.open(after=600, agent=SAFARI, ip="198.51.100.4")
    watch.pass_time(60)
    assert watch.readers(opened) == ["unknown", "scanner"]


def test_a_person_who_comes_after_apples_prefetch_makes_it_count(watch) -> None:
    watch.sent()
    ahead = watch.open(after=5, **RELAY)
    watch.click(0, after=3600, agent=SAFARI, ip="198.51.100.4")
    assert watch.readers(ahead) == ["privacy_proxy"]
    watch.pass_time(9)
    assert watch.readers(ahead) == ["privacy_proxy"], "not before it is clear that it was a person"
    watch.pass_time(2)
    first, last = watch.verdicts(ahead)
    assert (first.by_person, last.by_person, last.reader, last.reliable) == (False, True, "human", True)
    assert last.reason.startswith("a person came later")
    assert last.mail_client_specific == "Via Apple's Image Cache"
    watch.open(after=60, agent=SAFARI, ip="198.51.100.4")
    watch.pass_time(60)
    assert len(watch.verdicts(ahead)) == 2, "once is enough"


def test_a_scanner_that_comes_after_apples_prefetch_does_not(watch) -> None:
    watch.sent()
    ahead = watch.open(after=5, **RELAY)
    for link in range(3):
        watch.click(link, after=3 if link == 0 else 0.2)
    watch.pass_time(60)
    assert watch.readers(ahead) == ["privacy_proxy"]
    watch.open(after=600, agent=SAFARI, ip="198.51.100.4")
    watch.pass_time(60)
    assert watch.readers(ahead) == ["privacy_proxy", "human"], "another may come for it"


def test_apple_does_not_come_after_itself(watch) -> None:
    ahead = watch.open(**RELAY)
    again = watch.open(after=60, agent="Mozilla/5.0", ip="104.28.29.5")
    watch.pass_time(60)
    assert (watch.readers(ahead), watch.readers(again)) == (["privacy_proxy"], ["privacy_proxy"])


def test_what_is_remembered_goes_away(watch) -> None:
    watch.open(**RELAY)
    watch.click(0, after=1)
    watch.settle()
    assert (count(watch, VISITS), count(watch, AHEAD)) == (2, 1)
    watch.pass_time(3600 + 120)
    assert (count(watch, VISITS), count(watch, AHEAD)) == (0, 1)
    watch.pass_time(3 * 24 * 3600 + 120)
    assert (count(watch, VISITS), count(watch, AHEAD)) == (0, 0)


def test_nothing_of_an_erased_person_is_remembered(watch) -> None:
    """STD-7"""
    watch.open(**RELAY)
    watch.click(0, after=1, subject="person:bob", message="m2")
    watch.say(PersonErased(person="ann"), subject="person:ann")
    watch.settle()
    left = watch.read(lambda connection: connection.scalars(select(VISITS.c.subject)).all())
    assert (left, count(watch, AHEAD)) == (["person:bob"], 0)


def test_visits_to_somebody_elses_campaign_are_told_apart_by_its_recipient(watch) -> None:
    """LIT-5: a tracking code in mail that we did not send."""
    fields = {"message": None, "campaign": "89r4i3l4"}
    ahead = watch.open(**RELAY, **fields, custom_id="7")
    watch.open(after=60, agent=SAFARI, ip="198.51.100.4", **fields, custom_id="8")
    watch.pass_time(60)
    assert watch.readers(ahead) == ["privacy_proxy"]
    watch.open(after=60, agent=SAFARI, ip="198.51.100.4", **fields, custom_id="7")
    watch.pass_time(60)
    assert watch.readers(ahead) == ["privacy_proxy", "human"]


def test_late_events_are_compared_by_when_they_happened(watch) -> None:
    clicks = [watch.click(link) for link in range(2)]
    watch.now += 3600 * SECOND
    late = watch.click(3)
    assert watch.readers(late) == ["human"]
    assert {watch.readers(click)[-1] for click in clicks} == {"scanner"}
