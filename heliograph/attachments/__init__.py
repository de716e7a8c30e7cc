"""Files that go with mails: what they may be (`rules`), and those that go with many mails, kept once (`kept`)."""
