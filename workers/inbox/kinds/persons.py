"""What is known of persons, and who is party to a loan."""

from domain.events import Named
from domain.permissions import Permission
from workers.inbox import handlers
from workers.inbox.event_data import persons
from workers.inbox.event_kind import EventKind

KINDS = (
    EventKind(
        "opt_out",
        handlers.apply_opt_out,
        (Named.BORROWER, Named.NUMBER_OF_BORROWER, Named.LOAN),
        Permission.RECORD_FACTS,
        persons.OptOutFacts,
        by_anybody=True,
    ),
    EventKind(
        "person_fact",
        handlers.apply_person_fact,
        (Named.BORROWER, Named.LOAN, Named.NUMBER_OF_REPRESENTATIVE),
        Permission.RECORD_FACTS,
        persons.PersonFactFacts,
        names_places=True,
        only_with="place",
        by_anybody=True,
    ),
    # The end of a consent: less is allowed than before.
    EventKind(
        "person_fact_end",
        handlers.apply_person_fact_end,
        (Named.BORROWER, Named.LOAN, Named.NUMBER_OF_REPRESENTATIVE),
        Permission.RECORD_FACTS,
        persons.PersonFactEndFacts,
        names_places=True,
        only_with="place",
    ),
    EventKind(
        "same_person",
        handlers.apply_same_person,
        (Named.BORROWER, Named.OTHER),
        Permission.JOIN_PERSONS,
        persons.SamePersonFacts,
    ),
    EventKind(
        "loan_party",
        handlers.apply_loan_party,
        (Named.LOAN, Named.BORROWER, Named.NUMBER),
        Permission.CHANGE_PARTIES,
        persons.LoanPartyFacts,
        is_ordered=True,
    ),
    # Whoever is no party any more is not contacted about the loan.
    EventKind(
        "loan_party_end",
        handlers.apply_loan_party_end,
        (Named.LOAN, Named.BORROWER),
        Permission.CHANGE_PARTIES,
        persons.LoanPartyEndFacts,
        is_ordered=True,
    ),
    EventKind(
        "representative",
        handlers.apply_representative,
        (Named.BORROWER, Named.LOAN, Named.NUMBER),
        Permission.RECORD_FACTS,
        persons.RepresentativeFacts,
        by_anybody=True,
    ),
)
