"""A day's opens of each campaign as a file, for who fetches files (LIT-15).

`opens` finds them in the journal and says of each what is known by now, `rows` puts it in the columns of Litmus' export,
`files` makes the ZIPs, `targets` are the places they go to, `days` which days are due and what became of them.
"""
