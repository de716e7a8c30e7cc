"""Whether the pictures of a template can be fetched: what `lint` cannot see without the network.

Through `egress`, so an author cannot look into the operator's own network by it; few at once, each only as far as its
first bytes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from heliograph.egress import Answer, Egress
from heliograph.outbound.messages.authoring.lint import Finding, pictures

MOST_PICTURES = 50
"""Pictures of one template that are asked for; the rest are not looked at."""
AT_ONCE = 8
SECONDS = 5.0
FIRST_BYTES = 1024


async def unreachable(parts: Mapping[str, str], egress: Egress) -> list[Finding]:
    """A finding for each picture that does not come, or that is none."""
    found = [one for one in pictures(parts) if one[0].lower().startswith(("http:", "https:"))]
    urls = list(dict.fromkeys(url for url, *_ in found))[:MOST_PICTURES]
    room = asyncio.Semaphore(AT_ONCE)

    async def look(url: str) -> str | None:
        async with room:
            return _fault(await egress.get(url, {"accept": "image/*"}, SECONDS, cap=FIRST_BYTES))

    faults = dict(zip(urls, await asyncio.gather(*map(look, urls)), strict=True))
    return [
        Finding(
            level="warning",
            code="broken_image",
            part=part,
            message=f"{url[:200]}: {fault}",
            line=line,
            column=column,
        )
        for url, part, line, column in found
        if (fault := faults.get(url))
    ]


def _fault(answer: object) -> str | None:
    if not isinstance(answer, Answer):
        return f"it cannot be fetched: {getattr(answer, 'reason', answer)}"
    if answer.status in (301, 302, 303, 307, 308):
        return None  # programs follow it
    if answer.status != 200:
        return f"the answer is {answer.status}"
    kind = answer.headers.get("content-type", "").partition(";")[0].strip()
    return None if kind.startswith("image/") or not kind else f"it is no picture but {kind}"
