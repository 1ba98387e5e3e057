"""What a roster is held to beside its form: the words of the lender's policy, and the day."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from babel import Locale

from config.readers.formats import LOCALE
from config.readers.locales import parse_locale
from config.readers.rule_values import HOLIDAYS, KINDS_OF_DAY, read_hours
from config.readers.yaml_reader import Value
from domain.compliance.contact_hours import Hours
from domain.errors import ArrearsError
from domain.staffing import SKILLS, StaffingTerms


@dataclass(frozen=True, slots=True)
class RosterTerms:
    """What is known when a roster is loaded."""

    today: date
    """The business date: nobody was trained later."""
    skills: frozenset[str] = frozenset(SKILLS)
    certificates: frozenset[str] = frozenset(SKILLS)

    @classmethod
    def of(cls, staffing: Iterable[StaffingTerms], today: date) -> RosterTerms:
        """By the lender's staffing policy, in all its versions: a roster is for days to come."""
        terms = tuple(staffing)
        return cls(
            today,
            frozenset(SKILLS).union(*(each.skills for each in terms)),
            frozenset(SKILLS).union(*(each.certificates.values() for each in terms)),
        )

    def skill(self, value: Value) -> str:
        """A skill that a call may need."""
        return value.known(self.skills, "skill")

    def certificate(self, value: Value) -> date:
        """The last day of a certificate; its key is what it is for."""
        if value.key not in self.certificates:
            raise value.refuse(
                "No skill asks for a certificate of this kind.",
                "Write one of: {known}; or name it under `certificates` in config/staffing/.",
                known=", ".join(sorted(self.certificates)),
            )
        return value.day()

    def trained(self, value: Value) -> date:
        """The day of the last training."""
        if (day := value.day()) > self.today:
            raise value.refuse(
                "`trained_on` is {day}, and today is {today}.",
                "Write the day of the last training. One that is to come stands on the roster "
                "once it was held.",
                day=day,
                today=self.today,
            )
        return day


def read_language(value: Value) -> str:
    """What somebody speaks, as a tag of BCP 47 in its usual capitals: `en`, `zh-Hans`."""
    text = value.text()
    try:
        if LOCALE.fullmatch(text) and parse_locale(text):
            return text
    except ArrearsError:
        pass  # of this form, and no language
    raise value.wrong(
        "Write a language by its tag (BCP 47), such as {such_as}.", such_as=_tag_of(text) or "en"
    )


def _tag_of(text: str) -> str | None:
    """The tag of a language that is written by its name, or in other capitals."""
    meant = text.strip().lower().replace("_", "-")
    names = Locale("en").languages
    if meant in names:
        return meant
    parts = meant.split("-")
    cased = "-".join([parts[0], *(_cased(part) for part in parts[1:])])
    if LOCALE.fullmatch(cased) and parts[0] in names:
        return cased
    if meant in ("chinese", "中文", "汉语", "普通话"):
        return "zh-Hans"
    return next((tag for tag, name in names.items() if name.lower() == meant), None)


def _cased(part: str) -> str:
    return part.title() if len(part) == len("Hans") else part.upper()


def read_week(value: Value) -> tuple[Hours, ...]:
    """Hours by the days of the week, each day at most once, so that no two overlap. Days off have a
    `leave`: nobody knows here which holidays somebody has."""
    hours = read_hours(value)
    for name, clock in value.pairs().items():
        if name == HOLIDAYS or name in KINDS_OF_DAY:
            raise clock.refuse(
                "`{key}` is not a day of the week.",
                "Write days such as mon-fri; for days off write `leave`.",
                key=name,
            )
    return hours
