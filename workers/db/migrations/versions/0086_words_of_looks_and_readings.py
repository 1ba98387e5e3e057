"""A look at what a loan owes is on record; a text may be read as one that asks for a plan."""

from alembic import op

revision = "0086"
down_revision = "0085"

_OPENED = "'letter', 'number', 'name', 'address', 'reply', 'amounts', 'everything'"

_MEANINGS = (
    "'cease', 'wrong_number', 'stop', 'no_calls', 'start', 'dispute', 'wishes', 'no_consent', "
    "'asks_plan', 'harmless'"
)


def upgrade() -> None:
    for table, column, words in (("access", "what", _OPENED), ("reply", "meaning", _MEANINGS)):
        name = f"{table}_{column}_known"
        op.drop_constraint(op.f(name), table, type_="check")
        check = f"CONSTRAINT {name} CHECK ({column} IN ({words}))"
        op.execute(f"ALTER TABLE {table} ADD {check} NOT VALID")
        op.execute(f"ALTER TABLE {table} VALIDATE CONSTRAINT {name}")
