"""What the calls that were heard came to, by team and by collector. It ranks nobody."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import Connection, text

from domain.daily_totals import first_moment
from domain.errors import ArrearsError
from domain.permissions import Permission
from domain.quality import JudgedCall, Result, result_of
from workers.access.permitted import permitted
from workers.context import Context
from workers.db.teams import TEAMS, in_team

_MADE = text(f"""
WITH {TEAMS}
SELECT teams.team, c.actor, count(*) AS calls
  FROM contact c LEFT JOIN teams ON {in_team("c.actor", "c.at")}
 WHERE c.at >= :starts AND c.at < :ends AND c.channel = 'call' AND c.inbound IS NOT TRUE
   AND c.part_of IS NULL AND c.actor IS NOT NULL
 GROUP BY teams.team, c.actor
""")  # noqa: S608 put together from constants
_REVIEWED = text(f"""
WITH {TEAMS}
SELECT teams.team, c.actor, bool_and(r.passed) AS passed,
       bool_or(r.failed_critical) AS failed_critical, count(*) AS reviews
  FROM quality_review r JOIN contact c ON c.id = r.contact_id
       LEFT JOIN teams ON {in_team("c.actor", "c.at")}
 WHERE c.at >= :starts AND c.at < :ends AND c.inbound IS NOT TRUE
 GROUP BY teams.team, c.actor, c.id
""")  # noqa: S608 put together from constants


@dataclass(frozen=True, slots=True)
class Results:
    """What the calls of a period came to."""

    teams: Sequence[Result]
    """By the ids of the teams in which the collectors were when they called."""
    collectors: Sequence[Result]
    """By the references of the collectors. Who was in two teams is in it twice."""


@permitted(Permission.READ_QUALITY)
def read_results(connection: Connection, ctx: Context, first: date, last: date) -> Results:
    """What the calls of a period came to, both days included.

    Whoever made calls of which none was judged is in it, with an interval from 0 to 100.

    Raises:
        ArrearsError: the period runs backwards.
    """
    if first > last:
        raise ArrearsError(
            "The period from {first} to {last} runs backwards. Name its first day first.",
            first=first,
            last=last,
        )
    zone = ctx.now().tzinfo
    ends = min(last, ctx.today()) + timedelta(1)
    period = {"starts": first_moment(first, zone), "ends": first_moment(ends, zone)}
    made = {(row.team, row.actor): row.calls for row in connection.execute(_MADE, period)}
    heard: dict[tuple[str | None, str], list[JudgedCall]] = defaultdict(list)
    for row in connection.execute(_REVIEWED, period):
        call = JudgedCall(row.passed, row.failed_critical, row.reviews)
        heard[row.team, row.actor].append(call)
    by_name = sorted(made.items(), key=lambda each: (each[0][1], each[0][0] or ""))
    collectors = [
        result_of(name, team, calls, heard[team, name]) for (team, name), calls in by_name
    ]
    of_team: Counter[str] = Counter()
    judged: dict[str, list[JudgedCall]] = defaultdict(list)
    for (team, name), calls in by_name:
        if team is not None:
            of_team[team] += calls
            judged[team] += heard[team, name]
    teams = [result_of(team, team, calls, judged[team]) for team, calls in sorted(of_team.items())]
    return Results(teams, collectors)
