"""When the process for mail runs, and what of its settings is refused."""

from __future__ import annotations

import pytest

from heliograph.app import mail
from heliograph.errors import OperatorError
from heliograph.settings import Settings, load


def test_it_runs_only_where_mail_comes_back() -> None:
    assert not mail.configured(Settings())
    with pytest.raises(OperatorError, match="mail_listen, maildir or imap_url"):
        mail.run(Settings())
    for settings in (
        Settings(mail_listen=("lmtp://127.0.0.1:2424",)),
        Settings(maildir="/var/mail/bounces"),
        Settings(imap_url="imaps://mail.example/INBOX"),
    ):
        assert mail.configured(settings)


@pytest.mark.parametrize(
    "wrong",
    [
        "bounces@shop.example",
        "{reference}",
        "{reference}-{reference}@shop.example",
        "a-prefix-{reference}@shop.example",
        "b-{reference}@",
    ],
)
def test_a_return_path_must_have_its_reference_and_fit_into_64_octets(wrong: str) -> None:
    with pytest.raises(OperatorError, match="bounce_address"):
        load({"bounce_address": wrong}, environ={})


@pytest.mark.parametrize(
    "right", ["", "b-{reference}@bounces.shop.example", "bounces+{reference}@shop.example"]
)
def test_a_return_path_can_be_a_domain_of_its_own_or_a_mailbox_with_a_tag(right: str) -> None:
    assert load({"bounce_address": right}, environ={}).bounce_address == right
    assert len(right.partition("@")[0].replace("{reference}", "a" * 56)) <= 64
