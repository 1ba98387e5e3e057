"""Daily totals count plans, reasons, complaints and disputes, and promises that were part kept."""

from alembic import op

revision = "0089"
down_revision = "0071"

_MEASURES = (
    "'calls', 'right_party', 'texts', 'visits', 'promises_made', 'promises_kept', "
    "'promises_part_kept', 'promises_broken', 'plans_offered', 'plans_active', 'plans_kept', "
    "'plans_defaulted', 'reasons_learnt', 'complaints_opened', 'complaints_closed', "
    "'disputes_opened', 'disputes_closed', 'paid', 'reversed', 'open_work'"
)


def upgrade() -> None:
    name = "daily_total_measure_known"
    op.drop_constraint(op.f(name), "daily_total", type_="check")
    op.execute(
        f"ALTER TABLE daily_total ADD CONSTRAINT {name} CHECK (measure IN ({_MEASURES})) NOT VALID"
    )
    op.execute(f"ALTER TABLE daily_total VALIDATE CONSTRAINT {name}")
