"""Calls that are to be heard again: a sample of a period, drawn once and by no chance."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Connection, ScalarResult, exists, select, text

from domain.contact_outcomes import ContactOutcome
from domain.daily_totals import first_moment
from domain.errors import ArrearsError, NotKnownError
from domain.permissions import Permission
from domain.quality import RecordedCall, Risk, ScoreSheet, draw, next_period, seed_of
from workers.access.permitted import permitted
from workers.context import Context
from workers.db.bulk import insert_rows
from workers.db.schema import quality_pick, quality_sample
from workers.db.schema import team as teams
from workers.db.teams import TEAMS, in_team
from workers.db.typed_rows import typed_rows
from workers.db.who_acted import person_in
from workers.staff.score_sheets import sheet_in_force

_RISK_OF_OUTCOME = {
    ContactOutcome.COMPLAINS: Risk.COMPLAINT,
    ContactOutcome.HUNG_UP: Risk.HUNG_UP,
    ContactOutcome.HUNG_UP_AFTER: Risk.HUNG_UP,
    ContactOutcome.DISPUTES: Risk.DISPUTE,
    ContactOutcome.HARDSHIP: Risk.VULNERABILITY,
    ContactOutcome.ASKS_SETTLEMENT: Risk.SETTLEMENT,
}


class _Call(NamedTuple):
    """A call that somebody made, with what makes it worth hearing."""

    id: int
    recording: str | None
    actor: str
    at: datetime
    outcome: str
    jurisdiction: str
    complained_of: bool
    """Whether a complaint names it, however that came in."""
    first_call_at: datetime
    vulnerable: bool
    broke: bool


_ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(hashtextextended('quality sample', 4919))")
_CALLS = text(f"""
WITH {TEAMS}
SELECT c.id, o.recording, c.actor, c.at, o.outcome, l.jurisdiction,
       EXISTS (SELECT FROM complaint m JOIN contact n ON n.id = m.contact_id
                WHERE coalesce(n.part_of, n.id) = c.id) AS complained_of,
       (SELECT min(f.at) FROM contact f
         WHERE f.actor = c.actor AND f.attempt IS NOT NULL
           AND f.channel = 'call' AND f.inbound IS NOT TRUE) AS first_call_at,
       EXISTS (SELECT FROM hold_of_loan h
                WHERE h.loan_id = c.loan_id AND h.kind = 'vulnerability' AND h.made_at < :ends)
           AS vulnerable,
       EXISTS (SELECT FROM promise p
                WHERE p.loan_id = c.loan_id AND {person_in("p.actor")} = c.actor
                  AND p.status IN ('broken', 'part_kept')
                  AND p.made_at >= c.at AND p.made_at < o.reported_at + interval '1 hour') AS broke
  FROM contact c JOIN contact_outcome o ON o.contact_id = c.id JOIN loan l ON l.id = c.loan_id
       LEFT JOIN teams ON {in_team("c.actor", "c.at")}
 WHERE c.at >= :starts AND c.at < :ends AND c.channel = 'call' AND c.inbound IS NOT TRUE
   AND c.part_of IS NULL AND c.actor IS NOT NULL AND o.connected
   AND (CAST(:team AS text) IS NULL OR teams.team = :team)
""")  # noqa: S608 put together from constants


@dataclass(frozen=True, slots=True)
class Pick:
    """A call to be heard."""

    attempt: str
    recording: str
    """The dialer's reference of the recording."""
    collector: str
    at: datetime
    """In the lender's zone."""
    because: Sequence[str]
    reviews: int
    """How many have judged it already."""


@dataclass(frozen=True, slots=True)
class Sample:
    """The calls of a period that are to be heard."""

    first: date
    last: date
    team: str | None
    """Whose calls; None: those of all."""
    sheet: str
    sheet_version: int
    seed: str
    calls: int
    """From which it was drawn."""
    without_recording: int
    picks: Sequence[Pick]


@permitted(Permission.REVIEW_CALLS)
def draw_sample(
    ctx: Context, first: date, last: date, sheet_id: str, team: str | None = None
) -> Sample:
    """The sample of a period, both days included: drawn now, or as it was drawn before.

    With `team`, of the calls that were made by somebody who was in it then.

    Raises:
        ArrearsError: there is no such sheet or team; the period is not over, or it is not the next
            one: `next_period`.
    """
    sheet = sheet_in_force(ctx, sheet_id, last)
    if not first <= last < ctx.today():
        raise ArrearsError(
            "The period from {first} to {last} is not over, or runs backwards. Name days up to "
            "yesterday.",
            first=first,
            last=last,
        )
    with ctx.engine.begin() as connection:
        _assert_team(connection, team)
        sample_id = _known(connection, first, last, team, sheet) or _draw(
            connection, ctx, first, last, team, sheet
        )
        return _read_sample(connection, ctx, sample_id)


def _assert_team(connection: Connection, team: str | None) -> None:
    if (
        team is None
        or connection.execute(select(exists().where(teams.c.external_id == team))).scalar()
    ):
        return
    known = connection.execute(select(teams.c.external_id).order_by(teams.c.external_id)).scalars()
    raise NotKnownError(
        "There is no team {team}. The roster has: {known}.",
        team=team,
        known=", ".join(known) or "-",
    )


def _known(
    connection: Connection, first: date, last: date, team: str | None, sheet: ScoreSheet
) -> int | None:
    return _id_of(connection, first, last, team, sheet).first()


def _id_of(
    connection: Connection, first: date, last: date, team: str | None, sheet: ScoreSheet
) -> ScalarResult[int]:
    of = quality_sample.c
    found = select(of.id).where(
        of.first_day == first,
        of.last_day == last,
        of.team.is_not_distinct_from(team),
        of.sheet == sheet.id,
        of.sheet_version == sheet.version,
    )
    return connection.execute(found).scalars()


def _assert_next(
    connection: Connection, first: date, last: date, team: str | None, sheet: ScoreSheet
) -> None:
    """Check that a period follows the newest one of the team and the sheet, or is that one."""
    of = quality_sample.c
    newest = connection.execute(
        select(of.first_day, of.last_day)
        .where(
            of.team.is_not_distinct_from(team),
            of.sheet == sheet.id,
            of.sheet_version == sheet.version,
        )
        .order_by(of.last_day.desc())
        .limit(1)
    ).first()
    if newest is None or newest == (first, last):
        return
    begins, ends = next_period(newest.first_day, newest.last_day)
    if first != begins or last < ends:
        raise ArrearsError(
            "The samples of a team follow one another, so that nobody chooses the calls. The next "
            "one begins on {first} and ends on {last} or later.",
            first=begins,
            last=ends,
        )


def _draw(
    connection: Connection,
    ctx: Context,
    first: date,
    last: date,
    team: str | None,
    sheet: ScoreSheet,
) -> int:
    """Draw it; if somebody else has drawn it meanwhile, theirs counts."""
    connection.execute(_ONE_AT_A_TIME)
    _assert_next(connection, first, last, team, sheet)
    zone = ctx.now().tzinfo
    starts, ends = first_moment(first, zone), first_moment(last + timedelta(1), zone)
    period = {"starts": starts, "ends": ends, "team": team}
    calls = typed_rows(_Call, connection.execute(_CALLS, period), zone)
    calls = [call for call in calls if sheet.is_for(call.jurisdiction)]
    recorded = [
        RecordedCall(call.id, call.recording, call.actor, _risks(call, sheet))
        for call in calls
        if call.recording
    ]
    seed = seed_of(first, last, team, sheet)
    values = {
        "first_day": first,
        "last_day": last,
        "team": team,
        "sheet": sheet.id,
        "sheet_version": sheet.version,
        "seed": seed,
        "calls": len(recorded),
        "without_recording": len(calls) - len(recorded),
        "drawn_at": ctx.now(),
        "drawn_by": ctx.actor.reference,
    }
    once = ("first_day", "last_day", "team", "sheet", "sheet_version")
    inserted = insert_rows(connection, quality_sample, [values], returning=("id",), known_by=once)
    own: int | None = inserted.scalar()
    if own is None:
        return _id_of(connection, first, last, team, sheet).one()
    sample_id = own
    picks = [
        {
            "quality_sample_id": sample_id,
            "contact_id": drawn.call.contact_id,
            "because": list(drawn.because),
        }
        for drawn in draw(recorded, sheet.sampling, seed)
    ]
    if picks:
        insert_rows(connection, quality_pick, picks)
    return sample_id


def _risks(call: _Call, sheet: ScoreSheet) -> frozenset[Risk]:
    risks = set()
    if risk := _RISK_OF_OUTCOME.get(ContactOutcome(call.outcome)):
        risks.add(risk)
    if call.complained_of:
        risks.add(Risk.COMPLAINT)
    if call.vulnerable:
        risks.add(Risk.VULNERABILITY)
    if call.broke:
        risks.add(Risk.BROKEN_PROMISE)
    if call.at.time() >= sheet.sampling.late_from:
        risks.add(Risk.LATE_HOUR)
    if call.at < call.first_call_at + timedelta(sheet.sampling.first_days):
        risks.add(Risk.FIRST_MONTH)
    return frozenset(risks)


_PICKS = text("""
SELECT c.attempt, o.recording, c.actor AS collector, c.at, p.because,
       (SELECT count(*) FROM quality_review r WHERE r.contact_id = c.id) AS reviews
  FROM quality_pick p JOIN contact c ON c.id = p.contact_id
       JOIN contact_outcome o ON o.contact_id = c.id
 WHERE p.quality_sample_id = :sample
 ORDER BY c.actor, c.at, c.id
""")


def _read_sample(connection: Connection, ctx: Context, sample_id: int) -> Sample:
    drawn = connection.execute(select(quality_sample).where(quality_sample.c.id == sample_id)).one()
    rows = connection.execute(_PICKS, {"sample": sample_id})
    return Sample(
        first=drawn.first_day,
        last=drawn.last_day,
        team=drawn.team,
        sheet=drawn.sheet,
        sheet_version=drawn.sheet_version,
        seed=drawn.seed,
        calls=drawn.calls,
        without_recording=drawn.without_recording,
        picks=typed_rows(Pick, rows, ctx.now().tzinfo),
    )
