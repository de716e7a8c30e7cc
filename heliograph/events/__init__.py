"""The vocabulary: everything that can be said to have happened. Imports nothing of ours but base parts."""
