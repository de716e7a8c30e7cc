"""What Alembic runs for every command: the connection that `heliograph.migrations` hands over, nothing else."""

from __future__ import annotations

from alembic import context

context.configure(connection=context.config.attributes["connection"])
with context.begin_transaction():
    context.run_migrations()
