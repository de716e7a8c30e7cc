"""Signatures over mail: the documents' vectors, and an independent verifier (dkimpy) over what we build."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence

import dkim
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from hypothesis import given
from hypothesis import strategies as st
from mail_world import ACCOUNT, BASE, MESSAGE, World
from sqlalchemy import Engine

from heliograph.accounts.dkim import DkimKey, activate, add_dkim_keys, dkim_keys, remove
from heliograph.clock import SystemClock
from heliograph.database import memory_state
from heliograph.errors import OperatorError
from heliograph.outbound.messages.channels.channel import Accepted, Parcel
from heliograph.outbound.messages.channels.relay import Relay
from heliograph.outbound.messages.channels.smtp import SmtpLine
from heliograph.outbound.messages.mail.addresses import Mailbox
from heliograph.outbound.messages.mail.dkim import DkimSigner, Signers, body_form, header_form, signatures
from heliograph.outbound.messages.mail.mime import Letter, Sender, assemble

NOW = 1_706_702_400_000_000
DOMAIN = "shop.example"
LETTER = Letter(
    message=MESSAGE,
    sender=Sender(
        name="Größe & Söhne", mailbox=Mailbox("news@shop.example"), reply_to=Mailbox("a@shop.example")
    ),
    recipient=Mailbox("joe@x.example"),
    subject="Überraschung, und zwar eine so lange, dass ihre Zeile gefaltet wird",
    html="<p>Hello   you,\t \r\n\r\n  .dots\r\n.\r\nGröße</p>  \n\n\n",
    text="Hello \t \n\n\n",
    date=NOW,
    unsubscribe=(f"{BASE}/u/" + "A" * 78,),
    list_name="The Shop",
    list_id="1.shop.example",
    feedback_id=f"7:cart:marketing:{ACCOUNT}",
)


@pytest.fixture(scope="module")
def state() -> Engine:
    """A state with both keys of a domain, which sign."""
    engine = memory_state()
    with engine.begin() as connection:
        for key in add_dkim_keys(connection, ACCOUNT, DOMAIN, "one", NOW):
            activate(connection, key, NOW)
    return engine


@pytest.fixture(scope="module")
def keys(state: Engine) -> Sequence[DkimKey]:
    with state.connect() as connection:
        return dkim_keys(connection)


def verified(mail: bytes, keys: Sequence[DkimKey]) -> list[bool]:
    """What dkimpy says of each signature, with the records that we would have published."""
    records = {f"{key.name}.".encode(): key.record.encode() for key in keys}
    count = mail.split(b"\r\n\r\n")[0].count(b"DKIM-Signature:")

    def look_up(name: bytes, timeout: int = 5) -> bytes:
        return records[name]

    return [dkim.DKIM(mail).verify(idx=number, dnsfunc=look_up) for number in range(count)]


def signed(letter: Letter, signers: Sequence[DkimSigner], **options: object) -> bytes:
    mail = assemble(letter)
    return mail.content(signatures(*mail, signers, NOW, **options))  # type: ignore[arg-type] - a test's keywords


def test_both_signatures_verify_with_an_independent_verifier(state: Engine, keys: Sequence[DkimKey]) -> None:
    """STD-2"""
    mail = signed(LETTER, Signers(state).of(ACCOUNT, DOMAIN))
    assert {key.algorithm for key in keys} == {"rsa", "ed25519"}
    assert verified(mail, keys) == [True, True]


@pytest.mark.parametrize(
    "header", ["List-Unsubscribe", "List-Unsubscribe-Post", "Feedback-ID", "From", "To", "Subject", "Date"]
)
def test_a_header_that_is_changed_on_the_way_breaks_the_signatures(
    state: Engine, keys: Sequence[DkimKey], header: str
) -> None:
    """STD-1, STD-2: RFC 8058 section 4 wants both of its headers signed"""
    mail = signed(LETTER, Signers(state).of(ACCOUNT, DOMAIN))
    changed = mail.replace(f"\r\n{header}: ".encode(), f"\r\n{header}: x".encode())
    assert changed != mail
    assert verified(changed, keys) == [False, False]


@pytest.mark.parametrize("added", ["From: evil@x.example", "Subject: You won", "Reply-To: evil@x.example"])
def test_a_header_that_is_added_breaks_the_signatures(
    state: Engine, keys: Sequence[DkimKey], added: str
) -> None:
    """RFC 6376 8.15"""
    mail = signed(LETTER, Signers(state).of(ACCOUNT, DOMAIN))
    assert verified(mail.replace(b"\r\nTo: ", f"\r\n{added}\r\nTo: ".encode()), keys) == [False, False]


def test_what_relays_do_to_mail_leaves_the_signatures_whole(state: Engine, keys: Sequence[DkimKey]) -> None:
    """Received lines in front, headers folded anew, spaces at the ends of lines gone."""
    mail = signed(LETTER, Signers(state).of(ACCOUNT, DOMAIN))
    head, _, body = mail.partition(b"\r\n\r\n")
    head = head.replace(b"Date: ", b"date:\r\n  ").replace(b"List-Unsubscribe: ", b"LIST-Unsubscribe:   ")
    body = b"\r\n".join(line.rstrip(b" \t") for line in body.split(b"\r\n"))
    relayed = b"Received: from x by y\r\nX-Spam: no\r\n" + head + b"\r\n\r\n" + body + b"\r\n\r\n"
    assert verified(relayed, keys) == [True, True]


def test_headers_that_a_relay_writes_anew_can_be_left_out(state: Engine, keys: Sequence[DkimKey]) -> None:
    """Amazon SES gives mail another Date and Message-ID."""
    signers = Signers(state).of(ACCOUNT, DOMAIN)
    mail = signed(LETTER, signers, unsigned=("date", "message-id", "from"))
    changed = mail.replace(b"\r\nDate: ", b"\r\nDate: x").replace(b"\r\nMessage-ID: <", b"\r\nMessage-ID: <x")
    assert verified(changed, keys) == [True, True]
    assert verified(changed.replace(b"\r\nFrom: ", b"\r\nFrom: x"), keys) == [False, False]


async def test_mail_still_verifies_after_a_server_took_it(
    world: World, state: Engine, keys: Sequence[DkimKey]
) -> None:
    """STD-2: as it arrives, dots and all"""
    from_line = signed(LETTER, Signers(state).of(ACCOUNT, DOMAIN))
    line = SmtpLine(Relay("127.0.0.1", world.port, "plain", "", "", "me"), SystemClock())
    assert isinstance(
        await line.send(Parcel(Mailbox("b@shop.example"), LETTER.recipient, from_line)), Accepted
    )
    await line.close()
    assert world.raw == [from_line]
    assert verified(world.raw[0], keys) == [True, True]


TEXTS = st.text(st.sampled_from("ab .\t\r\nü"), max_size=80)


@given(TEXTS, TEXTS)
def test_any_body_verifies(html: str, text: str) -> None:
    letter = Letter(
        message=MESSAGE,
        sender=LETTER.sender,
        recipient=LETTER.recipient,
        subject="x",
        html=html,
        text=text,
        date=NOW,
    )
    key = ED25519_KEY
    assert verified(signed(letter, (DkimSigner(key),)), (key,)) == [True]


def test_the_keys_are_the_nearest_domains_and_only_those_that_sign(state: Engine) -> None:
    signers = Signers(state)
    assert [signer.selector for signer in signers.of(ACCOUNT, "News.Shop.example")] == ["one", "one-ed25519"]
    assert signers.of(ACCOUNT, "othershop.example") == ()
    assert signers.of("210987654321", DOMAIN) == ()


def test_a_rotation_changes_who_signs() -> None:
    engine = memory_state()
    with engine.begin() as connection:
        (old,) = add_dkim_keys(connection, ACCOUNT, DOMAIN, "old", NOW, ("rsa",))
        (new,) = add_dkim_keys(connection, ACCOUNT, DOMAIN, "new", NOW + 1, ("rsa",))
        activate(connection, old, NOW)
    signers = Signers(engine)
    assert [signer.selector for signer in signers.of(ACCOUNT, DOMAIN)] == ["old"]
    with engine.begin() as connection:
        activate(connection, new, NOW)
    signers.reload()
    assert [signer.selector for signer in signers.of(ACCOUNT, DOMAIN)] == ["new"]
    with engine.begin() as connection:
        remove(connection, new)
    signers.reload()
    assert signers.of(ACCOUNT, DOMAIN) == ()


@pytest.mark.parametrize(
    ("domain", "selector"), [("shop example", "a"), ("shop.example", "a b"), ("", "a"), ("-x.example", "a")]
)
def test_names_that_no_dns_has_are_refused(domain: str, selector: str) -> None:
    engine = memory_state()
    with engine.begin() as connection, pytest.raises(OperatorError, match="is no"):
        add_dkim_keys(connection, ACCOUNT, domain, selector, NOW)


def test_a_selector_is_given_once() -> None:
    engine = memory_state()
    with engine.begin() as connection:
        add_dkim_keys(connection, ACCOUNT, DOMAIN, "a", NOW, ("ed25519",))
        with pytest.raises(OperatorError, match="take another selector"):
            add_dkim_keys(connection, ACCOUNT, f"{DOMAIN}.", "A", NOW, ("ed25519",))


def made_of(private: rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey, selector: str) -> DkimKey:
    return DkimKey(
        account=ACCOUNT,
        domain="football.example.com",
        selector=selector,
        algorithm="rsa" if isinstance(private, rsa.RSAPrivateKey) else "ed25519",
        private_key=private.private_bytes(
            serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ),
        created=0,
    )


# RFC 8463 A.1: both secret keys of its example, which are known to everybody
ED25519_KEY = made_of(
    ed25519.Ed25519PrivateKey.from_private_bytes(
        base64.b64decode("nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=")
    ),
    "brisbane",
)
RSA_SECRET = """
MIICXQIBAAKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQiY/J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/
e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQABAoGAH0cxOhFZDgzX
WhDhnAJDw5s4roOXN4OhjiXa8W7Y3rhX3FJqmJSPuC8N9vQm6SVbaLAE4SG5mLMueHlh4KXffEpuLEiNp9Ss3O4YfLiQpbRqE7Tm5SxK
jvvQoZZezHorimOaChRL2it47iuWxzxSiRMv4c+j70GiWdxXnxe4UoECQQDzJB/0U58W7RZy6enGVj2kWF732CoWFZWzi1FicudrBFoy
63QwcowpoCazKtvZGMNlPWnC7x/6o8GcuSe0ga2xAkEA8C7PipPm1/1fTRQvj1o/dDmZp243044ZNyxjg+/OPN0oWCbXIGxyWvmZbXri
OWoSALJTjExEgraHEgnXssuk7QJBALl5ICsYMu6hMxO73gnfNayNgPxdWFV6Z7ULnKyV7HSVYF0hgYOHjeYe9gaMtiJYoo0zGN+L3AAt
NP9huqkWlzECQE1alicIeVlo1e+qJ6Mgqr0Q7Aa7falZ448ccbSFYEPD6oFxiOl9Y9se9iYHZKKfIcsto7DUw1/hz2Ck4N5JrgUCQQCy
KveNvjzkkd8HjYs0SwM0fPjK16//5qDZ2UiDGnOeuEzxBDAr518Z8VFbR41in3W4Y3yCDgQlLlcETrS+zYcL
"""


def rsa_key() -> DkimKey:
    private = serialization.load_der_private_key(base64.b64decode("".join(RSA_SECRET.split())), None)
    assert isinstance(private, rsa.RSAPrivateKey)
    return made_of(private, "test")


# RFC 8463 A.2 and A.3, with the white space of its lines
BRISBANE = (
    "DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;\r\n d=football.example.com; "
    "i=@football.example.com;\r\n q=dns/txt; s=brisbane; t=1528637909; h=from : to :\r\n subject : date : "
    "message-id : from : subject : date;\r\n bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n b="
)
TEST = (
    "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;\r\n d=football.example.com; "
    "i=@football.example.com;\r\n q=dns/txt; s=test; t=1528637909; h=from : to : subject :\r\n date : "
    "message-id : from : subject : date;\r\n bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n b="
)
RSA_SIGNATURE = (
    "F45dVWDfMbQDGHJFlXUNB2HKfbCeLRyhDXgFpEL8GwpsRe0IeIixNTe3DhCVlUrSjV4BwcVcOF6+FF3Zo9Rpo1tFOeS9mPYQTnGdaSGs"
    "geefOsk2JzdA+L10TeYt9BgDfQNZtKdN1WO//KgIqXP7OdEFE4LjFYNcUxZQ4FADY+8="
)
RSA_RECORD = (
    "v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQi"
    "Y/J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G"
    "+2kryOTIKT+l/K4w3QIDAQAB"
)


@pytest.mark.parametrize(
    ("key", "itself", "signature", "record"),
    [
        (
            ED25519_KEY,
            BRISBANE,
            "/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11BusFa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==",
            "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=",
        ),
        (rsa_key(), TEST, RSA_SIGNATURE, RSA_RECORD),
    ],
    ids=["ed25519", "rsa"],
)
def test_both_signatures_of_rfc_8463_come_out_again(
    key: DkimKey, itself: str, signature: str, record: str
) -> None:
    """RFC 8463 appendix A: neither algorithm has anything random in it"""
    head = (
        "From: Joe SixPack <joe@football.example.com>",
        "To: Suzie Q <suzie@shopping.example.net>",
        "Subject: Is dinner ready?",
        "Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)",
        "Message-ID: <20030712040037.46341.5F8J@football.example.com>",
    )
    body = b"Hi.\r\n\r\nWe lost the game.  Are you hungry yet?\r\n\r\nJoe.\r\n"
    digest = base64.b64encode(hashlib.sha256(body_form(body)).digest()).decode()
    assert f" bh={digest};" in itself
    data = b"".join(header_form(line)[1] for line in (*head, itself)).removesuffix(b"\r\n")
    made = DkimSigner(key).sign(hashlib.sha256(data).digest())
    assert base64.b64encode(made).decode() == signature
    assert key.record == record


@pytest.mark.parametrize(
    ("body", "form"),
    [
        (b" C \r\nD \t E\r\n\r\n\r\n", b" C\r\nD E\r\n"),  # RFC 6376 3.4.5
        (b"", b""),  # 3.4.4: an empty body stays empty
        (b"\r\n\r\n", b""),
        (b" \r\n\t\r\n", b""),
        (b"x", b"x\r\n"),
        (b"x \t", b"x\r\n"),
        (b"x\r\n \t \t y", b"x\r\n y\r\n"),
    ],
)
def test_a_body_in_its_relaxed_form(body: bytes, form: bytes) -> None:
    assert body_form(body) == form


def test_headers_in_their_relaxed_form() -> None:
    """RFC 6376 3.4.5"""
    assert header_form("A: X") == ("a", b"a:X\r\n")
    assert header_form("B : Y\t\r\n\tZ  ") == ("b", b"b:Y Z\r\n")
