"""A person may call an address inconvenient, as they may a number."""

from alembic import op

revision = "0020"
down_revision = "0019"

TABLE = "person_fact"
CHECKS = {
    "place_known": "place IN ('home', 'work', 'number', 'address')",
    "number_if_needed": (
        "(contact_point_id IS NOT NULL) = (coalesce(place, '') IN ('number', 'address'))"
    ),
}


def upgrade() -> None:
    for name, condition in CHECKS.items():
        op.drop_constraint(op.f(f"person_fact_{name}"), TABLE)
        op.create_check_constraint(op.f(f"person_fact_{name}"), TABLE, condition)
