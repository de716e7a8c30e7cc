"""Why it came back: SMTP replies and notices -> category and class. Pure; the rules are in data files."""
