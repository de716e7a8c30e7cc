"""Templates that the engine itself needs, as data. The composition root saves them at the first start;
from then on they are the operator's to change, like any other.

`confirm_url` leads to our confirmation page.
"""

from __future__ import annotations

CONFIRM_SUBSCRIPTION = "confirm-subscription"
"""The template of the mail that asks for confirmation (double opt-in)."""

TEXT_ANSWER = "text-answer"
"""The template of what is answered to STOP, START and HELP; the account's policy has the words (`sms_help_answer` ...)."""

BUILTIN_TEMPLATES: dict[str, dict[str, str]] = {
    TEXT_ANSWER: {"sms": "{{ answer }}"},
    CONFIRM_SUBSCRIPTION: {
        "subject": "Please confirm your subscription",
        "preheader": "One click and you are on the list.",
        "html": """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Please confirm your subscription</title>
</head>
<body style="margin:0;padding:24px;font-family:Arial,Helvetica,sans-serif;font-size:16px;line-height:1.5;color:#1a1a1a">
<h1 style="font-size:22px;line-height:1.3">Please confirm your subscription</h1>
<p>Hello{% if person.first_name %} {{ person.first_name }}{% endif %},</p>
<p>somebody, hopefully you, asked us to send newsletters to this address. Is that right?</p>
<p><a href="{{ confirm_url }}" style="display:inline-block;padding:12px 20px;background:#1a1a1a;color:#ffffff;text-decoration:none;border-radius:4px">Yes, subscribe me</a></p>
<p>If it was not you, do nothing: without your confirmation we send no newsletters.</p>
</body>
</html>
""",
        "text": """\
Hello{% if person.first_name %} {{ person.first_name }}{% endif %},

somebody, hopefully you, asked us to send newsletters to this address. If that is right, confirm it here:

{{ confirm_url }}

If it was not you, do nothing: without your confirmation we send no newsletters.
""",
    },
}
"""Template name -> parts, as in `template.saved`."""
