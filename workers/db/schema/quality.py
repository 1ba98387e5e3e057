"""The quality of calls: which were drawn to be heard again, and how each was judged."""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Date,
    Index,
    Integer,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import JSONB

from workers.db.schema.base import identity, metadata, moment, refers_to, words

# One row for each sample that was drawn: of a period, a team and a version of a sheet there is one.
quality_sample = Table(
    "quality_sample",
    metadata,
    identity(),
    Column("first_day", Date, nullable=False),
    Column("last_day", Date, nullable=False),
    Column("team", Text),  # null: of all collectors
    Column("sheet", Text, nullable=False),
    Column("sheet_version", Integer, nullable=False),
    Column("seed", Text, nullable=False),  # what decided which calls were drawn
    Column("calls", Integer, nullable=False),  # from which it was drawn: those with a recording
    Column("without_recording", Integer, nullable=False),  # which could not be drawn
    moment("drawn_at"),
    Column("drawn_by", Text, nullable=False),
    CheckConstraint("first_day <= last_day", name="period_in_order"),
    UniqueConstraint(
        *("first_day", "last_day", "team", "sheet", "sheet_version"),
        name="quality_sample_once",
        postgresql_nulls_not_distinct=True,
    ),
)

# The calls of a sample, each with why it was drawn.
quality_pick = Table(
    "quality_pick",
    metadata,
    refers_to("quality_sample", primary_key=True),
    refers_to("contact", primary_key=True),
    words("because"),
    Index(None, "contact_id"),
)

# Append only: how somebody judged a call. Two may judge one call, so that they can compare.
quality_review = Table(
    "quality_review",
    metadata,
    identity(),
    refers_to("contact"),
    Column("sheet", Text, nullable=False),
    Column("sheet_version", Integer, nullable=False),
    Column("reviewer", Text, nullable=False),
    moment("reviewed_at"),
    Column("marks", JSONB, nullable=False),  # of each item of the sheet
    Column("score", SmallInteger),  # percent; null: nothing with a weight applied
    words("failed"),  # the items that were failed …
    words("rules"),  # … and the conduct rules that these check
    Column("failed_critical", Boolean, nullable=False),
    Column("passed", Boolean, nullable=False),
    CheckConstraint("score BETWEEN 0 AND 100", name="score_in_percent"),
    CheckConstraint("NOT (failed_critical AND passed)", name="critical_fails_the_call"),
    UniqueConstraint("contact_id", "reviewer", name="quality_review_once_each"),
    Index(None, "reviewed_at"),
)
