"""Reasons as they are kept: a word that has a phrase of its own, or a sentence of the house."""

from __future__ import annotations

from domain.language.phrases import Kept, Part, Phrase, say

WORDS = {"cured": Phrase.CURED, "superseded": Phrase.SUPERSEDED}


def why(reason: str | None) -> tuple[Part, ...]:
    """The reason as a sentence of its own; nothing where there is none."""
    if not reason:
        return ()
    if word := WORDS.get(reason):
        return (say(Phrase.WHY, reason=say(word)),)
    return (say(Phrase.WHY, reason=Kept(reason.removesuffix("."))),)
