"""Which options a refusal is about, where its sentence names none.

Most sentences are of use cases, which are read at the desk too and know of no options. An option is
meant if the sentence repeats what was typed after it; or if it is what the reason asks for.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any

from domain.reason_codes import ReasonCode

R = ReasonCode
WISHES = ("--deferral", "--instalments", "--until", "--monthly")
PROMISED = ("--promised", "--part")
SAID = ("--inconvenient-time", "--inconvenient-place", "--speaks")
OF_OUTCOMES = (
    *("--promised", "--dispute-kind", "--complaint-kind", "--about-staff", "--about-attempt"),
    *("--stopped-channel", "--at"),
)

MISSING: Mapping[ReasonCode, tuple[str, ...]] = {
    R.ARREARS_REASON_MISSING: ("--reason",),
    R.CALLBACK_NEEDS_MOMENT: ("--at",),
    R.CONDUCT_OF_WHOM: ("--about", "--about-nobody"),
    R.DISPUTE_NEEDS_MORE: ("--id", "--why", "--loan"),
    R.ID_OF_SEVERAL_SENDERS: ("--sender", "--id-sender"),
    R.LETTER_NEEDS_CHANNEL: ("--stopped-channel",),
    R.LETTER_NEEDS_REFERENCE: ("--recording",),
    R.OFFER_NOT_NAMED: ("--offer",),
    R.OUTCOME_NEEDS_DISPUTE: ("--dispute-kind",),
    R.OUTCOME_NEEDS_PROMISE: ("--promised",),
    R.PERSON_FACT_INCOMPLETE: ("--time", "--place", "--locale"),
    R.PLAN_NEEDS_LOAN: ("--loan",),
    R.PROMISE_WITHOUT_PARTS: PROMISED,
    R.QUOTE_EXPIRED: ("--on",),
    R.REFUSAL_NEEDS_WHY: ("--why",),
    R.WHICH_NUMBER: ("--which", "--number"),
    R.WISH_MISSING: WISHES,
}
"""What a reason asks for, and was left out."""

WRONG: Mapping[ReasonCode, tuple[str, ...]] = {
    R.ABOUT_SOMEBODY_AND_NOBODY: ("--about", "--about-nobody"),
    R.CALLBACK_AT_VISIT: ("--at",),
    R.CALLBACK_IN_PAST: ("--at",),
    R.CALLBACK_NEVER_LAWFUL: ("--at",),
    R.CALLBACK_NOBODY_WORKS: ("--at",),
    R.CALLBACK_NOT_ASKED_FOR: ("--at",),
    R.CALLBACK_OUT_OF_HOURS: ("--at",),
    R.CALLBACK_TOO_FAR: ("--at",),
    R.LOAN_OF_SOMEBODY_ELSE: ("--also-about", "--loan"),
    R.NOBODY_SAID_ANYTHING: SAID,
    R.OUTCOME_HAS_NO_SUCH: OF_OUTCOMES,
    R.PROMISE_ABOVE_OWED: PROMISED,
    R.PROMISE_BELOW_SHARE: PROMISED,
    R.PROMISE_BEYOND_MEANS: ("--can-pay-monthly",),
    R.PROMISE_ENDS_ELSEWHERE: PROMISED,
    R.PROMISE_ENDS_TOO_LATE: PROMISED,
    R.PROMISE_IN_TOO_MANY_PARTS: PROMISED,
    R.PROMISE_PARTS_DO_NOT_ADD_UP: PROMISED,
    R.PROMISE_PARTS_ON_ONE_DAY: PROMISED,
    R.PROMISE_STARTS_TOO_LATE: PROMISED,
    R.PROMISE_TOO_SMALL: PROMISED,
    R.QUOTE_EXPIRED: ("--on",),
    R.REASON_OF_NOBODY: ("--reason",),
    R.REASON_OF_THIRD_PARTY: ("--reason",),
    R.RETURN_TOO_LARGE: ("--amount",),
    R.SCHEDULE_OVERPAID: ("--paid",),
    R.WISH_OF_ONE_KIND: WISHES,
}
"""What was given and does not fit, where the sentence may say it otherwise than it was typed."""

IN_WORDS = ("--why", "--id")
"""What stands after these is of one's own choice, and may stand in any sentence."""


def options_meant(
    params: Iterable[Any], given: Mapping[str, Any], message: str, codes: Iterable[ReasonCode] = ()
) -> tuple[str, ...]:
    """The options of a command that a refusal is about, in their order; none if it names one.

    `params` are the command's parameters, `given` their values by name, `codes` the refusal's
    reasons.
    """
    options = {
        param.opts[0]: given.get(param.name)
        for param in params
        if param.opts and param.opts[0].startswith("--")
    }
    if any(re.search(rf"{option}(?![\w-])", message) for option in options):
        return ()
    left_out = {option for code in codes for option in MISSING.get(code, ())}
    unfit = {option for code in codes for option in WRONG.get(code, ())}
    typed = {
        param.opts[0]
        for param in params
        if param.opts and given.get(param.name) != param.default and _is_typed(param)
    }
    return tuple(
        option
        for option, value in options.items()
        if (option in left_out and not value)
        or (option in unfit and value)
        or (option in typed and any(_stands_in(each, message) for each in _pieces(value)))
    )


def _is_typed(param: Any) -> bool:
    """Whether its value is written freely: a word of a list may stand in any sentence."""
    is_option = param.opts[0].startswith("--") and param.opts[0] not in IN_WORDS
    return is_option and not param.is_flag and not param.type_descriptor.is_choice


def _pieces(value: Any) -> Iterator[str]:
    """What was typed, and its parts: `500.00:CNY:2026-03-12` is an amount, a currency and a day."""
    for each in value if isinstance(value, list | tuple) else [value] if value else []:
        written = each.isoformat() if isinstance(each, date) else str(each)
        yield from {written, *filter(None, re.split("[:=]", written))}


def _stands_in(written: str, message: str) -> bool:
    """A few characters may stand anywhere by chance, unless they are quoted."""
    if len(written) < 3:
        return repr(written) in message
    return bool(re.search(rf"(?<![\w.:+-]){re.escape(written)}(?![\w:-])", message))
