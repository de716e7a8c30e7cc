"""The bytes of a mail, read back by the standard library's parser, which did not write them."""

from __future__ import annotations

import base64
import re
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.headerregistry import Address, AddressHeader
from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mail_world import ACCOUNT, BASE, MESSAGE

from heliograph.attachments.rules import SIZE_LIMIT
from heliograph.events.messages import Attachment
from heliograph.outbound.messages.mail.addresses import Mailbox
from heliograph.outbound.messages.mail.attachments import files, listed
from heliograph.outbound.messages.mail.headers import added_headers
from heliograph.outbound.messages.mail.mime import (
    File,
    Letter,
    Sender,
    assemble,
    envelope_sender,
    feedback_id,
)
from heliograph.outbound.messages.templates.compose import one_line

JOE = Mailbox("joe@example.com")
LEAVE = f"{BASE}/u/" + "A" * 78


def letter(**fields: object) -> Letter:
    made: dict[str, object] = {
        "message": MESSAGE,
        "sender": Sender(name="The Shop", mailbox=Mailbox("news@shop.example")),
        "recipient": JOE,
        "subject": "Hello",
        "html": "<p>Hello</p>",
        "text": "Hello",
        "date": 1_706_702_400_000_000,
        **fields,
    }
    return Letter(**made)  # type: ignore[arg-type] - a test's keywords


def build(letter: Letter) -> bytes:
    return assemble(letter).content()


def read(raw: bytes) -> EmailMessage:
    mail = message_from_bytes(raw, policy=policy.default)
    assert isinstance(mail, EmailMessage)
    assert [part.defects for part in mail.walk()] == [[] for _ in mail.walk()]
    return mail


def body(mail: EmailMessage, kind: str) -> str:
    part = mail.get_body((kind,))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")


def test_a_mail_says_who_wrote_to_whom_about_what() -> None:
    reply = Mailbox("answers@shop.example")
    mail = read(
        build(letter(sender=Sender(name="The Shop", mailbox=Mailbox("news@shop.example"), reply_to=reply)))
    )
    assert mail["From"] == "The Shop <news@shop.example>"
    assert mail["To"] == "joe@example.com"
    assert mail["Reply-To"] == "answers@shop.example"
    assert mail["Subject"] == "Hello"
    assert mail["Date"] == "Wed, 31 Jan 2024 12:00:00 +0000"
    assert mail["Message-ID"] == f"<{MESSAGE}@shop.example>"
    assert mail["X-Heliograph-Message"] == MESSAGE
    assert [part.get_content_type() for part in mail.walk()] == [
        "multipart/alternative",
        "text/plain",
        "text/html",
    ]


def test_marketing_mail_can_be_left_with_one_click() -> None:
    """STD-1: RFC 8058 3.1; the header is one line, in no encoding"""
    raw = build(
        letter(
            unsubscribe=(LEAVE, "mailto:leave@shop.example"), list_name="The Shop", list_id="1.shop.example"
        )
    )
    assert f"\r\nList-Unsubscribe: <{LEAVE}>, <mailto:leave@shop.example>\r\n".encode() in raw
    assert b"\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n" in raw
    assert read(raw)["List-Id"] == "The Shop <1.shop.example>"


def test_transactional_mail_is_no_list() -> None:
    mail = read(build(letter()))
    assert [name for name in mail if name.lower().startswith("list-")] == []


def test_the_feedback_id_has_four_fields_and_ends_with_the_sender() -> None:
    """STD-2"""
    assert feedback_id(7, "abandoned cart: reminder", ACCOUNT, transactional=False) == (
        f"7:abandoned-cart-reminder:marketing:{ACCOUNT}"
    )
    assert feedback_id(None, "::", ACCOUNT, transactional=True) == f"0:none:transactional:{ACCOUNT}"


def test_a_text_alone_is_a_mail_of_one_part() -> None:
    mail = read(build(letter(html=None, text="Grüße")))
    assert mail.get_content_type() == "text/plain"
    assert mail.get_content() == "Grüße\r\n"


def test_the_same_letter_gives_the_same_bytes() -> None:
    assert build(letter(subject="Grüße")) == build(letter(subject="Grüße"))


def test_lines_fit_and_only_ascii_is_sent() -> None:
    """RFC 5321 4.5.3.1.6, RFC 5322 2.1.1"""
    raw = build(letter(subject="ü" * 300, html="<p>" + "x" * 5000 + "ü</p>\n.\n..", text="y" * 5000))
    assert raw.isascii() and b"\0" not in raw
    assert re.search(rb"(?<!\r)\n|\r(?!\n)", raw) is None
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    assert read(raw)["Subject"] == "ü" * 300


@pytest.mark.parametrize(
    ("html", "encoding"),
    [
        ("<p>plain</p>", "7bit"),
        ("<p>" + "x" * 2000 + "</p>", "quoted-printable"),
        ("<p>Größe und so weiter und so fort</p>", "quoted-printable"),
        ("<p>日本語のメールはこのように書かれています</p>", "base64"),
    ],
)
def test_each_text_has_the_encoding_that_suits_it(html: str, encoding: str) -> None:
    mail = read(build(letter(html=html)))
    part = mail.get_body(("html",))
    assert part is not None and part["Content-Transfer-Encoding"] == encoding
    assert body(mail, "html") == html + "\n"


def test_a_wide_address_stands_in_the_header_as_it_is() -> None:
    """RFC 6532"""
    raw = build(letter(recipient=Mailbox("jörg@example.com", wide=True)))
    assert "\r\nTo: jörg@example.com\r\n".encode() in raw


@pytest.mark.parametrize(
    "name", ["The Shop", "Shop, Inc.", 'The "Shop" \\', "Größe & Söhne", "=?utf-8?q?x?=", ""]
)
def test_a_display_name_comes_back_as_it_was(name: str) -> None:
    header = read(build(letter(sender=Sender(name=name, mailbox=Mailbox("news@shop.example")))))["From"]
    assert isinstance(header, AddressHeader)
    assert header.addresses == (Address(name, "news", "shop.example"),)


def test_a_long_name_is_many_encoded_words() -> None:
    """RFC 2047 section 2: each at most 75 characters, and nothing between them counts"""
    raw = build(letter(sender=Sender(name="日" * 100, mailbox=Mailbox("news@shop.example"))))
    header = re.search(rb"From: (.*?)\r\n(?! )", raw, re.DOTALL)
    assert header is not None
    assert max(map(len, header[1].split())) <= 75
    assert str(make_header(decode_header(header[1].decode()))) == "日" * 100 + " <news@shop.example>"


def test_notices_go_to_the_sender_or_to_an_address_for_each_message() -> None:
    sender = Mailbox("news@shop.example")
    assert envelope_sender(sender, MESSAGE) == sender
    assert envelope_sender(sender, MESSAGE, "bounces@shop.example") == Mailbox("bounces@shop.example")
    verp = envelope_sender(sender, MESSAGE, "bounces+{message}@shop.example")
    assert verp.address == f"bounces+{MESSAGE}@shop.example"


def test_a_boundary_never_occurs_in_a_part() -> None:
    mark = f"=_{MESSAGE.replace('-', '')}"
    mail = read(build(letter(text=f"--{mark}\nx\n--{mark}_--\n")))
    assert body(mail, "plain") == f"--{mark}\nx\n--{mark}_--\n"


TEXTS = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\x00"), max_size=300)


@given(TEXTS)
def test_any_subject_comes_back(text: str) -> None:
    subject = one_line(text)
    raw = build(letter(subject=subject))
    assert read(raw)["Subject"] == subject
    assert max(map(len, raw.split(b"\r\n\r\n")[0].split(b"\r\n"))) <= 998


@given(TEXTS, TEXTS)
def test_any_body_comes_back(html: str, text: str) -> None:
    mail = read(build(letter(html=html, text=text)))

    def lines(said: str) -> str:
        ended = said.replace("\r\n", "\n").replace("\r", "\n")
        return ended if ended.endswith("\n") else ended + "\n"

    payloads = [part.get_payload(decode=True) for part in mail.iter_parts()]
    assert payloads == [lines(said).replace("\n", "\r\n").encode() for said in (text, html)]


@pytest.mark.parametrize(
    "name",
    [
        "invoice.pdf",
        'the "best" \\ one.pdf',
        "Rechnung für Größe.pdf",
        "請求書.pdf",
        "a" * 150 + ".pdf",
        "100%.pdf",
    ],
)
def test_a_file_arrives_with_its_name(name: str) -> None:
    """RFC 2231"""
    content = bytes(range(256)) * 20
    raw = build(letter(files=(File(name, "application/pdf", content),)))
    mail = read(raw)
    assert mail.get_content_type() == "multipart/mixed"
    (file,) = mail.iter_attachments()
    assert isinstance(file, EmailMessage)
    assert (file.get_filename(), file.get_content_type(), file.get_content()) == (
        name,
        "application/pdf",
        content,
    )
    assert body(mail, "html") == "<p>Hello</p>\n" and body(mail, "plain") == "Hello\n"
    assert max(map(len, raw.split(b"\r\n"))) <= 78


def test_a_picture_of_the_html_stands_beside_it() -> None:
    """RFC 2387"""
    logo = File("logo.png", "image/png", b"png", "logo@shop.example")
    terms = File("terms.txt", "text/plain", b"terms")
    mail = read(build(letter(html='<img src="cid:logo@shop.example">', files=(terms, logo))))
    assert [part.get_content_type() for part in mail.walk()] == [
        "multipart/mixed",
        "multipart/related",
        "multipart/alternative",
        "text/plain",
        "text/html",
        "image/png",
        "text/plain",
    ]
    picture = next(part for part in mail.walk() if part.get_content_type() == "image/png")
    assert picture["Content-ID"] == "<logo@shop.example>" and picture.get_content_disposition() == "inline"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("", "desk@shop.example"),
        ("The Desk", "The Desk <desk@shop.example>"),
        ("Désk, Ltd.", '"Désk, Ltd." <desk@shop.example>'),
    ],
)
def test_a_sender_has_the_name_that_it_was_given(name: str, shown: str) -> None:
    """RFC 5322 3.6.2"""
    agent = Mailbox("desk@shop.example")
    sender = Sender(name="Joe", mailbox=Mailbox("joe@shop.example"), agent=agent, agent_name=name)
    assert read(build(letter(sender=sender)))["Sender"] == shown


def test_further_headers_and_a_sender_stand_in_the_mail() -> None:
    sender = Sender(name="Joe", mailbox=Mailbox("joe@shop.example"), agent=Mailbox("desk@shop.example"))
    mail = read(build(letter(sender=sender, headers=(("X-Grosse", "Größe 38"), ("Precedence", "bulk")))))
    assert (mail["Sender"], mail["X-Grosse"], mail["Precedence"]) == ("desk@shop.example", "Größe 38", "bulk")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Bcc", "me@x.example"),
        ("From", "me@x.example"),
        ("Content-Type", "text/plain"),
        ("List-Unsubscribe", "<https://x>"),
        ("DKIM-Signature", "v=1"),
        ("X-Heliograph-Message", "x"),
        ("X-A: b\r\nBcc", "x"),
        ("X-A", "b\r\nBcc: me@x.example"),
        ("X-A", "b\u2028c"),
        ("X-A", 7),
        ("X-A", "x" * 1001),
    ],
)
def test_headers_of_ours_cannot_be_replaced_nor_others_smuggled_in(name: str, value: object) -> None:
    with pytest.raises(ValueError, match="header"):
        added_headers({name: value})


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"name": "../etc/passwd"}, "without a path"),
        ({"name": "a\r\nBcc: x"}, "without a path"),
        ({"name": ""}, "without a path"),
        ({"content_type": "message/rfc822"}, "needs a content type"),
        ({"content_type": "text/plain\r\nBcc: x"}, "needs a content type"),
        ({"content": "no base64!"}, "not base64"),
        ({"content_id": "a>\r\nBcc: x"}, "content_id"),
    ],
)
def test_a_file_that_cannot_go_with_a_mail_is_refused(fields: dict[str, str], message: str) -> None:
    usual = {"name": "a.txt", "content_type": "text/plain", "content": "aGk="}
    with pytest.raises(ValueError, match=message):
        files(listed([{**usual, **fields}]))
    with pytest.raises(ValueError, match="is kept under the name"):
        files([Attachment(name="a.txt", content_type="text/plain", kept="0")])
    with pytest.raises(ValueError, match="bytes at most"):
        files(
            [Attachment(name="a.txt", content_type="text/plain", kept="0")], lambda _: b"x" * (SIZE_LIMIT + 1)
        )
    with pytest.raises(ValueError, match="20 attachments"):
        files(listed([usual] * 21))
    big = base64.b64encode(b"x" * (SIZE_LIMIT // 2 + 1)).decode()
    with pytest.raises(ValueError, match="bytes at most"):
        files(listed([{**usual, "content": big}] * 2))
