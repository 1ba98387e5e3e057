"""What a request for a second person does: kept as texts with values, and said when it is read."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, TypeAlias, cast

from domain.errors import Text, text_of
from domain.filling import moment_shown
from domain.language.speak import speak
from domain.reason_json import reasons_as_json, reasons_from_json
from domain.reasons import Reason, Reasons

FACTS = {
    text.text: text
    for text in (
        *(text_of("loan"), text_of("borrower"), text_of("event"), text_of("item")),
        *(text_of("promise"), text_of("parts"), text_of("kind"), text_of("first day")),
        *(text_of("as the role"), text_of("action"), text_of("machine"), text_of("scopes")),
        *(text_of("calls a minute"), text_of("until"), text_of("before"), text_of("fingerprint")),
        *(text_of("of the machine"), text_of("of the member of staff"), text_of("valid for days")),
        *(text_of("hold"), text_of("of"), text_of("stopped at"), text_of("because")),
        *(text_of("first key"), text_of("other keys"), text_of("recovery"), text_of("step")),
        *(text_of("a backup was restored"), text_of("since"), text_of("sending holds")),
        *(
            text_of("must be kept until"),
            text_of("by the rules"),
            text_of("of no rule is the loan"),
        ),
        *(text_of("a law or a court asks for it sooner"), text_of("people"), text_of("roles")),
        *(text_of("shifts from"), text_of("days of shifts"), text_of("nothing changes of")),
        *(text_of("languages"), text_of("regions"), text_of("daily_capacity")),
        *(text_of("trained_on"), text_of("left_on"), text_of("stands_in_for")),
        text_of("staff"),
        *(text_of("skills"), text_of("minutes_a_day"), text_of("team"), text_of("breaks")),
        *(text_of("leave"), text_of("certificates"), text_of("must_not_handle")),
        *(text_of("stands_in_until"), text_of("shifts"), text_of("written off on")),
        *(text_of("taken back on"), text_of("sum that is written off"), text_of("actor")),
        *(text_of("arrangement"), text_of("terms"), text_of("instalments"), text_of("last day")),
        *(text_of("to pay before"), text_of("to pay after"), text_of("cost in percent a year")),
        text_of("digest of the quote"),
        *(text_of("why"), text_of("purpose"), text_of("law"), text_of("nothing was restored")),
    )
}
"""What facts, and words that somebody types, are called. What is not here, such as somebody's
reference, is said as it is."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """Reasons as a value of a text."""

    reasons: Reasons

    def __str__(self) -> str:
        return speak(self.reasons)


def roles_said(roles: str) -> Text:
    """Roles as a value: in another language each has its word beside it."""
    return Text("{who_may}", {"who_may": roles})


Fact: TypeAlias = object
"""None, a boolean, a number, a moment, a text of either kind, reasons, or a list of these."""


def lines_of(what: Text | Reasons, facts: Mapping[str, Fact]) -> tuple[Text, ...]:
    """What will be done, and below it each fact."""
    first = what if isinstance(what, Text) else Text("{what}", {"what": Spoken(what)})
    return (first, *(_line(name, _said(value)) for name, value in facts.items()))


def lines_of_words(typed: str) -> Iterator[Text]:
    """What somebody typed, each below its name."""
    for line in typed.splitlines():
        name, colon, words = line.partition(": ")
        yield _line(name, words) if colon and name in FACTS else Text("{words}", {"words": line})


def in_english(lines: Iterable[Text]) -> str:
    """The lines as a person reads them in English."""
    return "\n".join(map(str, lines))


def stored_lines(lines: Iterable[Text]) -> list[Any]:
    """The lines as JSON."""
    return list(map(_stored, lines))


def lines_from_store(stored: Sequence[Any] | None) -> tuple[Text, ...]:
    """Lines as `stored_lines` wrote them; none for None."""
    return tuple(_restored(each) for each in stored or ())


def _line(name: str, value: object) -> Text:
    """Of a name such as `s-1, roles` each part is said by itself."""
    parts = [FACTS.get(part, part) for part in name.split(", ")]
    return text_of("{name}: {value}", name=_listed(parts), value=value)


def _listed(values: Sequence[object]) -> object:
    if not values:
        return text_of("none")
    if len(values) == 1:
        return values[0]
    return text_of("{first}, {others}", first=values[0], others=_listed(values[1:]))


def _said(value: Fact) -> object:
    match value:
        case None:
            return text_of("none")
        case bool():
            return text_of("yes") if value else text_of("no")
        case Text():
            return Text(value.text, {name: _said(each) for name, each in value.values.items()})
        case (Reason(), *_):
            return Spoken(cast(Reasons, value))
        case list() | tuple():
            return _listed([_said(each) for each in value])
        case Mapping():
            return json.dumps(value, ensure_ascii=False, sort_keys=True, default=_exact)
    text = str(value) if isinstance(value, str | int) else _exact(value)
    return text if text.isprintable() else json.dumps(text)


def _exact(value: object) -> str:
    """The same in every process: what has no order of its own, such as a set, is refused. Moments
    are in the lender's zone."""
    if isinstance(value, datetime):
        return moment_shown(value) if value.second == 0 else f"{value:%Y-%m-%d %H:%M:%S}"
    if isinstance(value, date | Decimal):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no exact text of its own.")


def _stored(value: object) -> Any:
    match value:
        case Text():
            return {"text": value.text, "values": {k: _stored(v) for k, v in value.values.items()}}
        case Spoken():
            return {"reasons": reasons_as_json(value.reasons)}
    return value


def _restored(stored: Any) -> Any:
    match stored:
        case {"text": str(text), "values": dict(values)}:
            return Text(text, {name: _restored(each) for name, each in values.items()})
        case {"reasons": list(reasons)}:
            return Spoken(reasons_from_json(reasons))
    return stored
