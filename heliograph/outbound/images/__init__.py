"""Pictures drawn when they are looked at: the Personalize API, its kinds, and the doors that mails lead to."""
