"""A hundred collectors ask at one moment: each is served, and none is served what another has."""

from collections import Counter
from functools import partial

from sqlalchemy import Engine, insert, select, text, update

from domain.actors import Actor
from tests.support.acting import acting
from tests.support.concurrently import concurrently
from tests.support.loans import Book
from workers.calls.assign import assign_call
from workers.db.engine import connect
from workers.db.schema import call, shift, staff, work_lease
from workers.staff.next_work import ServedWork, next_for

AT_ONCE = 100
CONNECTIONS = 40
"""As many as a server that others use too can spare; whoever has none waits for one."""

# Somebody asked each of them to call back at nine, and then nobody did.
_CALLBACKS = text("""
WITH tried AS (
    INSERT INTO contact (borrower_id, loan_id, action_id, channel, at, attempt, actor)
    SELECT l.borrower_id, l.id, c.action_id, 'call', :tried_at, 'A-' || c.id, 'away'
      FROM call c JOIN loan l ON l.id = c.loan_id
 RETURNING id
)
INSERT INTO contact_outcome (contact_id, outcome, connected, callback_at, actor, reported_at)
SELECT id, 'callback_requested', true, :callback_at, 'away', :tried_at FROM tried
""")


def test_a_hundred_collectors_are_served_a_hundred_callbacks_of_one_who_went_home(
    engine: Engine,
) -> None:
    book = Book(engine, now="2026-03-02 08:30")
    book.staff("away", "caller", capacity=AT_ONCE, shift=("2026-03-02 08:00", "2026-03-02 20:00"))
    loans = [f"L-{n}" for n in range(AT_ONCE)]
    for loan in loans:
        book.loan(loan, due_on="2026-03-01")
    book.escalate(*loans)
    for loan in loans:
        assert assign_call(book.ctx, book.action_id(loan, "friendly_call")) == "assigned"
    moments = {
        "tried_at": book.moment("2026-03-02 08:30"),
        "callback_at": book.moment("2026-03-02 09:00"),
    }
    book.at("2026-03-02 10:00")
    with book.ctx.engine.begin() as connection:
        connection.execute(update(shift).values(ends_at=book.moment("2026-03-02 09:00")))
        connection.execute(_CALLBACKS, moments)
        hired = connection.execute(
            insert(staff)
            .values(
                [
                    {
                        "external_id": f"c-{n}",
                        "roles": ["caller"],
                        "languages": ["zh-Hans"],
                        "daily_capacity": 10,
                        "trained_on": book.ctx.today(),
                    }
                    for n in range(AT_ONCE)
                ]
            )
            .returning(staff.c.id)
        ).scalars()
        hours = {"starts_at": book.moment("2026-03-02 08:00")}
        hours["ends_at"] = book.moment("2026-03-02 20:00")
        connection.execute(insert(shift), [{"staff_id": id, **hours} for id in hired])
    many = connect(book.ctx.settings.database_url, pool_size=CONNECTIONS)
    try:
        ctx = acting(book.ctx, Actor("c-0"))
        object.__setattr__(ctx, "engine", many)
        asks = [partial(next_for, acting(ctx, Actor(f"c-{n}"))) for n in range(AT_ONCE)]
        served = [work for work in concurrently(*asks) if isinstance(work, ServedWork)]
    finally:
        many.dispose()

    of_loan = Counter(work.loan for work in served)
    assert max(of_loan.values()) == 1, "none is served to two"
    assert set(of_loan) == set(loans), "and each is served to somebody"
    leases = book.rows(select(work_lease.c.staff_id, work_lease.c.person_id))
    assert len({lease.staff_id for lease in leases}) == AT_ONCE
    assert len({lease.person_id for lease in leases}) == AT_ONCE
    owners = book.rows(select(call.c.staff_id))
    assert len({row.staff_id for row in owners}) == AT_ONCE, "each has the call that they make"
