"""The contacts API: people by sign-up forms and imports, and customers asked for (RM-18, RM-24)."""
