"""Is this the person? What somebody says is compared with what is on record, and never shown."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from domain.persons import name_key
from domain.unicode_forms import normalized


class Question(StrEnum):
    """What may be asked. None of it says that there is a debt."""

    NAME = "name"  # the full name
    ADDRESS_NUMBERS = "address_numbers"  # of the house, the floor, the flat
    POSTCODE = "postcode"
    OTHER_NUMBER = "other_number"  # the last four digits of a number, other than the one called


AT_THEIR_ADDRESS = (Question.NAME, Question.OTHER_NUMBER)
"""What is asked of who opens the door. Whoever stands there knows the address."""

LAST_DIGITS = 4
_DIGITS = re.compile(r"\d+")
# Six digits stand anywhere in an address; five stand at its end, and are no postcode if nothing
# stands before them: house numbers have as many.
_POSTCODE = re.compile(r"(?<!\d)\d{6}(?!\d)|(?<!^)(?<!\d)\d{5}(?:-\d{4})?(?!\d)(?=\D*$)", re.ASCII)


@dataclass(frozen=True, slots=True, repr=False)
class OnRecord:
    """What is on record of a person: personal data, compared and not shown."""

    name: str | None
    address: str | None
    other_numbers: Sequence[str] = ()
    """E.164, without the number that was called."""

    def can_answer(self, question: Question) -> bool:
        """Whether anything is on record that an answer can be compared with."""
        return bool(self._expected(question))

    def matches(self, question: Question, answer: str) -> bool:
        """Whether an answer is right. Spaces, points, case and the order of words do not count,
        except in a name, where the order counts."""
        return bool(given := _read(question, answer)) and given in self._expected(question)

    def _expected(self, question: Question) -> set[str]:
        match question:
            case Question.NAME:
                return {name_key(self.name)} - {""} if self.name else set()
            case Question.ADDRESS_NUMBERS:
                return _numbers_of(self.address) if self.address else set()
            case Question.POSTCODE:
                return {found[:5] if "-" in found else found for found in _codes(self.address)}
            case Question.OTHER_NUMBER:
                return {_last_digits(number) for number in self.other_numbers}


def asked_of(
    on_record: OnRecord, questions: Collection[str], at_least: int, *, at_their_address: bool
) -> tuple[tuple[Question, ...], int]:
    """What may be asked of somebody, and how many right answers confirm them: never fewer than the
    `at_least` of the policy, whose `questions` these are.

    At their own address they are not asked for it. If too little else is on record, such as no
    telephone number, they are asked for all that is, and all of it must be right.
    """
    known = tuple(each for each in Question if each in questions and on_record.can_answer(each))
    if not at_their_address:
        return known, at_least
    fit = tuple(each for each in known if each in AT_THEIR_ADDRESS)
    return (fit, at_least) if len(fit) >= at_least else (known, max(at_least, len(known)))


def check(
    on_record: OnRecord, answers: Mapping[Question, str], at_least: int
) -> tuple[dict[Question, bool], bool]:
    """For each answer whether it matches, and whether enough of them do.

    One wrong answer among enough right ones is allowed: people move and mistype.
    """
    matched = {
        question: on_record.matches(question, answer) for question, answer in answers.items()
    }
    return matched, sum(matched.values()) >= at_least


def _read(question: Question, answer: str) -> str:
    plain = normalized("NFKC", answer)
    match question:
        case Question.NAME:
            return name_key(plain)
        case Question.ADDRESS_NUMBERS:
            return _numbers(plain)
        case Question.POSTCODE:
            return _digits(plain)[:5] if "-" in plain else _digits(plain)
        case Question.OTHER_NUMBER:
            return _last_digits(plain)


def _codes(address: str | None) -> list[str]:
    return _POSTCODE.findall(_plain(address)) if address else []


def _numbers_of(address: str) -> set[str]:
    """The numbers of an address without its postcode, and with it: some say it as well. Of an
    address with no other number, none: that is another question."""
    plain = _plain(address)
    without = _numbers(_POSTCODE.sub(" ", plain))
    return {without, _numbers(plain)} if without else set()


def _plain(address: str) -> str:
    return normalized("NFKC", address).strip()


def _numbers(text: str) -> str:
    """The numbers of a text in their order."""
    return "-".join(number.lstrip("0") or "0" for number in _DIGITS.findall(text))


def _last_digits(number: str) -> str:
    """The last four digits of a number, without an extension (RFC 3966); of fewer, none."""
    digits = _digits(number.partition(";")[0])
    return digits[-LAST_DIGITS:] if len(digits) >= LAST_DIGITS else ""


def _digits(text: str) -> str:
    return "".join(_DIGITS.findall(text))
