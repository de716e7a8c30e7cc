"""What folds remember, and the questions it answers: people, consent, commerce, messages, definitions."""
