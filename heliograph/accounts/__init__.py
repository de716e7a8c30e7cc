"""Who uses us: accounts, their keys and secrets, their settings; and the in-memory directory of all that."""
