"""Numbers and addresses, and what is known of them."""

from domain.events import Named
from domain.permissions import Permission
from workers.borrowers.contact_details import change_contacts
from workers.inbox import handlers
from workers.inbox.event_data import contact_points
from workers.inbox.event_kind import EventKind

OF_NUMBER = (
    *(Named.BORROWER, Named.REPLY),
    *(Named.NUMBER_OF_BORROWER, Named.NUMBER_OF_REPRESENTATIVE),
)
KINDS = (
    # Whether the number is at work, and who is one person by name and number, is said with it.
    EventKind(
        "contact_change",
        change_contacts,
        (Named.BORROWER, Named.NUMBER_OF_BORROWER, Named.NUMBER, Named.NUMBERS),
        Permission.CHANGE_CONTACTS,
        contact_points.ContactChangeFacts,
        names_places=True,
    ),
    EventKind(
        "number_order",
        handlers.apply_number_order,
        (Named.BORROWER,),
        Permission.CHANGE_CONTACTS,
        contact_points.NumberOrderFacts,
        names_places=True,
    ),
    EventKind(
        "number_fact",
        handlers.apply_number_fact,
        OF_NUMBER,
        Permission.RECORD_FACTS,
        contact_points.NumberFactFacts,
        names_places=True,
        by_anybody=True,
    ),
    # The end of a fact may protect too: a number that is no longer at work is one at home.
    EventKind(
        "number_fact_end",
        handlers.apply_number_fact_end,
        OF_NUMBER,
        Permission.RECORD_FACTS,
        contact_points.NumberFactEndFacts,
        names_places=True,
    ),
    EventKind(
        "address_fact",
        handlers.apply_address_fact,
        (Named.BORROWER, Named.ADDRESS_OF_BORROWER),
        Permission.RECORD_FACTS,
        contact_points.AddressFactFacts,
        names_places=True,
        by_anybody=True,
    ),
    EventKind(
        "address_fact_end",
        handlers.apply_address_fact_end,
        (Named.BORROWER, Named.ADDRESS_OF_BORROWER),
        Permission.RECORD_FACTS,
        contact_points.AddressFactEndFacts,
        names_places=True,
    ),
    EventKind(
        "letter_returned",
        handlers.apply_letter_returned,
        (Named.LOAN, Named.ADDRESS_OF_LOAN),
        Permission.RECORD_CONVERSATIONS,
        contact_points.LetterReturnedFacts,
        by_anybody=True,
    ),
)
