"""The text part that is made from HTML."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.outbound.messages.templates.plaintext import from_html


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>Hello&nbsp;Jo\n &amp; co</p><p>Two</p>", "Hello Jo & co\n\nTwo\n"),
        ("a<br>b<hr>c", "a\nb\n\n----\n\nc\n"),
        (
            '<a href="https://x.example/?a=1&amp;b=2">Go <b>now</b></a>',
            "Go now (https://x.example/?a=1&b=2)\n",
        ),
        ('<a href="https://x.example/">https://x.example/</a>', "https://x.example/\n"),
        (
            '<a href="https://x.example/"><img src="a.png" alt="Our shop"></a>',
            "Our shop (https://x.example/)\n",
        ),
        ('<a href="https://x.example/"><img src="a.png"></a>', "https://x.example/\n"),
        ('<a href="mailto:joe@x.example">joe@x.example</a> <a href="#top">up</a>', "joe@x.example up\n"),
        ("<ul><li>one<li>two</ul>end", "* one\n\n* two\n\nend\n"),
        ("<table><tr><td>1</td><td>2</td></tr><tr><td>3</td></tr></table>", "1 2\n\n3\n"),
        ("<title>t</title><style>p{}</style><script>x</script><p>seen</p>", "seen\n"),
        ('<div style="DISPLAY : none">no</div><p hidden>no</p><i style="mso-hide:all">no</i>yes', "yes\n"),
        ('<div style="color:none;display:block">yes</div>', "yes\n"),
        ("<!-- no -->yes<!--[if mso]>no<![endif]-->", "yes\n"),
        ("\u200c&zwnj;&nbsp;\u200c&nbsp;Preheader", "Preheader\n"),
        ("", "\n"),
    ],
)
def test_html_reads_well_as_text(html: str, text: str) -> None:
    assert from_html(html) == text


def test_deep_nesting_costs_no_stack() -> None:
    assert from_html("<div>" * 5000 + "x") == "x\n"


@given(
    st.text()
    | st.lists(st.sampled_from(["<", "<a href=", "<p>", "</p>", "<table>", "<li>", "x", ">"])).map("".join)
)
def test_whatever_the_html_there_is_a_text(html: str) -> None:
    assert from_html(html).endswith("\n")
