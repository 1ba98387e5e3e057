"""Rule ids with where they stand, and whether anybody has yet to read the primary text."""

from collections.abc import Iterable
from datetime import date

from domain.compliance.rules import RulePack
from domain.language.phrases import Phrase
from domain.language.render import Part, part

OF_THE_LENDER = "lender."


class Citations:
    """The sources of the rules that are loaded, in all their versions."""

    def __init__(self, packs: Iterable[RulePack]) -> None:
        newest_last = sorted(packs, key=lambda pack: pack.version)
        self._rules = [rule for pack in newest_last for rule in pack.rules]
        self._graded = False

    def cite(self, rule_ids: Iterable[str], on: date) -> tuple[Part, ...]:
        """Each rule with the source that it had on that day."""
        return tuple(self._cite(rule_id, on) for rule_id in rule_ids)

    def legend(self) -> tuple[Part, ...]:
        """What the letters mean, if any has been shown."""
        return (part(Phrase.CONFIDENCES),) if self._graded else ()

    def _cite(self, rule_id: str, on: date) -> Part:
        if rule_id.startswith(OF_THE_LENDER):
            return part(Phrase.RULE_OF_THE_LENDER, rule=rule_id)
        versions = [rule for rule in self._rules if rule.id == rule_id]
        if not versions:
            return part(Phrase.RULE_NOT_LOADED, rule=rule_id)
        source = max(versions, key=lambda rule: rule.in_force(on)).source
        if not source.needs_review:
            return part(Phrase.RULE, rule=rule_id, citation=source.citation)
        # The letter, not the word: it is how rule packs grade what they cite.
        confidence = str(source.confidence)
        self._graded = True
        return part(
            Phrase.RULE_FOR_REVIEW, rule=rule_id, citation=source.citation, confidence=confidence
        )
