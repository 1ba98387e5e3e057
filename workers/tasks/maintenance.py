"""Work that beat starts by its interval: it finds what was left undone, and does it."""

import logging

from workers import queues
from workers.app import app
from workers.bootstrap import worker_context
from workers.borrowers import reply_queue
from workers.calls import callbacks
from workers.daily import close_days as close
from workers.db.daily_runs import start_today
from workers.db.journal import JournalUnusableError, note_ends_in_journal
from workers.escalation import reassess
from workers.evidence import chain, head_file
from workers.hardship import answer_clock, arrangement_review, promise_judgement
from workers.messaging.publish import Message, announce
from workers.messaging.sweeps import Sweep
from workers.privacy import erasure, key_rotation, plain_words, pruning
from workers.sms import reconcile
from workers.visits import unreported
from workers.workforce import hand_on

log = logging.getLogger(__name__)


@app.task(name=queues.BREAK_OVERDUE_PROMISES, base=Sweep)
def break_overdue_promises() -> str:
    """Break promises whose date has passed, so that their ladders continue."""
    return f"{promise_judgement.break_overdue_promises(worker_context())} broken"


@app.task(name=queues.SETTLE_ARRANGEMENTS, base=Sweep)
def settle_arrangements() -> str:
    """End offers that nobody accepted and arrangements that missed too much, and tell of those that
    the ledger does not confirm."""
    return f"{arrangement_review.settle_arrangements(worker_context())} ended"


@app.task(name=queues.WATCH_ANSWERS, base=Sweep)
def watch_answers() -> str:
    """Say which disputes and complaints are near the end of their time to answer, which are late,
    and which duties are."""
    return f"{answer_clock.watch_answers(worker_context())} near or late"


@app.task(name=queues.CLOSE_PAID_CASES, base=Sweep)
def close_paid_cases() -> str:
    """Close cases that are open although nothing is past due."""
    return f"{reassess.close_paid_cases(worker_context())} closed"


@app.task(name=queues.MARK_LOST_CLAIMS, base=Sweep)
def mark_lost_claims() -> str:
    """Mark texts as unknown whose worker died between the claim and the record."""
    return f"{reconcile.mark_lost_claims(worker_context())} found"


@app.task(name=queues.RECONCILE_TEXTS, base=Sweep)
def reconcile_texts() -> str:
    """Ask providers about texts whose answer or whose receipt was lost."""
    done = reconcile.reconcile_texts(worker_context())
    return (
        f"{done.resolved} resolved, {done.found} found, {done.parked} parked, "
        f"{done.reported} reported"
    )


@app.task(name=queues.ASSIGN_REPLIES, base=Sweep)
def assign_replies() -> str:
    """Assign borrowers' texts that nobody has to collectors on shift."""
    return f"{reply_queue.assign_replies(worker_context())} assigned"


@app.task(name=queues.HAND_ON_WORK, base=Sweep)
def hand_on_work() -> str:
    """Give the open work of who left, is absent or has gone home to others."""
    done = hand_on.hand_on_work(worker_context())
    return f"{done.calls} calls and {done.visits} visits handed on"


@app.task(name=queues.HAND_ON_LATE_CALLBACKS, base=Sweep)
def hand_on_late_callbacks() -> str:
    """Give callbacks that their collectors are late with to whoever is free."""
    return f"{callbacks.hand_on_late_callbacks(worker_context())} handed on"


@app.task(name=queues.FLAG_UNREPORTED_VISITS, base=Sweep)
def flag_unreported_visits() -> str:
    """Tell of visits of earlier days that nobody reported."""
    return f"{unreported.flag_unreported_visits(worker_context())} unreported"


# The next ones do one batch and publish themselves again while work is left: none runs long.
@app.task(name=queues.ERASE_EXPIRED_DATA, base=Sweep)
def erase_expired_data(after: int | None = None) -> str:
    """Erase the personal data of borrowers whose retention period is over."""
    ctx = worker_context()
    if after is None and not start_today(ctx.engine, queues.ERASE_EXPIRED_DATA, ctx.now()):
        return "done today already"
    done = erasure.erase_expired_data(ctx, after or 0)
    if done.go_on_after is not None:
        announce(app, queues.ERASE_EXPIRED_DATA, [Message((done.go_on_after,))])
    return f"{done.borrowers} erased"


@app.task(name=queues.PRUNE_COMPLETED_EVENTS, base=Sweep)
def prune_completed_events(go_on: bool = False) -> str:
    """Delete events that were completed longer ago than the settings keep them."""
    ctx = worker_context()
    if not go_on and not start_today(ctx.engine, queues.PRUNE_COMPLETED_EVENTS, ctx.now()):
        return "done today already"
    done = pruning.prune(ctx)
    if done.anything:
        announce(app, queues.PRUNE_COMPLETED_EVENTS, [Message((True,))])
    return f"{done.events_out} out, {done.events_in} in, {done.words} values"


@app.task(name=queues.REENCRYPT_WITH_CURRENT_KEY, base=Sweep)
def reencrypt_with_current_key() -> str:
    """Continue a rotation of the encryption keys that was started; and encrypt what people typed
    where an earlier release did not."""
    ctx = worker_context()
    done = key_rotation.continue_rotation(ctx) + plain_words.encrypt_plain_words(ctx)
    if done:
        announce(app, queues.REENCRYPT_WITH_CURRENT_KEY, [Message(())])
    return f"{done} re-encrypted"


@app.task(name=queues.CLOSE_DAYS, base=Sweep)
def close_days(month_after: int | None = None) -> str:
    """Close the days that are over in the daily history, and after each month the book."""
    done = close.close_next(worker_context(), month_after)
    if done.day is not None:
        announce(app, queues.CLOSE_DAYS, [Message((done.month_after,))])
    return f"{done.day or 'nothing'} closed"


@app.task(name=queues.CHAIN_EVIDENCE, base=Sweep)
def chain_evidence() -> str:
    """Add new rows of evidence to the hash chain, the newest head to its file, and to the journal
    what has ended."""
    ctx = worker_context()
    if ctx.settings.journal_file is not None:
        try:
            note_ends_in_journal(ctx.engine, ctx.settings.journal_file, ctx.cipher, ctx.now())
        except JournalUnusableError as error:  # the chain goes on; opt-outs wait for the journal
            log.error("%s", error)
    done = chain.chain_evidence(ctx)
    if done == chain.BATCH_SIZE:
        announce(app, queues.CHAIN_EVIDENCE, [Message(())])
    head_file.note_head(ctx)
    return f"{done} chained"
