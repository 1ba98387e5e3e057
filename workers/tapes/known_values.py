"""The words a tape may use that only this installation can tell: its steps and its languages."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from config.readers.policy import Policy
from config.readers.templates import Templates


@dataclass(frozen=True, slots=True)
class KnownValues:
    """What the lender's own ladders and templates have."""

    steps: tuple[str, ...]
    """The steps of all ladders. Whether a case may go to court rests on those that were tried, so
    a misspelt one must not come in."""
    locales: tuple[str, ...]
    """For the person who is told what to write instead."""
    has_templates: Callable[[str], bool]
    """Whether a borrower of this locale can be written to."""


def known_values(policy: Policy, templates: Templates) -> KnownValues:
    """The words of an installation."""
    steps = dict.fromkeys(step.id for ladder in policy.ladders for step in ladder.steps)
    return KnownValues(tuple(steps), tuple(sorted(templates.locales())), templates.has_locale)
