"""What was paid, and what is owed: payments, what changes a loan, and what takes it back."""

from domain.adjustments import AdjustmentKind
from domain.permissions import Permission
from workers.inbox import handlers
from workers.inbox.event_data import money
from workers.inbox.event_kind import A_WEEK, NOBODY, WHO_HAS_LOAN, EventKind

KINDS = (
    EventKind(
        "payment",
        handlers.apply_payment,
        WHO_HAS_LOAN,
        Permission.RECORD_PAYMENTS,
        money.PaymentFacts,
        handlers.apply_payments,
        id_field="external_id",
        by_anybody=True,
    ),
    EventKind(
        "reversal",
        handlers.apply_reversal,
        NOBODY,
        Permission.RECORD_PAYMENTS,
        money.ReversalFacts,
        names="payment",
    ),
    # Until it is applied, the loan may seem to be past due. Its reversal may never come.
    EventKind(
        "reversal_taken_back",
        handlers.apply_reversal_taken_back,
        WHO_HAS_LOAN,
        Permission.RECORD_PAYMENTS,
        money.ReversalTakenBackFacts,
        names="payment",
        waits_at_most=A_WEEK,
    ),
    # It changes nothing that is owed.
    EventKind(
        "refund",
        handlers.apply_refund,
        NOBODY,
        Permission.RECORD_PAYMENTS,
        money.RefundFacts,
        names="payment",
    ),
    # What is left over again may pay what is past due. The refund may never come.
    EventKind(
        "refund_taken_back",
        handlers.apply_refund_taken_back,
        WHO_HAS_LOAN,
        Permission.RECORD_PAYMENTS,
        money.RefundTakenBackFacts,
        names="payment",
        waits_at_most=A_WEEK,
    ),
    # It allows no less than before.
    EventKind(
        "charge",
        handlers.applying(AdjustmentKind.CHARGE),
        NOBODY,
        Permission.CHANGE_SCHEDULES,
        money.ChargeFacts,
        id_field="adjustment",
    ),
    # It may name an instalment that the loan never has: that must not hold it back for good.
    EventKind(
        "waiver",
        handlers.applying(AdjustmentKind.WAIVER),
        WHO_HAS_LOAN,
        Permission.CHANGE_SCHEDULES,
        money.WaiverFacts,
        id_field="adjustment",
        waits_at_most=A_WEEK,
    ),
    EventKind(
        "instalment_left_out",
        handlers.applying(AdjustmentKind.LEFT_OUT),
        WHO_HAS_LOAN,
        Permission.CHANGE_SCHEDULES,
        money.InstalmentLeftOutFacts,
        id_field="adjustment",
        waits_at_most=A_WEEK,
    ),
    EventKind(
        "acceleration",
        handlers.applying(AdjustmentKind.ACCELERATION),
        NOBODY,
        Permission.CHANGE_SCHEDULES,
        money.AccelerationFacts,
        id_field="adjustment",
    ),
    # It may take back a charge. It waits for an adjustment that may never come.
    EventKind(
        "adjustment_reversal",
        handlers.apply_adjustment_reversal,
        WHO_HAS_LOAN,
        Permission.CHANGE_SCHEDULES,
        money.AdjustmentReversalFacts,
        names="adjustment",
        waits_at_most=A_WEEK,
    ),
    EventKind(
        "restructuring",
        handlers.apply_restructuring,
        WHO_HAS_LOAN,
        Permission.CHANGE_SCHEDULES,
        money.RestructuringFacts,
        id_field="restructuring",
    ),
    EventKind(
        "write_off",
        handlers.apply_write_off,
        WHO_HAS_LOAN,
        Permission.WRITE_OFF,
        money.WriteOffFacts,
    ),
    # It allows more than before.
    EventKind(
        "write_off_taken_back",
        handlers.apply_write_off_taken_back,
        NOBODY,
        Permission.WRITE_OFF,
        money.WriteOffTakenBackFacts,
        waits_at_most=A_WEEK,
    ),
)
