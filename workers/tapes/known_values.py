"""The values of a tape that depend on this installation: the ladder steps and the locales."""

from collections.abc import Callable
from dataclasses import dataclass

from config.readers.policy import Policy
from config.readers.templates import Templates


@dataclass(frozen=True, slots=True)
class KnownValues:
    """The steps of the lender's ladders, and the locales of the templates."""

    steps: tuple[str, ...]
    """The steps of all ladders. The steps that were tried decide whether a case may go to court, so
    a misspelt step is refused."""
    locales: tuple[str, ...]
    """Named in the error that says what to write instead."""
    has_templates: Callable[[str], bool]
    """Whether there are templates for a borrower of this locale."""


def known_values(policy: Policy, templates: Templates) -> KnownValues:
    """The values of an installation."""
    steps = dict.fromkeys(step.id for ladder in policy.ladders for step in ladder.steps)
    return KnownValues(tuple(steps), tuple(sorted(templates.locales())), templates.has_locale)
