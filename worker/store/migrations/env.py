"""
Runs the revisions over the connection, and in the transaction, that `worker.store.migrate` began.
"""

from alembic import context

from worker.store.tables import payouts

context.configure(
    connection=context.config.attributes["connection"], target_metadata=payouts.metadata
)
context.run_migrations()
