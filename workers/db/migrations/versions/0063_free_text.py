"""What people typed, encrypted in a table of its own; rows of evidence refer to it."""

import sqlalchemy as sa
from alembic import op

revision = "0063"
down_revision = "0062"

_REFERRING = {
    "access": ("purpose_id",),
    "adjustment": ("why_id",),
    "break_glass": ("why_id",),
    "erasure": ("why_id", "law_id"),
    "hold": ("why_id",),
    "loan": ("written_off_why_id",),
    "past_write_off": ("written_off_why_id", "taken_back_why_id"),
    "problem": ("why_id",),
    "recovery_step": ("why_id",),
    "replaced_schedule": ("why_id",),
    "same_person_change": ("why_id",),
    "second_person_request": ("why_id",),
}


def upgrade() -> None:
    op.create_table(
        "free_text",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("loan_id", sa.BigInteger(), nullable=True),
        sa.Column("borrower_id", sa.BigInteger(), nullable=True),
        sa.Column("words_encrypted", sa.LargeBinary(), nullable=False),
        sa.Column("written_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["loan_id"], ["loan.id"], name=op.f("free_text_loan_id_fkey")),
        sa.ForeignKeyConstraint(
            ["borrower_id"], ["borrower.id"], name=op.f("free_text_borrower_id_fkey")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("free_text_pkey")),
    )
    for name, column in (
        ("loan", "loan_id"),
        ("borrower", "borrower_id"),
        ("expires", "expires_at"),
    ):
        op.create_index(
            f"free_text_{name}_idx",
            "free_text",
            [column],
            postgresql_where=sa.text(f"{column} IS NOT NULL"),
        )
    for table, columns in _REFERRING.items():
        for column in columns:
            op.add_column(table, sa.Column(column, sa.UUID(), nullable=True))
