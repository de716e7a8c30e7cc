"""Events whose days are over go from the journal into the archive (STD-7)."""
