"""Reasons as JSON: for programs outside, and in the shorter form that rows have."""

from collections.abc import Mapping, Sequence
from typing import Any

from domain.reasons import Reason, ReasonCode, Reasons, because


def reasons_as_json(reasons: Reasons) -> list[dict[str, Any]]:
    """Reasons as programs outside read them: events for the lender, HTTP answers, `--json`.

    Every reason has the same members, so that a reader needs no case distinction. Rows have the
    form of `stored_reason`.
    """
    return [{"code": str(reason.code), "params": dict(reason.params)} for reason in reasons]


def reasons_from_json(stored: Sequence[Mapping[str, Any]] | None) -> Reasons:
    """Reasons as `reasons_as_json` wrote them; none for None."""
    try:
        return tuple(_reason(each["code"], each["params"]) for each in stored or ())
    except (KeyError, TypeError, ValueError):
        return because(ReasonCode.UNREADABLE)


def stored_reason(reason: Reason) -> str | dict[str, Any]:
    """A reason as a row has it, in its shortest JSON: `"cured"`, or `{"on_hold": {…}}`.

    PostgreSQL writes it into its log with every move of an action, and keeps it for years. In the
    form of `reasons_as_json` the same reason takes about 20 bytes more. Only SQL reads this form.
    """
    return {str(reason.code): dict(reason.params)} if reason.params else str(reason.code)


def reasons_from_store(stored: Sequence[str | Mapping[str, Any]] | None) -> Reasons:
    """Reasons that were stored as lists of `stored_reason`; none for None.

    If they cannot be read, for example because of a code of a newer release, there is one reason
    that says so: the rest of a list must be readable all the same.
    """
    try:
        return tuple(
            _reason(code, params)
            for each in stored or ()
            for code, params in ([(each, {})] if isinstance(each, str) else each.items())
        )
    except (AttributeError, TypeError, ValueError):
        return because(ReasonCode.UNREADABLE)


def _reason(code: str, params: Mapping[str, Any]) -> Reason:
    if not isinstance(params, Mapping):
        raise TypeError(f"The parameters of {code} have no names.")
    return Reason(ReasonCode(code), params)
