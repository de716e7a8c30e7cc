"""Where in the journal an instant is: places grow with time, as far as nobody sets the machine's clock back.

Asked by exports of a span of time and by the calls that tell of a day.
"""

from __future__ import annotations

from heliograph.clock import SECOND
from heliograph.journal.journal import JournalView

SKEW = 3600 * SECOND
"""By how much `recorded` may go back from one event to the next: somebody set the machine's clock."""


async def before(journal: JournalView, recorded: int, head: int) -> int:
    """The last place up to which everything was recorded before this instant (microseconds), `head` at most."""
    low, high = 0, head
    while low < high:
        middle = (low + high) // 2
        found = await journal.read(middle, limit=1)
        if found and found[0].recorded < recorded:
            low = found[0].seq
        else:
            high = middle
    return low
