"""What people report at the desk: a path for each kind of fact. One more is one more line here."""

from dataclasses import dataclass

from domain.contact_outcomes import REPORT_IS_NAMED_BY


@dataclass(frozen=True, slots=True)
class Fact:
    """What is reported at a path, and how its event is named."""

    path: str
    kind: str
    """Of `EVENT_KINDS`."""
    named_by: tuple[str, ...]
    """The fields whose values make its id, without those that are left out."""
    summary: str
    once_a_moment: bool = False
    """Whether its id has the moment too: the same may be true again on another day."""


FACTS: tuple[Fact, ...] = (
    Fact(
        "/outcomes",
        "contact_outcome",
        ("attempt", *REPORT_IS_NAMED_BY),
        "What came of a call or a visit.",
    ),
    Fact(
        "/inbound-contacts",
        "inbound_contact",
        ("contact", *REPORT_IS_NAMED_BY),
        "A person called, came or wrote.",
    ),
    Fact("/promises", "promise", ("promise",), "A promise to pay."),
    Fact(
        "/promises/withdrawals",
        "promise_withdrawal",
        ("promise", "was_made", "sender"),
        "A promise that does not count any more.",
    ),
    Fact(
        "/arrangements",
        "arrangement_request",
        ("arrangement",),
        "Somebody asks for a deferral or an instalment plan.",
    ),
    Fact(
        "/arrangements/acceptances",
        "arrangement_acceptance",
        ("arrangement", "sender"),
        "The borrower accepts an offer, with proof.",
    ),
    Fact(
        "/arrangements/withdrawals",
        "arrangement_withdrawal",
        ("arrangement", "sender"),
        "The borrower does not want it any more.",
    ),
    Fact("/disputes", "dispute", ("dispute",), "The borrower disputes the debt."),
    Fact(
        "/disputes/resolutions",
        "dispute_resolution",
        ("dispute", "sender"),
        "How a dispute was decided; its letter is written.",
    ),
    Fact("/complaints", "complaint", ("complaint",), "Somebody complains."),
    Fact(
        "/complaints/resolutions",
        "complaint_resolution",
        ("complaint", "sender"),
        "How a complaint was decided; its letter is written.",
    ),
    Fact("/holds", "hold", ("hold",), "A pause of a loan, or of all loans of a person."),
    Fact("/holds/releases", "release", ("hold", "ends_on", "sender"), "The end of a hold."),
    # A later word about the same time counts, such as another end.
    Fact(
        "/staff/absences",
        "staff_absent",
        ("staff",),
        "Somebody does not work for a time.",
        once_a_moment=True,
    ),
    Fact(
        "/staff/departures",
        "staff_left",
        ("staff",),
        "Somebody works here no longer.",
        once_a_moment=True,
    ),
    Fact(
        "/staff/returns",
        "staff_back",
        ("staff",),
        "Somebody who was absent works again from now on.",
        once_a_moment=True,
    ),
    Fact(
        "/letters/returned",
        "letter_returned",
        ("loan",),
        "The post brought back a letter: nothing goes to that address any more.",
        once_a_moment=True,
    ),
    Fact(
        "/replies/readings",
        "reply_read",
        ("reply", "meaning", "actor"),
        "What the text of a borrower means.",
    ),
)
