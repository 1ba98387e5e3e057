"""Reads the mappings of loan tapes: which column of a lender's file has which value of a loan.

A mapping is data, so a lender's file is imported as it is. Every error in a mapping names the file,
the line and what to write instead.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path

from phonenumbers import SUPPORTED_REGIONS
from yaml import ScalarNode, SequenceNode

from config.readers.formats import LOCALE, is_currency
from config.readers.lender_statuses import read_lender_statuses
from config.readers.regions import REGIONS_DIRECTORY, Region, load_regions
from config.readers.tape_formats import OWN_FORMATS, read_formats
from config.readers.tape_mapping import (
    MAY_BE_JOINED,
    PARTY_SLOTS,
    PHONES,
    Absent,
    Field,
    PaidBy,
    ScheduleKind,
    TapeMapping,
)
from config.readers.yaml_files import read_yaml
from config.readers.yaml_reader import PolicyError, Section, Value

MAPPINGS_DIRECTORY = Path(__file__).parents[1] / "mappings"

_KEYS = (
    "mapping columns optional_columns constants formats schedule paid phone_region made_contacts "
    "regions lender_statuses disagreements absent absent_at_most"
)
ABSENT_AT_MOST = Decimal("0.1")
"""Of the loans: a file that lacks more of them was usually cut."""
_ALWAYS = (Field.EXTERNAL_ID, Field.JURISDICTION, Field.PRODUCT, Field.CURRENCY, Field.LOCALE)
_MAY_BE_CONSTANT = (*_ALWAYS[1:], Field.ZONES)
_MAY_BE_ABSENT = (
    *(Field.PHONE_2, Field.PHONE_3, Field.ORIGINAL_PRINCIPAL, Field.DISBURSED_ON),
    *(Field.RESTRUCTURED_ON, Field.ANNUAL_RATE_PERCENT),
    *(of for of in Field if of.startswith(tuple(PARTY_SLOTS))),
)
_CONTACTS = (Field.NAME, Field.PHONE, Field.ADDRESS)
_OF_SCHEDULE = {
    ScheduleKind.LEVEL_PAYMENT: (
        *(Field.PRINCIPAL, Field.ANNUAL_RATE_PERCENT, Field.TERM_MONTHS),
        *(Field.INSTALMENT, Field.ISSUE_MONTH),
    ),
    ScheduleKind.LUMP_SUM: (Field.PRINCIPAL, Field.INTEREST, Field.DUE_ON),
    ScheduleKind.EXPLICIT: (Field.INSTALMENTS,),
}
_OF_PAID = {
    PaidBy.TOTAL: (Field.PAID_TOTAL,),
    PaidBy.PRINCIPAL: (Field.PAID_PRINCIPAL, Field.PAID_INTEREST),
    PaidBy.COMPONENT: (Field.PAID_PRINCIPAL, Field.PAID_INTEREST),
    PaidBy.INSTALMENT: (),
}


def load_mapping(name: str, directory: Path = MAPPINGS_DIRECTORY) -> TapeMapping:
    """The shipped mapping of this name or, if the name ends in `.yaml`, the mapping in that file.

    Raises:
        PolicyError: there is no such mapping, or something in it is wrong.
    """
    if name.endswith(".yaml"):
        return read_mapping(Path(name))
    known = sorted(path.stem for path in directory.glob("*.yaml"))
    if name not in known:
        raise PolicyError(
            "There is no mapping {name}. Write one of: {known}, or the path of a mapping of your "
            "own.",
            name=name,
            known=", ".join(known),
        )
    return read_mapping(directory / f"{name}.yaml")


def read_mapping(path: Path) -> TapeMapping:
    """The mapping in one file.

    Raises:
        PolicyError: the file cannot be read, or something in it is wrong.
    """
    document = read_yaml(path)
    top = document.section(_KEYS)
    schedule = top.need("schedule").section("kind seen_on")
    paid = top.need("paid").section("by tolerance")
    kind = schedule.need("kind").word(ScheduleKind)
    paid_by = paid.need("by").word(PaidBy)
    statuses = top.pairs.get("lender_statuses")
    constants = top.maybe("constants", _constants) or {}
    columns, optional = _columns(top)
    _refuse_missing(top, {*columns, *constants}, (*_OF_SCHEDULE[kind], *_OF_PAID[paid_by]))
    joined = {of: names for of, names in columns.items() if len(names) > 1}
    mapping = TapeMapping(
        id=top.need("mapping").identifier(),
        columns={of: " + ".join(names) for of, names in columns.items()},
        joined=joined,
        optional=optional,
        constants={of: _constant(of, value) for of, value in constants.items()},
        constants_from={of: f"{value.file} line {value.line}" for of, value in constants.items()},
        schedule=kind,
        paid_by=paid_by,
        tolerance=_tolerance(paid.need("tolerance")),
        phone_region=top.need("phone_region").known(SUPPORTED_REGIONS, "country"),
        formats=top.maybe("formats", read_formats) or OWN_FORMATS,
        seen_on=schedule.maybe("seen_on", Value.day),
        absent=top.maybe("absent", lambda value: value.word(Absent)) or Absent.KEEP,
        absent_at_most=_share(top.pairs.get("absent_at_most")),
        made_contacts=bool(top.maybe("made_contacts", _made_contacts)),
        regions=top.maybe("regions", _regions) or {},
        statuses=(
            read_lender_statuses(statuses, top.pairs.get("disagreements")) if statuses else None
        ),
    )
    _refuse_what_does_not_fit(document, mapping)
    return mapping


def _columns(top: Section) -> tuple[dict[Field, tuple[str, ...]], frozenset[Field]]:
    """All columns, and which of them a tape may lack."""
    columns: dict[Field, tuple[str, ...]] = {}
    seen = set[str]()
    given = top.need("columns")
    always = {} if _is_empty(given) else given.section(" ".join(Field)).pairs
    optional: Mapping[str, Value] = {}
    if "optional_columns" in top.pairs:
        optional = top.pairs["optional_columns"].section(" ".join(_MAY_BE_ABSENT)).pairs
    for name, column in (*always.items(), *optional.items()):
        if Field(name) in columns:
            raise column.refuse(
                "{name} stands under columns and under optional_columns.",
                "Keep one of them.",
                name=name,
            )
        for part in _parts(Field(name), column):
            if part.text() in seen:
                raise part.refuse(
                    "The column {shown} feeds two fields.",
                    "Let one column feed one field.",
                    shown=part.shown,
                )
            seen.add(part.text())
            columns[Field(name)] = (*columns.get(Field(name), ()), part.text())
    return columns, frozenset(map(Field, optional))


def _is_empty(value: Value) -> bool:
    """Whether nothing but comments stands there, as in a proposal in which nothing was written."""
    return isinstance(value.node, ScalarNode) and not value.node.value


def _parts(of: Field, column: Value) -> tuple[Value, ...]:
    """The one column, or the several ones that are joined."""
    if not isinstance(column.node, SequenceNode):
        return (column,)
    if of not in MAY_BE_JOINED:
        raise column.refuse(
            "Several columns are listed for {name}. Only a name and an address can be put together "
            "from several.",
            "Write one column.",
            name=of,
        )
    return column.values()


def _constants(value: Value) -> dict[Field, Value]:
    if _is_empty(value):
        return {}
    pairs = value.section(" ".join(_MAY_BE_CONSTANT)).pairs
    return {Field(name): constant for name, constant in pairs.items()}


def _constant(of: Field, value: Value) -> str:
    text = value.text()
    if of is Field.JURISDICTION:
        return value.jurisdiction()
    if of is Field.ZONES:
        return value.zone()
    if of is Field.PRODUCT:
        return value.identifier()
    if of is Field.CURRENCY and not is_currency(text):
        raise value.refuse(
            "The currency {shown} is not known.", "Write one such as CNY or USD.", shown=value.shown
        )
    if of is Field.LOCALE and not LOCALE.fullmatch(text):
        raise value.refuse(
            "The locale is {shown}.", "Write one such as zh-Hans or en.", shown=value.shown
        )
    return text


def _tolerance(value: Value) -> Decimal:
    tolerance = value.amount()
    if tolerance > Decimal("0.5"):
        raise value.refuse(
            "`tolerance` is {shown}, more than half an instalment.",
            "Write a part of one instalment from 0 to 0.5, such as 0.02.",
            shown=value.shown,
        )
    return tolerance


def _regions(value: Value) -> Mapping[str, Region]:
    known = {path.stem for path in REGIONS_DIRECTORY.glob("*.yaml")}
    return load_regions(value.known(known, "file of regions"))


def _share(value: Value | None) -> Decimal:
    if value is None:
        return ABSENT_AT_MOST
    share = value.amount()
    if share > 1:
        raise value.refuse(
            "`absent_at_most` is {share}, more than all loans.",
            "Write a part of the loans from 0 to 1, such as 0.1.",
            share=share,
        )
    return share


def _made_contacts(value: Value) -> str:
    return value.known({"fiction"}, "way to make contacts called")


def _refuse_missing(top: Section, given: set[Field], of_kind: Sequence[Field]) -> None:
    """Refuse a mapping that does not say all that a loan needs, with everything that it lacks."""
    needed = [*_ALWAYS, *of_kind, *(() if "made_contacts" in top.pairs else _CONTACTS)]
    refusals = [
        top.value.refuse(
            "Nothing says the {missing} of a loan.",
            "Write {missing}: under columns or constants."
            if missing in _MAY_BE_CONSTANT
            else "Write {missing}: under columns.",
            missing=missing,
        )
        for missing in needed
        if missing not in given
    ]
    if Field.ZONES not in given and not ("regions" in top.pairs and Field.REGION in given):
        refusals.append(
            top.value.refuse(
                "Nothing says in which time zone a borrower lives.",
                "Write regions: and a region: column, or zones: under columns or constants.",
            )
        )
    if "phone_region" not in top.pairs:
        refusals.append(top.missing("phone_region"))
    if refusals:
        raise PolicyError(*(text for refusal in refusals for text in refusal.texts))


def _refuse_what_does_not_fit(document: Value, mapping: TapeMapping) -> None:
    """Each key by itself is right. Check that all of them together describe a loan."""
    given = {*mapping.columns, *mapping.constants}
    for name in mapping.constants:
        if name in mapping.columns:
            raise document.refuse(
                "Both a column and a constant say the {name}.",
                "Keep the one that is right.",
                name=name,
            )
    if problem := _misfit(document, mapping, given):
        raise problem


def _misfit(document: Value, mapping: TapeMapping, given: set[Field]) -> PolicyError | None:
    if Field.PHONE_3 in given and Field.PHONE_2 not in given:
        return document.refuse(
            "There is a third telephone number and no second.", "Write phone_2: instead."
        )
    if mapping.made_contacts and given & {*_CONTACTS, *PHONES}:
        return document.refuse(
            "Contacts are both made up and read from columns.",
            "Take out made_contacts:, or the name:, phone: and address: columns.",
        )
    level = mapping.schedule is ScheduleKind.LEVEL_PAYMENT
    if level and (Field.DUE_DAY in given) == (mapping.seen_on is not None):
        return document.refuse(
            "The due day must come from one place.",
            "Write either a due_day: column, or seen_on: under schedule to have it drawn.",
        )
    if (nameless := mapping.nameless_party()) is not None:
        slot = next(slot for slot in PARTY_SLOTS if nameless.startswith(slot))
        return document.refuse(
            "There is a column {nameless}, and none for the name of that party.",
            "Write {slot}_name: under columns, or take the column out.",
            nameless=nameless,
            slot=slot,
        )
    if mapping.schedule is ScheduleKind.EXPLICIT and (mark := _splits_instalments(mapping)):
        return document.refuse(
            "{mark!r} stands between the parts of an instalment, and in its amounts or dates too.",
            "Export instalments whose amounts and dates have neither a space nor a ; in them.",
            mark=mark,
        )
    if mapping.paid_by is PaidBy.PRINCIPAL and not level:
        return document.refuse(
            "Only level payments can be counted by the principal paid.",
            "Write by: total under paid.",
        )
    if mapping.paid_by is PaidBy.INSTALMENT and mapping.schedule is not ScheduleKind.EXPLICIT:
        return document.refuse(
            "Only a list of instalments says what is paid of each.",
            "Write kind: explicit under schedule, or by: total or by: component under paid.",
        )
    if (mapping.statuses is not None) != (Field.LENDER_STATUS in given):
        return document.refuse(
            "A lender_status: column and lender_statuses: belong together.",
            "Write both, or take out the one.",
        )
    return None


def _splits_instalments(mapping: TapeMapping) -> str | None:
    written = (mapping.formats.thousands_mark, *mapping.formats.dates)
    return next((mark for mark in (" ", ";") if any(mark in text for text in written)), None)
