"""A machine of the lender's may be the source of a fact."""

from alembic import op

revision = "0061"
down_revision = "0060"

_COLUMNS = (
    ("contact_point_fact", "source_kind"),
    ("person_fact", "source_kind"),
    ("loan_party_change", "source_kind"),
    ("representative_wish", "source_kind"),
    ("erasure", "actor_kind"),
)
_KINDS = "'staff', 'machine', 'system', 'provider', 'borrower'"


def upgrade() -> None:
    for table, column in _COLUMNS:
        name = f"{table}_{column}_known"
        op.drop_constraint(op.f(name), table, type_="check")
        # Added first, and checked with a lock that lets others read and write.
        op.execute(
            f"ALTER TABLE {table} ADD CONSTRAINT {name} CHECK ({column} IN ({_KINDS})) NOT VALID"
        )
        op.execute(f"ALTER TABLE {table} VALIDATE CONSTRAINT {name}")
