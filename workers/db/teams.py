"""In which team somebody was at a moment, as the rosters that were loaded say."""

from workers.db.who_acted import person_in

TEAMS = """
teams AS MATERIALIZED (
    SELECT staff, team, since, lead(since) OVER (PARTITION BY staff ORDER BY since, id) AS until
      FROM (SELECT m.member ->> 'id' AS staff, m.member ->> 'team' AS team, v.loaded_at AS since,
                   v.id, lag(m.member ->> 'team') OVER each_one AS before,
                   row_number() OVER each_one AS number
              FROM roster_version v CROSS JOIN LATERAL jsonb_array_elements(v.members) AS m (member)
             WHERE v.loaded_at < :ends
            WINDOW each_one AS (PARTITION BY m.member ->> 'id' ORDER BY v.loaded_at, v.id)) loaded
     WHERE number = 1 OR team IS DISTINCT FROM before
)"""
"""A query for WITH: a row each time that a roster puts somebody into another team. `ends` is bound:
later rosters are not read. Who is not in a roster stays where they were."""


def in_team(staff: str, at: str) -> str:
    """The condition of a join with `teams`: the row of who acted at a moment, both SQL."""
    then = f"teams.since <= {at} AND ({at} < teams.until) IS NOT FALSE"
    return f"teams.staff = {person_in(staff)} AND {then}"
