"""Moving in and out: people, suppressions and orders from another system's files, and everything into files again."""
