"""Reads `config/worklist/*.yaml`: the order in which work is served, and who is the right party."""

from datetime import timedelta
from decimal import Decimal

from babel.numbers import list_currencies

from config.readers.yaml_reader import Value
from domain.loans import ZERO
from domain.next_work import AGAIN_AFTER, Band, RightPartyTerms, WorkPolicy
from domain.right_party import Question

KEYS = (
    "id version effective_from bands first_contact_every longest_wait_days "
    "window_closes_minutes clock_hours callback_to_team_minutes again_after_minutes lease_minutes "
    "chances_percent currency_values right_party"
)
MOST_MINUTES = 24 * 60


def read_worklist(document: Value) -> WorkPolicy:
    """Convert one file into the policy of the worklist.

    Raises:
        PolicyError: something in the file is wrong, with its line and what to write instead.
    """
    top = document.section(KEYS)

    def minutes(key: str) -> timedelta:
        return _minutes(top.need(key))

    effective_from, _ = top.effective()
    return WorkPolicy(
        id=top.need("id").identifier(),
        version=top.need("version").whole(at_least=1),
        effective_from=effective_from,
        bands=_read_bands(top.need("bands")),
        first_contact_every=top.need("first_contact_every").whole(1, 1000),
        longest_wait=timedelta(days=top.need("longest_wait_days").whole(1, 365)),
        window_closes_within=minutes("window_closes_minutes"),
        clock_within=timedelta(hours=top.need("clock_hours").whole(1, 24 * 31)),
        callback_to_team_after=minutes("callback_to_team_minutes"),
        again_after=top.maybe("again_after_minutes", _minutes) or AGAIN_AFTER,
        lease=minutes("lease_minutes"),
        chances=_read_chances(top.need("chances_percent")),
        currency_values=top.maybe("currency_values", _read_values) or {},
        right_party=_read_right_party(top.need("right_party")),
    )


def _minutes(value: Value) -> timedelta:
    return timedelta(minutes=value.whole(1, MOST_MINUTES))


def _read_bands(value: Value) -> tuple[Band, ...]:
    bands = value.entries(lambda given: given.word(Band))
    if sorted(bands) != sorted(Band):
        raise value.refuse(
            "The bands are not complete, or one stands there twice.",
            "Write each of them once: {bands}.",
            bands=", ".join(Band),
        )
    return bands


def _read_chances(value: Value) -> tuple[Decimal, ...]:
    return value.entries(lambda given: Decimal(given.whole(0, 100)) / 100)


def _read_values(value: Value) -> dict[str, Decimal]:
    values = {}
    for currency, worth in value.section(" ".join(list_currencies())).pairs.items():
        values[currency] = worth.amount()
        if values[currency] <= ZERO:
            raise worth.wrong("Write what one unit is worth, more than 0.")
    return values


def _read_right_party(value: Value) -> RightPartyTerms:
    section = value.section("questions at_least tries")
    questions = section.entries("questions", lambda given: given.word(Question))
    at_least = section.need("at_least")
    if not 1 <= (count := at_least.whole(at_least=1)) <= len(set(questions)):
        raise at_least.wrong("Write at most as many as there are questions.")
    return RightPartyTerms(questions, count, section.need("tries").whole(1, 10))
