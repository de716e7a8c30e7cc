"""Who is reading, and with what: what the wires promise, and what an operator can change."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.app.serve import prepare
from heliograph.errors import OperatorError
from heliograph.readers import Readers, Visit, load
from heliograph.readers.vocabulary import friendly_name
from heliograph.settings import Settings

RELAY, ELSEWHERE = "172.225.58.230", "203.0.113.9"
SAFARI = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/17.5 Mobile/15E148 Safari/604.1"
)
CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36"
GMAIL = "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)"


@pytest.fixture(scope="module")
def readers() -> Readers:
    return Readers()


@pytest.mark.parametrize("address", [RELAY, ELSEWHERE, ""])
@pytest.mark.parametrize("mode", ["", "dark", "light"])
def test_apples_bare_name_is_its_image_cache_and_unreliable(
    readers: Readers, address: str, mode: str
) -> None:
    """LIT-11"""
    judged = readers.judge(Visit(user_agent="Mozilla/5.0", address=address, mode=mode))
    suffix = f" {mode.capitalize()} Mode" if mode else ""
    assert (judged.reader, judged.reliable, judged.platform) == ("privacy_proxy", False, "image cache")
    assert judged.mail_client_specific == "Via Apple's Image Cache" + suffix


@pytest.mark.parametrize(
    "agent",
    [
        "Mozilla/5.0 (iPhone; CPU iPhone OS 15_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148",
        "Mozilla/5.0 (iPad; CPU OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148",
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 12_0_1) AppleWebKit/605.1.15 (KHTML, like Gecko)",
    ],
)
def test_apple_mail_since_its_privacy_protection_is_counted_as_protected(
    readers: Readers, agent: str
) -> None:
    """LIT-11: whether its owner opted in or not, as Litmus does (LH-416); but somebody's device loaded it."""
    judged = readers.judge(Visit(user_agent=agent, mode="dark"))
    assert (judged.reliable, judged.platform) == (False, "image cache")
    assert judged.mail_client_specific == "Via Apple's Image Cache Dark Mode"
    assert judged.reader == "human"


@pytest.mark.parametrize("kind", ["open", "click"])
def test_a_whole_browser_through_private_relay_is_a_person(readers: Readers, kind) -> None:
    """wire-facts 9.5"""
    judged = readers.judge(Visit(kind=kind, user_agent=SAFARI, address=RELAY))
    assert (judged.reader, judged.reliable) == ("human", True)
    assert judged.platform == "mobile"


def test_image_proxies_are_their_mail_clients_on_the_platform_image_cache(readers: Readers) -> None:
    """LIT-12"""
    yahoo = "YahooMailProxy; https://help.yahoo.com/kb/yahoo-mail-proxy-SLN28749.html"
    for agent, client in ((GMAIL, "Gmail"), (yahoo, "Yahoo!/AOL")):
        judged = readers.judge(Visit(user_agent=agent))
        assert (judged.reader, judged.mail_client, judged.platform) == ("image_proxy", client, "image cache")
        assert judged.reliable


def test_only_what_was_fetched_ahead_is_prefetched(readers: Readers) -> None:
    """PER-8"""
    ahead = "Mozilla/5.0 (Windows NT 10.0) Chrome/42.0.2311.135 Safari/537.36 Edge/12.246 Mozilla/5.0"
    found = {
        agent: readers.who(Visit(kind="image", user_agent=agent, address=RELAY)).prefetched
        for agent in ("Mozilla/5.0", ahead, SAFARI, GMAIL, "curl/8.0")
    }
    assert found == {"Mozilla/5.0": True, ahead: True, SAFARI: False, GMAIL: False, "curl/8.0": False}


def test_windows_outlook_is_drawn_by_word(readers: Readers) -> None:
    """wire-facts 9.5"""
    agent = "Mozilla/4.0 (compatible; MSIE 7.0; Windows NT 10.0; Trident/7.0; Microsoft Outlook 16.0.5439; ms-office; MSOffice 16)"
    assert readers.judge(Visit(user_agent=agent)).rendering_engine == "MSWord"


@pytest.mark.parametrize(
    ("client", "specific", "friendly"),
    [
        ("Outlook", "Outlook 2010", "Outlook 2010"),
        ("Gmail", "Using Explorer", "Gmail Using Explorer"),
        ("Apple iPad", "iPad", "Apple iPad iPad"),
        ("", "Using Chrome", "Using Chrome"),
    ],
)
def test_the_friendly_name_is_put_together_as_litmus_does(client: str, specific: str, friendly: str) -> None:
    """wire-facts 2.3"""
    assert friendly_name(client, specific) == friendly


def test_who_and_judge_never_disagree(readers: Readers) -> None:
    for agent in ("Mozilla/5.0", SAFARI, GMAIL, "", "curl/8.0"):
        visit = Visit(user_agent=agent)
        who, judged = readers.who(visit), readers.judge(visit)
        assert (who.reader, who.reason, who.prefetched) == (judged.reader, judged.reason, judged.prefetched)


def test_the_network_stands_in_for_an_address_that_was_not_kept(readers: Readers) -> None:
    """STD-7: an account that drops addresses is judged by the range that the door has found."""
    kept = Visit(kind="click", user_agent=CHROME, network="barracuda")
    assert readers.judge(kept).reader == "scanner"


def test_the_verdict_depends_on_the_seconds_only_where_a_rule_asks(readers: Readers) -> None:
    found = [
        readers.judge(Visit(kind="click", user_agent=CHROME, after=after)).reader
        for after in (0, 2.0, 2.01, None)
    ]
    assert found == ["scanner", "scanner", "human", "human"]
    assert readers.judge(Visit(user_agent=CHROME, after=0.0)).reader == "human"


@given(st.text(max_size=300), st.text(max_size=40), st.text(max_size=60), st.text(max_size=40))
def test_whatever_comes_gets_a_verdict(agent: str, address: str, referrer: str, accept: str) -> None:
    judged = READERS.judge(
        Visit(kind="click", user_agent=agent, address=address, referrer=referrer, accept=accept)
    )
    assert judged.reason


def test_what_is_remembered_is_bounded() -> None:
    readers = Readers()
    for number in range(10_000):
        readers.who(Visit(user_agent=f"Strange/{number}", address=f"203.0.{number % 250}.{number // 250}"))
    assert readers._who.cache_info().currsize <= 8_192


def test_an_operators_rules_are_asked_first(tmp_path: Path) -> None:
    file = tmp_path / "own.toml"
    file.write_text(
        '[[reader]]\nname = "our monitoring"\nreader = "bot"\nsays = "we look ourselves"\nagent = ["^Mozilla"]\n'
        'networks = ["office"]\n[[client]]\nname = "ours"\nagent = ["OurMail/(\\\\d+)"]\nmail_client = "OurMail"\n'
        'specific = "OurMail {0}"\nengine = "Webkit"\nplatform = "mobile"\n'
    )
    ranges = tmp_path / "ranges"
    ranges.mkdir()
    (ranges / "office.txt").write_text("# where we sit\n\n203.0.113.0/24\n2001:db8::/32\n")
    readers = load(Settings(reader_rules=str(file), reader_networks=str(ranges)))
    assert readers.judge(Visit(user_agent=SAFARI, address=ELSEWHERE)).rule == "our monitoring"
    assert readers.judge(Visit(user_agent=SAFARI, address="198.51.100.1")).reader == "human"
    ours = readers.judge(Visit(user_agent="OurMail/7"))
    assert (ours.mail_client_specific, ours.platform) == ("OurMail 7", "mobile")


@pytest.mark.parametrize(
    ("rules", "why"),
    [
        (None, "reader_rules: .*No such file"),
        ("[[reader]]\nname = 'odd'", "reader_rules: .*rule 'odd'"),
        (
            "[[reader]]\nname = 'odd'\nreader = 'bot'\nsays = 'x'\nnetworks = ['moon']",
            "rule 'odd' asks for the network 'moon'",
        ),
    ],
)
def test_a_broken_file_of_the_operators_stops_the_start(tmp_path: Path, rules: str | None, why: str) -> None:
    file = tmp_path / "own.toml"
    if rules is not None:
        file.write_text(rules)
    with pytest.raises(OperatorError, match=why):
        prepare(Settings(data=str(tmp_path / "data"), reader_rules=str(file)))


READERS = Readers()
