"""The only door in: the entry that every request passes, and what slices see of a request."""
