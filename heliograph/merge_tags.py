"""Merge tags that nobody filled in: the placeholder itself arrives where a value was meant to be.

A sender's system replaces `{{ name }}` or `*|NAME|*` before it sends; when it does not (a test send, a wrong
name, a preview), the placeholder comes back to us in a URL, as it was written (wire-facts 2.1: `d=[UNIQUE]` really
arrives). Whoever reads values out of mail asks here before believing one.
"""

from __future__ import annotations

import re

PLACEHOLDERS = frozenset({"merge_your_value", "replace_with_your_merge_tag"})
"""What our own snippets say where a merge tag belongs (S2:L376, L680)."""

_OPENINGS = "{*%[$#<~@"
_NAME = r"[^\W\d][\w .:|'\"()&,=-]*"  # begins with a letter: `[5]` and `%20%` are values
_TAG = re.compile(
    rf"""
      \{{\{{.*\}}\}}            # {{{{ name }}}}      Liquid, Handlebars: Braze, Klaviyo, HubSpot, SendGrid
    | \{{%.*%\}}                # {{% if %}}
    | \{{[!$]?{_NAME}\}}        # {{name}}, {{!Contact.Name}}   Salesforce; {{$name}}  MailerLite
    | \*\|.*\|\*                # *|NAME|*          Mailchimp
    | %%.*%%                    # %%name%%          Marketing Cloud
    | %{_NAME}%                 # %NAME%            ActiveCampaign, Mailgun
    | \[\[?%?\s*{_NAME}%?\]\]?  # [NAME], [[name]]  Campaign Monitor, Dotdigital; the document's own [UNIQUE]
    | [$\#]\{{.*\}}             # ${{name}}         Responsys, Adobe
    | \$\(.*\)                  # $(name)
    | \#\#.*\#\#                # ##name##
    | \$[^\W\d][\w.]*\$         # $NAME$            Constant Contact of old, Emarsys
    | ~~.*~~                  # ~~eloqua..NAME~~  Eloqua
    | @[^\W\d]\w*@             # @NAME@            Dotdigital
    | <%.*%>                    # <%= name %>       Adobe Campaign
    | <<.*>>                    # <<name>>
    """,
    re.VERBOSE | re.DOTALL,
)


def unfilled(value: str) -> bool:
    """Whether this whole value is a merge tag that was sent as it stands."""
    bare = value.strip()
    if bare[:1] in _OPENINGS:
        return _TAG.fullmatch(bare) is not None
    return bare.casefold() in PLACEHOLDERS
