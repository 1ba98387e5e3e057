"""A house with two collectors and a supervisor, where a borrower complains."""

from sqlalchemy import Engine, select

from domain.disputes import Matter
from domain.language.speak import speak
from tests.support.events import tell
from tests.support.loans import Book
from tests.support.matters import answer_matter
from workers.calls.assign import assign_call
from workers.db.schema import action, call, staff, team

SHIFT = ("2026-03-01 09:00", "2026-07-31 21:00")


def a_house(engine: Engine, now: str = "2026-03-04 10:00") -> Book:
    """L-1 on its day 3, when a call is planned; two collectors on shift, and a supervisor."""
    book = Book(engine, now=now)
    book.loan("L-1")
    book.staff("c-1", "caller", shift=SHIFT)
    book.staff("c-2", "caller", shift=SHIFT)
    book.staff("s-1", "supervisor")
    book.escalate("L-1")
    return book


def an_item_to_call(book: Book) -> str:
    item: str = next(row.item for row in book.rows(action) if row.type == "assign_call")
    return item


def complains(book: Book, about: str | None = "c-1", id: str = "C-1", **more: object) -> str:
    told = {"complaint": id, "loan": "L-1", "kind": "conduct", "why": "was shouted at", **more}
    settled = tell(book, "complaint", **told, actor="s-1", about_staff=about)
    return f"{settled.status}: {speak(settled.reason)}"


def answers(book: Book, outcome: str, finding: str, by: str = "s-1", id: str = "C-1") -> str:
    settled = answer_matter(book, Matter.COMPLAINT, id, outcome, finding, by)
    return f"{settled.status}: {speak(settled.reason)}"


def has_call(book: Book) -> str | None:
    """Who has the open call."""
    theirs = (
        select(staff.c.external_id)
        .join(call, call.c.staff_id == staff.c.id)
        .where(call.c.cancelled_at.is_(None))
    )
    rows = book.rows(theirs)
    return rows[0].external_id if rows else None


def assign(book: Book) -> str:
    return assign_call(book.ctx, book.action_id("L-1", an_item_to_call(book)))


def a_team(book: Book, supervisor: str, *members: str) -> None:
    with book.ctx.engine.begin() as connection:
        made = team.insert().values(external_id="north", supervisor=supervisor)
        team_id = connection.execute(made.returning(team.c.id)).scalar_one()
        of_team = staff.c.external_id.in_(members)
        connection.execute(staff.update().where(of_team).values(team_id=team_id))
