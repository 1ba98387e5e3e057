"""Alembic's way in: takes the address from its caller, runs each version in a transaction."""

from alembic import context
from sqlalchemy import create_engine

from workers.db.evidence_triggers import install_evidence_triggers
from workers.db.schema import metadata

engine = create_engine(context.config.attributes["url"])
with engine.connect() as connection:
    context.configure(connection=connection, target_metadata=metadata, compare_type=True)
    with context.begin_transaction():
        # Two migrations at once (two containers starting) take turns.
        connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7277327)")
        context.run_migrations()
        if context.get_context().get_current_revision() == context.get_head_revision():
            install_evidence_triggers(connection)
engine.dispose()
