"""What became of mail, counted: for each campaign, tracking code, job, automation and template (LIT-13, LIT-14).

Reports are sums over a cube. An event is one count in one cell: of what happened, to the mail of which origin (a
campaign's, a job's ...), in which quarter of an hour, with whatever else is known of it: the reader, the mail client,
how long it was read, the link. A verdict that comes later, or again, moves the count to another cell. So every figure
is exact whatever order events come in, and any two of them can be crossed. Quarters of an hour make up the hours and
days of every time zone there is: the zone is chosen when a report is read, not when it is written.

`cells` says which cell an event belongs to, `counting` is the fold, `figures` adds up, `asking` finds what is asked for.
"""
