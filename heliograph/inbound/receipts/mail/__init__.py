"""Mail that comes back: received or fetched, kept as evidence, read, and told as events.

`receiver`, `maildir` and `imap` bring it in; `parts`, `reports`, `words` and `notice` read it, purely; `whose` finds the
message that it is about; `intake` puts evidence and events on disk before anybody is told that it was accepted.
"""
