"""A supervisor hears a call of the first day again, and judges it by the lender's score sheet."""

from domain.errors import ArrearsError
from domain.quality import Mark
from workers.cli.language import say
from workers.simulator.demo.collectors import day
from workers.simulator.demo.desk import Desk
from workers.simulator.demo.installation import Installation
from workers.simulator.demo.waiting import ProgressReporter


def hear_a_call(installation: Installation, reporter: ProgressReporter, supervisor: Desk) -> None:
    """Draw the sample of the first day, and judge its first call: each item of the sheet is met.

    Raises:
        ArrearsError: no call of that day can be heard, or the desk refuses one of the steps.
    """
    first = installation.book.morning.date().isoformat()
    sheet = f"calls_{installation.book.name}"
    sample = supervisor.post("/quality/samples", sheet=sheet, first=first, last=first)
    if not sample["picks"]:
        raise ArrearsError("No call of {day} has a recording.", day=day(first))
    pick = sample["picks"][0]
    [items] = [
        each["items"] for each in supervisor.get("/quality/sheets") if each["sheet"] == sheet
    ]
    judged = supervisor.post(
        "/quality/reviews",
        attempt=pick["attempt"],
        sheet=sheet,
        marks={item["item"]: Mark.PASS for item in items},
    )
    said = say(
        "{supervisor} draws {picks} of the calls of {day} that were recorded, hears {recording} "
        "again and judges the call by the sheet {sheet}: {score} percent.",
        supervisor=supervisor.who,
        picks=len(sample["picks"]),
        day=day(first),
        recording=pick["recording"],
        sheet=sheet,
        score=judged["score"],
    )
    reporter.report(installation.ctx.now(), said)
