"""Templates that daily files need, as data; saved at the first start like those of feeds.

`report` has `day`, `number` (of files), `files` (each `name` and `reason`) and `at` (RFC 3339, UTC).
"""

from __future__ import annotations

FAILURE_TEMPLATE = "daily-report-failed"
"""The mail to an account's administrator when files of a day could not be put where they belong (LIT-15)."""

BUILTIN_TEMPLATES: dict[str, dict[str, str]] = {
    FAILURE_TEMPLATE: {
        "subject": "{{ report.number }} daily reports of {{ report.day }} were not delivered",
        "text": """\
These files of {{ report.day }} are not where they belong:

{% for file in report.files %}{{ file.name }}
  {{ file.reason }}
{% endfor %}
A file that exists is never overwritten: move it away and run `heliograph report daily --date {{ report.day }}`. What failed
otherwise is tried again every ten minutes.
""",
    },
}
"""Template name -> parts, as in `template.saved`."""
