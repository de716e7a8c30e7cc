"""The Personalize API: who may call, what can be called, and how it is answered. `routes` is the way in."""
