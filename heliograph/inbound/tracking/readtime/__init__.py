"""For how long an open lasted: each load of a pixel is answered so that its end is seen, and told of once.

Come in: requests of pixels that were recognised, ours (`tracking.doors`) and those of tracking codes. Go out: the
`message.opened`, its answer, and one `message.read` when the time is final (LIT-7, LIT-9). For a pixel's door:

    return await read_times.opened(request, account, subject, MessageOpened(...))

records the open and gives what the door answers with: a picture at once where a cache or a program fetched it or the
account does not measure, else what the account's technique makes of it. `read_times.routes` is what techniques need.
"""

from __future__ import annotations

from heliograph.inbound.tracking.readtime.measuring import ReadTimes, open_read_times

__all__ = ["ReadTimes", "open_read_times"]
