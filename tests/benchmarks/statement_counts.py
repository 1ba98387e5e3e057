"""How many SQL statements, each of them a round trip, does an envelope or a text cost?"""

from dataclasses import replace

from tests.benchmarks.book import a_book, due_ids, planned_texts
from tests.benchmarks.figures import Figure, Target, expect
from tests.benchmarks.places import Places
from tests.benchmarks.sizes import Size
from tests.support.counting import statements
from tests.support.fakes import FakeSmsGateway
from tests.support.loans import only
from workers.context import Context
from workers.escalation.escalate import escalate_loans
from workers.sms.send import send_sms

ENVELOPES = (1, 25, 500)
TEXTS = 20
AT_MOST = Target(8, at_least=False)


def measure(places: Places, size: Size) -> list[Figure]:
    due = sum(ENVELOPES)
    with a_book(places, due, due) as ctx:
        counts = {loans: _of_an_envelope(ctx, loans) for loans in ENVELOPES}
        per_text = _of_texts(replace(ctx, sms=only(FakeSmsGateway())))
    largest, fewest = max(ENVELOPES), min(ENVELOPES)
    return [
        Figure(
            f"statements for {largest} loans against {fewest}",
            "×",
            (counts[largest] / counts[fewest],),
            Target(1, at_least=False),
        ),
        Figure(
            f"statements for an envelope of {largest}",
            "statements",
            (counts[largest],),
            AT_MOST,
            key="per_envelope",
        ),
        *(
            Figure(f"statements for an envelope of {loans}", "statements", (count,))
            for loans, count in counts.items()
            if loans != largest
        ),
        Figure("statements for a text", "statements", tuple(per_text), AT_MOST, key="per_text"),
    ]


def _of_an_envelope(ctx: Context, loans: int) -> int:
    ids = due_ids(ctx, loans)
    with statements(ctx.engine) as sent:
        done = escalate_loans(ctx, ids)
    expect("loans reviewed", done.reviewed, loans)
    return len(sent)


def _of_texts(ctx: Context) -> list[int]:
    counts = []
    for action_id in planned_texts(ctx, TEXTS):
        with statements(ctx.engine) as sent:
            outcome = send_sms(ctx, action_id)
        expect("outcome of a text", outcome, "accepted")
        counts.append(len(sent))
    expect("texts sent", len(counts), TEXTS)
    return counts
