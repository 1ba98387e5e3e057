"""Chain evidence: a background task links every new row; one transaction at a time."""

from sqlalchemy import text

from workers.context import Context

BATCH_SIZE = 2_000
"""Rows in one transaction."""

# The database makes the links, so the role of the workers need not write to the chain.
_LINK = text("SELECT link_evidence(:limit, :now)")


def chain_evidence(ctx: Context, *, limit: int = BATCH_SIZE) -> int:
    """Link the next rows of evidence, and add a head that covers all links so far.

    What cannot be linked is set aside, where `verify` finds it. Returns how many rows it took; 0 if
    another process is doing it. One statement.
    """
    with ctx.engine.begin() as connection:
        taken: int = connection.execute(_LINK, {"limit": limit, "now": ctx.now()}).scalar_one()
        return taken
