"""What all tables share: the metadata, the names of constraints, a few column types."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    Dialect,
    ForeignKey,
    Identity,
    MetaData,
    Numeric,
    Text,
    TypeDecorator,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, UUID

from domain.reason_json import reasons_from_store, stored_reason
from domain.reasons import Reasons

metadata = MetaData(
    naming_convention={
        "pk": "%(table_name)s_pkey",
        "fk": "%(table_name)s_%(column_0_name)s_fkey",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
        "ix": "%(table_name)s_%(column_0_N_name)s_idx",
        "ck": "%(table_name)s_%(constraint_name)s",
    }
)


CHANGES_OFTEN = {"autovacuum_vacuum_scale_factor": "0.02"}
"""For tables whose rows change often. With the default of PostgreSQL, autovacuum waits until a
fifth of the rows, millions in a large table, are dead."""


def identity() -> Column[int]:
    return Column("id", BigInteger, Identity(always=True), primary_key=True)


def refers_to(target: str, *, nullable: bool = False, primary_key: bool = False) -> Column[int]:
    """A reference to another table's `id`, named after that table."""
    return Column(
        f"{target}_id",
        BigInteger,
        ForeignKey(f"{target}.id"),
        nullable=nullable,
        primary_key=primary_key,
    )


def moment(name: str, *, nullable: bool = False, **options: Any) -> Column[Any]:
    """A point in time, with its zone."""
    return Column(name, DateTime(timezone=True), nullable=nullable, **options)


def money(name: str, *, nullable: bool = False, **options: Any) -> Column[Any]:
    """An amount in the loan's currency. Four places: some currencies need three."""
    return Column(name, Numeric(18, 4), nullable=nullable, **options)


def words(name: str) -> Column[list[str]]:
    """A list of short words; empty rather than null."""
    return Column(name, ARRAY(Text), nullable=False, server_default="{}")


def typed(name: str) -> Column[Any]:
    """The id of a text that a person typed, in `free_text`. Null: there is none."""
    return Column(name, UUID(as_uuid=True))


class ReasonsColumn(TypeDecorator[Reasons]):
    """Reasons as a JSON list of codes with parameters; null if there are none."""

    impl = JSONB(none_as_null=True)
    cache_ok = True

    def process_bind_param(self, value: Reasons | None, dialect: Dialect) -> Any:
        return [stored_reason(reason) for reason in value] if value else None

    def process_result_value(self, value: Any, dialect: Dialect) -> Reasons:
        return reasons_from_store(value)


def reasons(name: str, *, nullable: bool = True) -> Column[Reasons]:
    """Why: reasons as codes with parameters."""
    return Column(name, ReasonsColumn, nullable=nullable)


def word(
    name: str, values: Iterable[str], *, nullable: bool = False, **options: Any
) -> Column[Any]:
    """A text of which a check allows only `values`, such as a status."""
    listed = ", ".join(f"'{value}'" for value in values)
    known = CheckConstraint(f"{name} IN ({listed})", name=f"{name}_known")
    return Column(name, Text, known, nullable=nullable, **options)
