"""Countdown timers: GIFs put together from ready parts instead of being encoded, and their stills and notices.

`style` says what a timer may look like, `timer` is the way in, `deadline` reads and writes the `exp` of its URL.
"""
