"""Reads `outcomes` of a ladder's file: what is shown to collectors, and what follows from it."""

from collections.abc import Collection
from datetime import timedelta
from functools import partial

from config.readers.yaml_reader import Section, Value, each
from domain.contact_outcomes import MOST_SHOWN, OUTBOUND, ContactOutcome
from domain.follow_ups import Trigger
from domain.holds import PLACE_THEIR_OWN, HoldKind
from domain.ladder import Item
from domain.outcome_follows import AT_LEAST, Follows, Outcomes, Owner


def read_outcomes(value: Value, follow_ups: Collection[Item]) -> Outcomes:
    """What a ladder says of the outcomes of conversations."""
    section = value.section("shown follows inbound_ends_today reason_counts_days")
    items = {
        item.id: item
        for item in follow_ups
        if item.follow_up and item.follow_up.after is Trigger.OUTCOME
    }
    follows = section.maybe("follows", partial(_read_follows, items=items)) or {}
    return Outcomes(
        shown=section.maybe("shown", read_shown) or (),
        follows=follows,
        reason_counts_days=section.maybe(
            "reason_counts_days", lambda given: given.whole(at_least=1)
        ),
        inbound_ends_today=section.maybe("inbound_ends_today", _yes) or False,
    )


def read_shown(value: Value) -> tuple[ContactOutcome, ...]:
    """The outcomes that are shown at a time: so few that nobody has to search."""
    shown = value.entries(partial(Value.word, words=OUTBOUND))
    if len(shown) > MOST_SHOWN:
        raise value.refuse(
            "{count} outcomes are shown at a time, and nobody finds the right one among them.",
            "Leave at most {most}.",
            count=len(shown),
            most=MOST_SHOWN,
        )
    if twice := next((one for one in shown if shown.count(one) > 1), None):
        raise value.refuse("{outcome} is shown twice.", "Write it once.", outcome=twice)
    return shown


def _read_follows(value: Value, items: dict[str, Item]) -> dict[ContactOutcome, Follows]:
    entries = tuple(value.section(" ".join(ContactOutcome)).pairs.values())
    read = each(entries, partial(_read_one, items=items))
    return {
        ContactOutcome(entry.key): follows for entry, follows in zip(entries, read, strict=True)
    }


def _read_one(value: Value, items: dict[str, Item]) -> Follows:
    section = value.section("hold days times owner within_hours then ends_today late_after_minutes")
    outcome = ContactOutcome(value.key)
    least = AT_LEAST.get(outcome)
    hold = section.maybe("hold", partial(_read_hold, least=least.hold if least else None))
    if hold and least and least.hold and hold is not least.hold:
        raise section.need("hold").refuse(
            "{outcome} places the hold {least}, which protects the person.",
            "Write hold: {least}, or take the line out.",
            outcome=outcome,
            least=least.hold,
        )
    if "days" in section.pairs and hold is None:
        raise section.need("days").refuse(
            "There are days here and no hold that they are of.", "Write hold: and its kind."
        )
    if "within_hours" in section.pairs and "owner" not in section.pairs:
        raise section.need("within_hours").refuse(
            "There is a deadline here and nobody who has it.", "Write owner: and who it is."
        )
    times = section.maybe("times", lambda given: given.whole(at_least=1))
    if times and outcome not in (ContactOutcome.SAYS_PAID, ContactOutcome.PAID_NOW):
        raise section.need("times").refuse(
            "Only the holds of says_paid and paid_now are counted: "
            "others protect the person each time.",
            "Take the line out.",
        )
    late = section.maybe("late_after_minutes", lambda given: given.whole(at_least=1))
    if late and outcome is not ContactOutcome.CALLBACK_REQUESTED:
        raise section.need("late_after_minutes").refuse(
            "Only a callback can be late.", "Take the line out."
        )
    return Follows(
        hold=hold,
        days=section.maybe("days", lambda given: given.whole(at_least=1)),
        owner=section.maybe("owner", partial(Value.word, words=Owner)),
        within=_hours(section),
        then=section.maybe("then", lambda given: given.known(items, "follow-up of an outcome")),
        ends_today=section.maybe("ends_today", _yes) or False,
        late_after=timedelta(minutes=late) if late else None,
        times=times,
    )


def _read_hold(value: Value, least: HoldKind | None) -> HoldKind:
    """A hold that an outcome may place: not that of a promise, say, which has other facts too."""
    return value.word([kind for kind in HoldKind if kind not in PLACE_THEIR_OWN or kind is least])


def _hours(section: Section) -> timedelta:
    hours = section.maybe("within_hours", lambda given: given.whole(at_least=1))
    return timedelta(hours=hours) if hours else Follows().within


def _yes(value: Value) -> bool:
    if value.text() not in ("true", "false"):
        raise value.refuse("`{key}` is neither true nor false.", "Write true.", key=value.key)
    return value.text() == "true"
