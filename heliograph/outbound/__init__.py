"""Out: events that become messages, pictures and feeds."""
