"""Bulk jobs: a list of recipients becomes messages that are wanted, each of them once, no faster than they are sent.

Comes in: `job.submitted` and the moves of operators (`orders`). Goes out: `message.requested`, which
`heliograph.outbound.messages` sends, and how the job fared. `runner` is the loop; `ledger` the file of a job's
recipients, which is what makes a crash neither skip nor repeat anybody.
"""
