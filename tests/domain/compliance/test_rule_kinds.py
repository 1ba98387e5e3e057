"""What a law asks besides hours and numbers: each refusal is a sentence that names its article."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, TypeVar

import pytest

from domain.compliance.conduct import Conduct
from domain.compliance.contact_facts import ContactFacts, Interruption, PastContact
from domain.compliance.contact_rule import Blocked, ContactRule
from domain.compliance.fact_reach import FactReach, ReachingFact, reach_of
from domain.compliance.frequency_caps import Scope
from domain.compliance.hold_length import HoldLength, hold_length
from domain.compliance.limitation import Limitation, RunsFrom, is_barred, limitation_date
from domain.compliance.message_content import MessageContent
from domain.compliance.permitted import Permitted, permitting_rule
from domain.compliance.rules import (
    EVERYWHERE,
    Confidence,
    Modality,
    Rule,
    RulePack,
    RuleStatus,
    Source,
    packs_for,
)
from domain.compliance.third_parties import ThirdPartyContact
from domain.compliance.validation_notice import ValidationNotice
from domain.compliance.visit_notice import VisitDuty
from domain.compliance.vocabulary import Channel, Collects, Interrupts, Party, Place, Purpose, Says
from domain.contact_points import NumberFact
from domain.holds import HoldKind
from domain.parties import RepresentativeKind
from domain.persons import PersonFact
from domain.reasons import ReasonCode, because

R = TypeVar("R", bound=Rule)
NOON = datetime(2026, 6, 17, 12, tzinfo=UTC)
SYDNEY, NEW_YORK = "Australia/Sydney", "America/New_York"


def made(kind: type[R], **values: Any) -> R:
    return kind(
        id="xx.rule",
        channels=frozenset(Channel),
        source=Source("art. 1", Confidence.PRIMARY),
        effective_from=date(2020, 1, 1),
        **values,
    )


FACTS = ContactFacts(
    past_due=Decimal(1),
    zones=("UTC",),
    lender_zone="UTC",
    packs=(),
    reachable=frozenset(Channel),
)


def opens(
    rule: ContactRule, facts: ContactFacts, channel: Channel = Channel.SMS, zone: str = "UTC"
) -> object:
    return rule.earliest_time(facts, channel, zone, NOON)


def test_a_message_is_told_what_it_lacks_and_what_it_must_not_say() -> None:
    must = made(MessageContent, must_say=frozenset({Says.OPT_OUT, Says.IDENTITY}))
    assert opens(must, FACTS) == Blocked(
        because(ReasonCode.MESSAGE_LACKS, citation="art. 1", says=["identity", "opt_out"])
    )
    must_not = made(MessageContent, must_not_say=frozenset({Says.DEBT, Says.LEGAL_CONSEQUENCES}))
    assert opens(must_not, replace(FACTS, says=frozenset(Says))) == Blocked(
        because(ReasonCode.MESSAGE_SAYS, citation="art. 1", says=["debt", "legal_consequences"])
    )
    assert opens(must, replace(FACTS, says=frozenset(Says))) == NOON


def test_a_rule_about_messages_to_somebody_binds_messages_to_them() -> None:
    rule = made(
        MessageContent,
        to=Party.THIRD_PARTY,
        must_not_say=frozenset({Says.DEBT}),
        applies_to=frozenset({Collects.BANK}),
    )
    bank = replace(FACTS, party=Party.THIRD_PARTY, collects_as=frozenset({Collects.BANK}))
    assert rule.applies_to_contact(bank)
    assert not rule.applies_to_contact(replace(bank, party=Party.BORROWER))
    assert not rule.applies_to_contact(replace(bank, collects_as=frozenset({Collects.FIRST_PARTY})))


def test_a_visit_needs_its_people_and_its_notice() -> None:
    rule = made(VisitDuty, staff=2, notice_days=3)
    assert opens(rule, FACTS) == Blocked(
        because(ReasonCode.VISIT_STAFF, citation="art. 1", staff=2)
    )
    two = replace(FACTS, visit_staff=2)
    assert opens(rule, two) == Blocked(because(ReasonCode.VISIT_NOTICE_MISSING, citation="art. 1"))
    noticed = replace(two, noticed_at=datetime(2026, 6, 15, 20, tzinfo=UTC))
    assert opens(rule, noticed) == datetime(2026, 6, 18, tzinfo=UTC)
    assert opens(rule, replace(noticed, noticed_at=datetime(2026, 6, 14, tzinfo=UTC))) == NOON
    assert opens(made(VisitDuty), replace(FACTS, visit_staff=1)) == NOON
    assert rule.violation == because(ReasonCode.VISIT_NOTICE_TOO_SHORT, citation="art. 1")


def test_the_days_of_a_notice_are_the_borrower_s() -> None:
    rule = made(VisitDuty, notice_days=3)
    noticed = replace(FACTS, visit_staff=1, noticed_at=datetime(2026, 6, 15, 20, tzinfo=UTC))
    # In Sydney it was the 16th already.
    assert opens(rule, noticed, zone=SYDNEY) == datetime(2026, 6, 18, 14, tzinfo=UTC)


def test_a_validation_notice_is_due_within_its_days() -> None:
    rule = made(ValidationNotice, within_days=5)
    assert opens(rule, FACTS) == NOON, "nobody has been contacted"
    contacted = replace(FACTS, first_contact_on=date(2026, 6, 12))
    assert opens(rule, contacted) == NOON
    late = replace(FACTS, first_contact_on=date(2026, 6, 11))
    assert opens(rule, late) == Blocked(
        because(ReasonCode.VALIDATION_NOTICE_MISSING, citation="art. 1", days=5)
    )
    assert opens(rule, replace(late, validation_notice_on=date(2026, 6, 30))) == NOON


def test_the_day_of_a_validation_notice_is_the_borrower_s() -> None:
    rule = made(ValidationNotice, within_days=5)
    facts = replace(FACTS, first_contact_on=date(2026, 6, 11))
    night = datetime(2026, 6, 17, 2, tzinfo=UTC)  # still the 16th in New York
    assert rule.earliest_time(facts, Channel.CALL, NEW_YORK, night) == night
    assert isinstance(rule.earliest_time(facts, Channel.CALL, "UTC", night), Blocked)


def calls(*went: bool | None, party: Party = Party.BORROWER) -> tuple[PastContact, ...]:
    return tuple(
        PastContact(datetime(2026, 6, day, tzinfo=UTC), Channel.CALL, 1, connected, party=party)
        for day, connected in enumerate(went, start=1)
    )


def test_third_parties_are_never_reached_where_the_law_says_never() -> None:
    rule = made(ThirdPartyContact)
    shut = opens(
        rule,
        replace(
            FACTS, party=Party.THIRD_PARTY, number_facts=frozenset({NumberFact.REACHES_NOBODY})
        ),
    )
    assert shut == Blocked(
        because(ReasonCode.THIRD_PARTY_FORBIDDEN, citation="art. 1"), permanent=True
    )
    assert not rule.applies_to_contact(FACTS)
    assert rule.applies_to_contact(replace(FACTS, party=Party.THIRD_PARTY))


@pytest.mark.parametrize(
    ("history", "open_"),
    [
        (calls(False, False, False), True),
        (calls(True, False, False, False), True),
        (calls(False, False, None), False),
        (calls(False, False), False),
        (calls(False, False, True), False),
        (calls(False, False, False, party=Party.THIRD_PARTY), False),
        (tuple(reversed(calls(True, False, False, False))), True),
        (tuple(reversed(calls(False, False, False, True))), False),
    ],
)
def test_the_last_calls_to_the_borrower_must_all_have_failed(
    history: tuple[PastContact, ...], open_: bool
) -> None:
    rule = made(ThirdPartyContact, when_unreachable=True, failures=3)
    earliest_time = opens(rule, replace(FACTS, party=Party.THIRD_PARTY, history=history))
    assert (earliest_time == NOON) is open_
    if not open_:
        assert earliest_time == Blocked(
            because(ReasonCode.THIRD_PARTY_IF_UNREACHABLE, citation="art. 1", failures=3)
        )


def test_a_debt_out_of_time_is_neither_sued_on_nor_is_a_suit_spoken_of() -> None:
    rule = made(Limitation, years=3)
    old = replace(FACTS, limitation_from=date(2023, 6, 16))
    shut = Blocked(because(ReasonCode.LIMITATION_OVER, citation="art. 1"), permanent=True)
    assert opens(rule, old, Channel.LEGAL) == shut
    assert opens(rule, old) == NOON
    threat = frozenset({Says.LEGAL_CONSEQUENCES})
    assert opens(rule, replace(old, says=threat)) == shut
    last_day = replace(FACTS, limitation_from=date(2023, 6, 17))
    assert opens(rule, last_day, Channel.LEGAL) == NOON
    assert opens(rule, FACTS, Channel.LEGAL) == Blocked(because(ReasonCode.LIMITATION_UNKNOWN))


def test_the_day_on_which_time_runs_out_is_the_borrower_s() -> None:
    rule = made(Limitation, years=3)
    facts = replace(FACTS, limitation_from=date(2023, 6, 16))
    night = datetime(2026, 6, 17, 2, tzinfo=UTC)  # still the 16th in New York
    assert rule.earliest_time(facts, Channel.LEGAL, NEW_YORK, night) == night


def test_conduct_is_for_people_to_keep_and_closes_nothing() -> None:
    rule = made(Conduct, text="Be kind.")
    assert opens(rule, FACTS) == NOON
    assert rule.violation == because(ReasonCode.AGAINST_RULE, citation="art. 1")


def test_a_rule_is_in_force_from_its_first_day_to_its_last_and_a_draft_never_is() -> None:
    rule = made(Conduct, text="Be kind.", effective_to=date(2020, 12, 31))
    days = (date(2019, 12, 31), date(2020, 1, 1), date(2020, 12, 31), date(2021, 1, 1))
    assert [rule.in_force(day) for day in days] == [False, True, True, False]
    assert made(Conduct, text="Be kind.").in_force(date(2999, 1, 1))
    draft = made(Conduct, text="Be kind.", status=RuleStatus.DRAFT)
    assert not draft.in_force(date(2020, 6, 1))


def test_only_advice_lets_a_contact_against_it_happen() -> None:
    is_blocking = {
        strictness: made(Conduct, text="x", modality=strictness).is_blocking
        for strictness in Modality
    }
    assert is_blocking == {
        Modality.MUST_NOT: True,
        Modality.PRESUMPTION: True,
        Modality.ADVISORY: False,
    }


@pytest.mark.parametrize(
    ("since", "years", "last_day"),
    [
        (date(2026, 3, 1), (3,), date(2029, 3, 1)),
        (date(2024, 2, 29), (3,), date(2027, 2, 28)),
        (date(2026, 3, 1), (6, 3), date(2029, 3, 1)),  # all of them must allow it
        (None, (3,), None),
        (date(2026, 3, 1), (), None),
    ],
)
def test_a_claim_can_be_brought_until_the_shortest_time_has_run_out(
    since: date | None, years: tuple[int, ...], last_day: date | None
) -> None:
    packs = tuple(a_pack(made(Limitation, years=year)) for year in years)
    to_come = a_pack(replace(made(Limitation, years=1), effective_from=date(2030, 1, 1)))
    found = limitation_date((*packs, to_come), date(2023, 1, 1), since, date(2026, 4, 30))
    assert found == last_day


def test_a_claim_of_instalments_with_their_own_time_ends_with_its_oldest_one() -> None:
    each = a_pack(made(Limitation, years=6, runs_from=RunsFrom.EACH_INSTALMENT))
    oldest, last = date(2021, 3, 1), date(2028, 3, 1)
    assert limitation_date((each,), oldest, last, date(2026, 4, 30)) == date(2027, 3, 1)
    one_debt = a_pack(made(Limitation, years=3))
    assert limitation_date((one_debt,), oldest, last, date(2026, 4, 30)) == date(2031, 3, 1)


def a_pack(*rules: Rule, id: str = "xx") -> RulePack:
    return RulePack(id=id, version=1, jurisdiction="XX", rules=rules)


def test_the_longest_of_the_laws_in_force_says_how_long_a_hold_lasts() -> None:
    short = made(HoldLength, hold=HoldKind.BREATHING_SPACE, days=30)
    long = made(HoldLength, hold=HoldKind.BREATHING_SPACE, days=60)
    other = made(HoldLength, hold=HoldKind.INSOLVENCY, days=90)
    to_come = replace(long, days=99, effective_from=date(2030, 1, 1))
    packs = (a_pack(short, other, made(Conduct, text="x")), a_pack(to_come, long, id="yy"))
    on = date(2026, 3, 2)
    assert hold_length(packs, HoldKind.BREATHING_SPACE, on) is long
    assert hold_length(packs[:1], HoldKind.BREATHING_SPACE, on) is short
    assert hold_length(packs, HoldKind.DISPUTE, on) is None
    assert not long.after_release


def test_an_instalment_is_barred_by_itself_where_the_law_counts_from_each() -> None:
    each = a_pack(made(Limitation, years=6, runs_from=RunsFrom.EACH_INSTALMENT))
    last = a_pack(made(Limitation, years=3), id="yy")
    due_on = date(2020, 6, 15)

    assert not is_barred((each,), due_on, [], date(2026, 6, 15)), "its last day"
    assert is_barred((each,), due_on, [], date(2026, 6, 16))
    assert not is_barred((last,), due_on, [], date(2026, 6, 16)), "one debt until the last"
    assert is_barred((each, last), due_on, [], date(2026, 6, 16))
    acknowledged = [Interruption(Interrupts.ACKNOWLEDGEMENT, date(2021, 1, 1))]
    assert not is_barred((each,), due_on, acknowledged, date(2027, 1, 1))
    assert is_barred((each,), due_on, acknowledged, date(2027, 1, 2))
    before = [Interruption(Interrupts.PAYMENT, date(2020, 1, 1))]
    assert not is_barred((each,), due_on, before, date(2026, 6, 15)), "it was not due yet"


def interrupted(*events: tuple[str, str]) -> list[Interruption]:
    return [Interruption(Interrupts(kind), date.fromisoformat(on)) for kind, on in events]


def test_the_time_to_sue_starts_again_by_what_the_law_names_and_while_it_runs() -> None:
    rule = made(Limitation, years=3)
    since = date(2020, 6, 15)
    assert rule.last_day(since, []) == date(2023, 6, 15)
    assert rule.last_day(since, interrupted(("payment", "2023-06-15"))) == date(2026, 6, 15)
    assert rule.last_day(since, interrupted(("payment", "2023-06-16"))) == date(2023, 6, 15)
    assert rule.last_day(since, interrupted(("promise", "2022-01-01"))) == date(2023, 6, 15)
    chain = interrupted(("acknowledgement", "2025-01-01"), ("payment", "2022-03-01"))
    assert rule.last_day(since, chain) == date(2028, 1, 1), (
        "the second comes before the first's end"
    )
    assert rule.last_day(since, chain[:1]) == date(2023, 6, 15), "alone it is too late"


def test_what_is_over_may_be_revived_where_the_law_says_so() -> None:
    rule = made(Limitation, years=3, revived_by=frozenset({Interrupts.ACKNOWLEDGEMENT}))
    since = date(2020, 6, 15)
    assert rule.last_day(since, interrupted(("payment", "2024-01-01"))) == date(2023, 6, 15)
    revived = interrupted(("acknowledgement", "2024-01-01"))
    assert rule.last_day(since, revived) == date(2027, 1, 1)


def test_a_rule_of_a_state_stands_instead_of_its_country_s() -> None:
    federal = made(Limitation, years=3)
    ours = replace(made(Limitation, years=6), id="xx_yy.rule", replaces=frozenset({"xx.rule"}))
    draft = replace(ours, status=RuleStatus.DRAFT)
    kept = replace(made(Conduct, text="x"), id="xx.conduct")
    country = RulePack("xx", 1, "XX", (federal, kept))
    own = RulePack("lender", 1, EVERYWHERE, ())

    def rules(*packs: RulePack) -> list[Rule]:
        return [rule for pack in packs_for(packs, "XX-YY") for rule in pack.rules]

    state = RulePack("xx_yy", 1, "XX-YY", (ours,))
    assert rules(country, state, own) == [kept, ours]
    assert rules(country, replace(state, rules=(draft,))) == [*country.rules, draft]
    assert packs_for((country, state), "XX") == (country,), "elsewhere it is as it was"
    assert [pack.is_law for pack in packs_for((own, country), "XX")] == [False, True]


def test_what_a_law_permits_during_a_hold_is_for_that_hold_and_that_purpose() -> None:
    rule = made(
        Permitted,
        during=frozenset({HoldKind.BREATHING_SPACE}),
        purposes=frozenset({Purpose.ANSWER}),
    )
    packs, on = (a_pack(rule),), date(2026, 3, 2)
    hold, ceased = HoldKind.BREATHING_SPACE, PersonFact.CEASED
    assert permitting_rule(packs, Purpose.ANSWER, hold, on) is rule
    assert permitting_rule(packs, Purpose.NOTICE, hold, on) is None
    assert permitting_rule(packs, Purpose.COLLECT, hold, on) is None
    assert permitting_rule(packs, Purpose.ANSWER, HoldKind.INSOLVENCY, on) is None
    assert permitting_rule(packs, Purpose.ANSWER, ceased, on) is None, "a cease is something else"
    after = a_pack(replace(rule, during=frozenset(), wishes=frozenset({ceased})))
    assert permitting_rule((after,), Purpose.ANSWER, ceased, on) is not None
    assert permitting_rule((after,), Purpose.ANSWER, hold, on) is None
    assert permitting_rule(packs, Purpose.ANSWER, hold, date(2019, 12, 31)) is None


def test_with_whom_a_law_permits_contact_during_a_hold_is_with_nobody_else() -> None:
    hold, on = HoldKind.BREATHING_SPACE, date(2026, 3, 2)
    adviser, attorney = RepresentativeKind.DEBT_ADVISER, RepresentativeKind.ATTORNEY
    rule = made(Permitted, during=frozenset({hold}), who=frozenset({adviser}))
    for purpose in Purpose:
        assert permitting_rule((a_pack(rule),), purpose, hold, on, adviser) is rule
        assert permitting_rule((a_pack(rule),), purpose, hold, on, attorney) is None
        assert permitting_rule((a_pack(rule),), purpose, hold, on) is None
    answers = a_pack(replace(rule, purposes=frozenset({Purpose.ANSWER})))
    assert permitting_rule((answers,), Purpose.ANSWER, hold, on, adviser) is not None
    assert permitting_rule((answers,), Purpose.COLLECT, hold, on, adviser) is None


def test_a_fact_reaches_as_far_as_the_widest_law_says() -> None:
    on = date(2026, 3, 2)
    debt = made(FactReach, fact=ReachingFact.CEASED, scope=Scope.DEBT)
    person = replace(debt, scope=Scope.PERSON)
    assert reach_of((a_pack(debt),), ReachingFact.CEASED, on) is Scope.DEBT
    assert reach_of((a_pack(debt), a_pack(person, id="yy")), ReachingFact.CEASED, on) is (
        Scope.PERSON
    )
    assert reach_of((a_pack(debt),), ReachingFact.REPRESENTED, on) is None
    assert reach_of((), ReachingFact.OPTED_OUT, on) is None


def test_a_rule_about_the_place_of_work_is_about_nothing_else() -> None:
    rule = made(Conduct, text="x", place=Place.WORK)
    assert not rule.applies_to_contact(FACTS)
    assert rule.applies_to_contact(replace(FACTS, number_facts=frozenset({NumberFact.AT_WORK})))
