"""The score sheets, and what their items check."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from domain.compliance.conduct import Conduct
from domain.errors import ArrearsError, NotKnownError
from domain.permissions import Permission
from domain.quality import ScoreSheet, SheetItem, sheet_on
from workers.access.permitted import permitted
from workers.context import Context


@dataclass(frozen=True, slots=True)
class SheetLine:
    """An item of a score sheet, with the rules that it checks and where they stand."""

    item: str
    critical: bool
    weight: int | None
    """None: it is critical."""
    text: str
    """In the reader's language."""
    rules: Sequence[str]
    citations: Sequence[str]


@dataclass(frozen=True, slots=True)
class SheetToFill:
    """A score sheet that is in force, as whoever judges a call needs it."""

    sheet: str
    version: int
    jurisdictions: Sequence[str]
    pass_at: int
    """The least score, in percent, of a call that passes."""
    items: Sequence[SheetLine]


@permitted(Permission.REVIEW_CALLS)
def sheets_to_fill(ctx: Context, language: str = "en") -> list[SheetToFill]:
    """The score sheets in force today, by their ids; their items in `en` or `zh`."""
    today = ctx.today()
    in_force = (
        sheet_on(ctx.policy.score_sheets, id, today)
        for id in sorted({sheet.id for sheet in ctx.policy.score_sheets})
    )
    return [
        SheetToFill(
            sheet.id,
            sheet.version,
            sheet.jurisdictions,
            sheet.pass_at,
            lines(ctx, sheet.items, language),
        )
        for sheet in in_force
        if sheet is not None
    ]


def lines(ctx: Context, items: Sequence[SheetItem], language: str) -> list[SheetLine]:
    """Items of a sheet in `en` or `zh`, each with the citations of its rules."""
    cited = {
        rule.id: rule.source.citation
        for pack in ctx.policy.rule_packs
        for rule in pack.rules
        if isinstance(rule, Conduct)
    }
    return [
        SheetLine(
            item.id,
            item.critical,
            item.weight,
            item.text_zh if language == "zh" else item.text,
            item.rules,
            [cited[rule] for rule in item.rules],
        )
        for item in items
    ]


def sheet_in_force(ctx: Context, sheet_id: str, on: date) -> ScoreSheet:
    """The version of a sheet that counts on a business date.

    Raises:
        NotKnownError: there is no such sheet.
        ArrearsError: no version of it counts on that date.
    """
    if sheet := sheet_on(ctx.policy.score_sheets, sheet_id, on):
        return sheet
    sheets = ctx.policy.score_sheets
    if begins := [sheet.effective_from for sheet in sheets if sheet.id == sheet_id]:
        raise ArrearsError(
            "No version of the score sheet {sheet} is in force on {day}: the first one takes "
            "effect on {first}. Name a later day, or write a version that takes effect sooner.",
            sheet=sheet_id,
            day=on,
            first=min(begins),
        )
    raise NotKnownError(
        "There is no score sheet {sheet}. There are: {known}.",
        sheet=sheet_id,
        known=", ".join(sorted({sheet.id for sheet in sheets})) or "-",
    )
