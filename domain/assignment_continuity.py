"""Bring assigned calls back to the collectors who spoke with the persons last."""

from domain.assignment_day import Day, Diary


def reunite(day: Day) -> None:
    """Move or exchange calls as long as more of them are with who spoke last.

    The same calls stay assigned, so their number and their value stay.
    """
    holders = {nr: diary for diary in day.diaries for nr in diary.starts}
    for nr in sorted(holders):
        holder = holders[nr]
        for diary in day.who_may(nr):
            if diary.caller.id == day.calls[nr].spoke_last and diary is not holder:
                _bring(day, nr, holder, diary, holders)


def _bring(day: Day, nr: int, holder: Diary, to: Diary, holders: dict[int, Diary]) -> None:
    if day.room(nr, to):
        day.take(nr, holder)
        day.put(nr, to)
        holders[nr] = to
        return
    for other in sorted(to.starts, reverse=True):
        if (
            day.calls[other].spoke_last != to.caller.id
            and day.room(nr, to, other)
            and day.room(other, holder, nr)
            and any(diary is holder for diary in day.who_may(other))
        ):
            day.take(other, to)
            day.take(nr, holder)
            day.put(nr, to)
            day.put(other, holder)
            holders[nr], holders[other] = to, holder
            return
