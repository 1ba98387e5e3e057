"""Reasons: why something was done, put off or refused, as codes with parameters.

A reason is stored as it is here and put into words only where a person reads it, in that person's
language: see `domain.language`. No sentence is stored.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum, auto
from typing import Any, TypeAlias

from domain.currencies import digits_of


class ReasonCode(StrEnum):
    """Every reason that can be given. Each language has words for each of these."""

    # The contact gate, and its rules.
    CURED = auto()
    BELOW_MINIMUM = auto()
    DUE_DAY_NOT_OVER = auto()
    CALLBACK_LATER = auto()
    WHEN_THAT_IS_OVER = auto()
    NO_RULE_PACK = auto()
    CONTACT_CEASED = auto()
    OPTED_OUT_OF = auto()
    NO_ZONE = auto()
    NO_ADDRESS = auto()
    NUMBER_CLOSED = auto()
    NUMBER_PASSED_OVER = auto()
    NO_NUMBER_LEFT = auto()
    ADDRESS_CLOSED = auto()
    REPRESENTED = auto()
    CONTACTED_INSTEAD = auto()
    REPRESENTATIVE_UNREACHABLE = auto()
    EMPLOYER_FORBIDS = auto()
    INCONVENIENT_TIME = auto()
    INCONVENIENT_PLACE = auto()
    NO_CONVENIENT_TIME = auto()
    WISHES_CHANGED = auto()
    LANGUAGE_WITHOUT_TEMPLATES = auto()
    ON_HOLD = auto()
    ON_HOLD_UNTIL_RELEASED = auto()
    NO_COMMON_MOMENT = auto()
    NO_CONTACT_HOURS = auto()
    NO_THIRD_PARTY_RULE = auto()
    NO_RULE_FORBIDS = auto()
    AGAINST_RULE = auto()
    OUTSIDE_HOURS = auto()
    NO_HOURS_AHEAD = auto()
    CALENDAR_ENDS = auto()
    CAP_REACHED = auto()
    CAP_REACHED_IN_DAYS = auto()
    CAP_NEVER_FREE = auto()
    LIMITATION_UNKNOWN = auto()
    LIMITATION_OVER = auto()
    DEBT_EXTINGUISHED = auto()
    MESSAGE_LACKS = auto()
    MESSAGE_SAYS = auto()
    THIRD_PARTY_FORBIDDEN = auto()
    THIRD_PARTY_IF_UNREACHABLE = auto()
    THIRD_PARTY_WANTS_NONE = auto()
    LOCATION_ASKED_BEFORE = auto()
    LOCATION_KNOWN = auto()
    VALIDATION_NOTICE_MISSING = auto()
    VISIT_STAFF = auto()
    VISIT_NOTICE_MISSING = auto()
    VISIT_NOTICE_TOO_SHORT = auto()
    # The moves of an action.
    SUPERSEDED = auto()
    WRITTEN_OFF = auto()
    REMOVED_BY_POLICY = auto()
    PARTY_LEFT = auto()
    PAUSED = auto()
    DAYS_PASSED = auto()
    FOLLOW_UP_TOO_LATE = auto()
    CAUSE_OVER = auto()
    CALL_ENDED_WITH_STEP = auto()
    NOT_REACHED = auto()
    NOT_LEARNT = auto()
    NEXT_TRY = auto()
    NO_OTHER_NUMBER = auto()
    EVENT_PENDING = auto()
    NOT_TO_BE_MADE = auto()
    AWAITS_APPROVAL = auto()
    APPROVED_AS = auto()
    APPROVAL_REFUSED = auto()
    NOT_APPROVED = auto()
    STEPS_NOT_TRIED = auto()
    NO_CHECKLIST = auto()
    SENDING_HELD = auto()
    CALLED_OFF = auto()
    RETRIED = auto()
    DISCARDED = auto()
    EVENT_DISCARDED_BY = auto()
    ATTEMPT_MADE = auto()
    COLLECTOR_HAS_CALL = auto()
    VISITORS_HAVE_VISIT = auto()
    LEGAL_FILE_OPEN = auto()
    FAILED = auto()
    FAILED_SAYING = auto()  # in older records only, with an English sentence
    LADDER_NOT_LOADED = auto()
    ITEM_NOT_IN_LADDER = auto()
    TEMPLATE_NOT_KNOWN = auto()
    TEMPLATE_LACKS_VALUES = auto()
    TEMPLATE_BROKEN = auto()
    NO_KEY_DECRYPTS = auto()
    VALUE_OUT_OF_PLACE = auto()
    REVIEW_FAILED = auto()
    ERASURE_FAILED = auto()
    UNREADABLE = auto()
    # A sending hold: why it was set, and what to do.
    SENDING_STOPPED = auto()
    DATABASE_OLDER = auto()
    COUNTER_MISSING = auto()
    OTHER_SYSTEM = auto()
    COUNTER_UNUSABLE = auto()
    CLOCK_BEHIND = auto()
    CLOCK_AHEAD = auto()
    EVIDENCE_STOPPED = auto()
    TOO_MUCH_SENT = auto()
    ASK_WHO_STOPPED = auto()
    RECOVER_FIRST = auto()
    PUT_COUNTER_BACK = auto()
    SET_CLOCK = auto()
    LET_EVIDENCE_CHAIN = auto()
    SEE_WHAT_WAS_SENT = auto()
    # Nobody is free for a call or a visit.
    NO_CALLERS = auto()
    NO_CALLER_SPEAKS = auto()
    NO_CALLER_TRAINED = auto()
    CALLERS_FULL = auto()
    NO_CALLER_ON_SHIFT = auto()
    NO_CALLER_SKILLED = auto()
    NO_CALLER_CERTIFIED = auto()
    CALLERS_BARRED = auto()
    CALLER_OF_TODAY_CANNOT = auto()
    NO_CALLER_IN_WINDOW = auto()
    # Why a piece of work is served next, or none is.
    NEXT_UNFINISHED = auto()
    NEXT_STILL_YOURS = auto()
    NEXT_TAKEN_OVER = auto()
    NEXT_CALLBACK = auto()
    NEXT_CALLBACK_OF_TEAM = auto()
    NEXT_CLOCK = auto()
    NEXT_DUTY = auto()
    NEXT_NOTICE = auto()
    NEXT_REPLY = auto()
    NEXT_WAITED = auto()
    NEXT_PROMISE_BROKEN = auto()
    NEXT_PROMISE_PART_KEPT = auto()
    NEXT_WINDOW_CLOSES = auto()
    NEXT_LAST_DAY = auto()
    NEXT_FIRST_CONTACT = auto()
    NEXT_FIRST_CONTACT_TURN = auto()
    NEXT_VALUE = auto()
    NOTHING_TO_SERVE = auto()
    NOTHING_ALLOWED_NOW = auto()
    NOT_ON_SHIFT = auto()
    OTHERS_WERE_FIRST = auto()
    DAY_IS_FULL = auto()
    TRIED_LATELY = auto()
    CALLERS_OF_DAY_CHANGED = auto()
    # Why somebody may not start a call or a visit.
    STAFF_LEFT = auto()
    STAFF_NOT_TRAINED = auto()
    STAFF_MUST_NOT_HANDLE = auto()
    STAFF_LACKS_SKILL = auto()
    STAFF_NOT_CERTIFIED = auto()
    MINUTES_ARE_FULL = auto()
    STAFF_ABSENT = auto()
    STAFF_OFF_SHIFT = auto()
    STAFF_ON_VISIT = auto()
    # Why nobody can be confirmed to be the person.
    TOO_LITTLE_TO_CONFIRM = auto()
    # Why work is given to others.
    HANDED_ON_LEFT = auto()
    HANDED_ON_ABSENT = auto()
    HANDED_ON_SHIFT_OVER = auto()
    HANDED_ON_NOT_CERTIFIED = auto()
    HANDED_ON_MUST_NOT_HANDLE = auto()
    HANDED_ON_BY_SUPERVISOR = auto()
    # What came of word about staff.
    ABSENCE_NOTED = auto()
    ABSENCE_TO_COME_NOTED = auto()
    DEPARTURE_NOTED = auto()
    ABSENCE_OVER = auto()
    ABSENCE_TOO_FAR = auto()
    ABSENCE_KNOWN = auto()
    STAFF_HAS_LEFT = auto()
    STAFF_NOT_ABSENT = auto()
    STAFF_BACK = auto()
    STAFF_NOT_KNOWN = auto()
    # Why the shares of equal collectors are not even.
    SHARE_BOUND_BY_TIME = auto()
    SHARE_BOUND_BY_SIZE = auto()
    SHARE_BOUND_BY_PERSON = auto()
    NO_TWO_VISITORS = auto()
    NO_VISITOR_SPEAKS = auto()
    # A text, and its provider.
    PROVIDER_HAS_IT = auto()
    PROVIDER_LISTS_IT = auto()
    EVENTS_RESENT = auto()
    RECOVERY_NOT_KNOWN = auto()
    SENT_BEFORE_RESTORE = auto()
    MAYBE_SENT_BEFORE_RESTORE = auto()
    PROVIDER_REFUSED = auto()
    PROVIDER_REFUSED_WITH_CODE = auto()
    PROVIDER_FAILED = auto()
    NOT_DELIVERED = auto()
    NOT_DELIVERED_AGAIN = auto()
    ARRIVED_AFTER_ALL = auto()
    EVERY_PROVIDER_REFUSED = auto()
    ANOTHER_PROVIDER = auto()
    RECEIPT_PROVES_SENT = auto()
    RECEIPT_PROVES_SENT_AFTER_ALL = auto()
    TEXT_NOT_SENT = auto()
    TEXT_NOT_SENT_AGAIN = auto()
    SAID_SENT = auto()
    SAID_NOT_SENT = auto()
    SENDER_STOPPED = auto()
    MAY_BE_SENT = auto()
    NO_CONNECTION = auto()
    NO_ANSWER_IN_TIME = auto()
    CONNECTION_BROKE = auto()
    ANSWER_UNREADABLE = auto()
    ANSWER_WITHOUT_ID = auto()
    ANSWERED_STATUS = auto()
    ANSWERED_ERROR = auto()
    TOO_MANY_REQUESTS = auto()
    TEXTS_LIMITED = auto()
    QUEUE_FULL = auto()
    BAD_CREDENTIALS = auto()
    BAD_CREDENTIALS_OR_CLOCK = auto()
    NUMBER_INVALID = auto()
    NUMBER_CANNOT_RECEIVE = auto()
    NUMBER_UNREACHABLE_FROM_SENDER = auto()
    REGION_NOT_PERMITTED = auto()
    SENDER_INVALID = auto()
    SENDER_NOT_OURS = auto()
    SENDER_NOT_REGISTERED = auto()
    OPTED_OUT_OF_SENDER = auto()
    TEXTS_REFUSED_BY_BORROWER = auto()
    DAILY_LIMIT_USED = auto()
    TEMPLATE_NOT_REGISTERED = auto()
    TEMPLATE_VALUES_MISSING = auto()
    # What came of an event from outside.
    LOAN_NOT_KNOWN = auto()
    BORROWER_NOT_KNOWN = auto()
    IMPORT_RUNS = auto()
    BORROWER_WAS_ERASED = auto()
    NO_NEW_CONTACTS_AFTER_ERASURE = auto()
    EVENT_TOO_LATE = auto()
    EVENT_OF_A_STRANGER = auto()
    EVENT_KNOWN = auto()
    CANNOT_WAIT = auto()
    KEPT_UNTIL_KNOWN = auto()
    DATE_IN_FUTURE = auto()
    WRONG_CURRENCY = auto()
    AMOUNT_NOT_PAYABLE = auto()
    AMOUNT_TOO_FINE = auto()
    PAYMENT_CURED = auto()
    STILL_PAST_DUE = auto()
    LEFT_OVER_OF_PAYMENT = auto()
    INSTALMENT_NOT_KNOWN = auto()
    PAYMENT_IN_TAPE = auto()
    PAYMENT_KNOWN = auto()
    PAYMENT_ID_TAKEN = auto()
    ID_OF_SEVERAL_SENDERS = auto()
    PAYMENT_IN_FUTURE = auto()
    PAYMENT_NOT_KNOWN = auto()
    REVERSAL_KNOWN = auto()
    REVERSAL_BEFORE_PAYMENT = auto()
    REVERSAL_IN_FUTURE = auto()
    REVERSAL_IN_TAPE = auto()
    REVERSAL_NOT_KNOWN = auto()
    REVERSAL_TAKEN_BACK = auto()
    REVERSAL_TAKEN_BACK_KNOWN = auto()
    REVERSAL_TAKEN_BACK_TOO_EARLY = auto()
    RETURN_KNOWN = auto()
    RETURN_TAKEN_BACK = auto()
    RETURN_ID_TAKEN = auto()
    RETURN_TOO_LARGE = auto()
    PAYMENT_IS_REVERSED = auto()
    REFUND_RECORDED = auto()
    REFUND_ON_WRONG_DAY = auto()
    REFUND_NOT_KNOWN = auto()
    REFUND_TAKEN_BACK = auto()
    REFUND_TAKEN_BACK_ON_WRONG_DAY = auto()
    RECOVERY = auto()
    ADJUSTMENT_RECORDED = auto()
    ADJUSTMENT_KNOWN = auto()
    ADJUSTMENT_ID_TAKEN = auto()
    ADJUSTMENT_IN_FUTURE = auto()
    ADJUSTMENT_IN_TAPE = auto()
    ADJUSTMENT_NOT_KNOWN = auto()
    ADJUSTMENT_TAKEN_BACK = auto()
    ADJUSTMENT_TAKEN_BACK_KNOWN = auto()
    TAKEN_BACK_TOO_EARLY = auto()
    TAKING_BACK_IN_TAPE = auto()
    TAKING_BACK_WAITS_FOR_TAPE = auto()
    NO_SUCH_INSTALMENT = auto()
    NOT_WAIVED = auto()
    WRITE_OFF_KNOWN = auto()
    WRITE_OFF_IN_FUTURE = auto()
    WRITE_OFF_RECORDED = auto()
    RESTRUCTURED = auto()
    RESTRUCTURING_KNOWN = auto()
    RESTRUCTURING_ID_TAKEN = auto()
    RESTRUCTURING_IN_FUTURE = auto()
    RESTRUCTURING_BEFORE_TAPE = auto()
    SCHEDULE_LENGTH = auto()
    SCHEDULE_OVERPAID = auto()
    TAPE_HAS_OLD_SCHEDULE = auto()
    WRITE_OFF_TAKEN_BACK = auto()
    WRITE_OFF_TAKEN_BACK_ON_WRONG_DAY = auto()
    NOT_WRITTEN_OFF = auto()
    PROMISE_KNOWN = auto()
    PROMISE_ID_TAKEN = auto()
    PROMISE_FOR_WRITTEN_OFF = auto()
    PROMISE_IN_PAST = auto()
    PROMISE_NOT_KNOWN = auto()
    PROMISE_OVER = auto()
    PROMISE_TAKEN_BACK = auto()
    PROMISE_WAS_MADE = auto()
    PROMISE_NEVER_MADE = auto()
    ARRANGEMENT_REQUESTED = auto()
    ARRANGEMENT_ANSWER_BY = auto()
    PLAN_NEEDS_LOAN = auto()
    LEARNT_INBOUND = auto()
    LEARNT_ELSEWHERE = auto()
    ARRANGEMENT_OFFERED = auto()
    ARRANGEMENT_ACCEPTED = auto()
    ARRANGEMENT_IS_ACTIVE = auto()
    ARRANGEMENT_HAS_ENDED = auto()
    ARRANGEMENT_KNOWN = auto()
    ARRANGEMENT_ID_TAKEN = auto()
    ARRANGEMENT_NOT_KNOWN = auto()
    ARRANGEMENT_OPEN_ALREADY = auto()
    ARRANGEMENT_STANDS_OTHERWISE = auto()
    ARRANGEMENT_OF_OTHER_LOAN = auto()
    ARRANGEMENT_OF_WRITTEN_OFF = auto()
    ARRANGEMENT_NOT_AWAITED = auto()
    ARRANGEMENT_NOT_CONFIRMED = auto()
    ARRANGEMENT_UNANSWERED = auto()
    REFUSAL_NEEDS_WHY = auto()
    REFUSAL_OF_DECLINED = auto()
    ARRANGEMENT_DIFFERS = auto()
    ARRANGEMENT_ENDED_WRONGLY = auto()
    ARRANGEMENT_ENDED_WRONGLY_STAYS = auto()
    CALL_FAILED_REVIEW = auto()
    WORDS_HAVE_NUMBER = auto()
    WISH_MISSING = auto()
    WISH_OF_ONE_KIND = auto()
    QUOTE_EXPIRED = auto()
    QUOTE_OUTDATED = auto()
    ACCEPTED_ON_WRONG_DAY = auto()
    PROMISE_WITHOUT_PARTS = auto()
    PROMISE_PARTS_ON_ONE_DAY = auto()
    PROMISE_PARTS_DO_NOT_ADD_UP = auto()
    PROMISE_ENDS_ELSEWHERE = auto()
    PROMISE_TOO_SMALL = auto()
    PROMISE_BELOW_SHARE = auto()
    PROMISE_STARTS_TOO_LATE = auto()
    PROMISE_ENDS_TOO_LATE = auto()
    PROMISE_STARTS_LATE = auto()
    PROMISE_ENDS_LATE = auto()
    PROMISE_IN_TOO_MANY_PARTS = auto()
    PROMISES_UNKEPT = auto()
    PROMISE_BEYOND_MEANS = auto()
    PROMISE_ABOVE_OWED = auto()
    PROMISE_NEEDS_SUPERVISOR = auto()
    MISTAKE_NEEDS_SUPERVISOR = auto()
    ACCEPTED_NEEDS_SUPERVISOR = auto()
    LADDER_PAUSES_UNTIL = auto()
    PAUSED_LONGER = auto()
    LADDER_PAUSES = auto()
    PAUSED_OFTEN_ENOUGH = auto()
    LADDER_PAUSES_UNTIL_RELEASED = auto()
    LADDER_PAUSES_UNTIL_CLOSED = auto()
    LADDERS_PAUSE = auto()
    LADDERS_PAUSE_UNTIL_RELEASED = auto()
    HOLD_NEEDS_LOAN = auto()
    HOLD_KIND_UNKNOWN = auto()
    HOLD_DATES_REVERSED = auto()
    HOLD_IS_OVER = auto()
    HOLD_STARTS_TOO_LATE = auto()
    HOLD_TOO_LONG = auto()
    HOLD_NEEDS_SUPERVISOR = auto()
    HOLD_KNOWN = auto()
    HOLD_ID_TAKEN = auto()
    HOLD_NOT_KNOWN = auto()
    HOLD_OVER_BY_THEN = auto()
    HOLD_ENDED = auto()
    HOLD_ENDS = auto()
    LADDER_GOES_ON = auto()
    LADDER_STILL_PAUSES = auto()
    # Disputes and complaints.
    DISPUTE_ON_RECORD = auto()
    COMPLAINT_RECEIVED = auto()
    COMPLAINT_KNOWN = auto()
    COMPLAINT_STOPS_EVERYBODY = auto()
    COMPLAINT_BARS = auto()
    COMPLAINT_BARS_NO_MORE = auto()
    CONDUCT_OF_WHOM = auto()
    MATTER_ID_TAKEN = auto()
    MATTER_NOT_KNOWN = auto()
    MATTER_OVER = auto()
    MATTER_KIND_UNKNOWN = auto()
    MATTER_IN_FUTURE = auto()
    MATTER_ACKNOWLEDGED = auto()
    MATTER_TAKEN = auto()
    MATTER_EXTENDED = auto()
    MATTER_WITHOUT_DEADLINE = auto()
    MATTER_CORRECTED = auto()
    MATTER_AS_BEFORE = auto()
    MATTER_RESOLVED = auto()
    MATTER_LETTER = auto()
    NO_EXTENSION = auto()
    FINDING_DOES_NOT_FIT = auto()
    UNFIT_TO_HANDLE = auto()
    SOMEBODY_ELSE_HANDLES = auto()
    NOBODY_HANDLES = auto()
    COMPLAINED_OF_NOT_KNOWN = auto()
    CORRECTION_NOT_KNOWN = auto()
    HOLD_STAYS = auto()
    COMPLAINT_NEEDS_ANSWER = auto()
    DISPUTE_NEEDS_ANSWER = auto()
    COLLECTOR_BARRED = auto()
    ANSWER_DUE = auto()
    ANSWER_LATE = auto()
    CONTACTS_UP_TO_DATE = auto()
    CONTACTS_KNOWN = auto()
    ZONES_NOT_KNOWN = auto()
    LOCALE_UNREADABLE = auto()
    LOCALE_WITHOUT_TEMPLATES = auto()
    NUMBER_NOT_IN_USE = auto()
    ONE_PERSON = auto()
    TWO_PERSONS = auto()
    STILL_ONE_PERSON = auto()
    SAME_RECORD = auto()
    LINK_KNOWN = auto()
    LINK_OUTDATED = auto()
    NOBODY_CONTACTS = auto()
    NOT_REACHED_BY = auto()
    OPT_OUT_KNOWN = auto()
    RECEIPT_OF_UNKNOWN_TEXT = auto()
    RECEIPT_RECORDED = auto()
    INBOUND_TEXT_RECORDED = auto()
    RECEIPT_OF_UNSENT_TEXT = auto()
    ATTEMPT_NOT_KNOWN = auto()
    EARLIER_EVENT_WAITS = auto()
    OUTCOME_ADDS = auto()
    OUTCOME_DIFFERS = auto()
    OUTCOME_SAYS_OTHERWISE = auto()
    OUTCOME_NOT_INBOUND = auto()
    OUTCOME_OF_COLLEAGUE = auto()
    OUTCOME_KNOWN = auto()
    OUTCOME_RECORDED = auto()
    CALLBACK_NEEDS_MOMENT = auto()
    CALLBACK_NOT_ASKED_FOR = auto()
    CALLBACK_IN_PAST = auto()
    CALLBACK_TOO_FAR = auto()
    CALLBACK_OUT_OF_HOURS = auto()
    CALLBACK_NEVER_LAWFUL = auto()
    CALLBACK_AT_VISIT = auto()
    TOLD_WITHOUT_WORDS = auto()
    NOBODY_SAID_ANYTHING = auto()
    DEATH_PAUSES = auto()
    INBOUND_RECORDED = auto()
    NOT_OF_LOAN = auto()
    PARTY_RECORDED = auto()
    PARTY_KNOWN = auto()
    PARTY_ENDS = auto()
    PARTY_NOT_KNOWN = auto()
    PARTY_IS_BORROWER = auto()
    PARTY_HAS_ROLE = auto()
    PARTY_IS_SOMEBODY_ELSE = auto()
    REPRESENTATIVE_RECORDED = auto()
    REPRESENTATIVE_KNOWN = auto()
    PERSON_FACT_RECORDED = auto()
    PERSON_FACT_LASTS = auto()
    PERSON_FACT_KNOWN = auto()
    PERSON_FACT_OUTDATED = auto()
    PERSON_FACT_ENDS = auto()
    PERSON_FACT_NOT_KNOWN = auto()
    PERSON_FACT_INCOMPLETE = auto()
    CONTACT_ID_TAKEN = auto()
    OUTCOME_RECORDED_TRY_AGAIN = auto()
    CHANNEL_STOPPED = auto()
    CALLED_NUMBER_CLOSED = auto()
    VISITED_ADDRESS_CLOSED = auto()
    CALL_AGAIN_AT = auto()
    VISIT_NOT_STARTED = auto()
    ARREARS_REASON_MISSING = auto()
    OUTCOME_NEEDS_PROMISE = auto()
    OUTCOME_NEEDS_DISPUTE = auto()
    OUTCOME_HAS_NO_SUCH = auto()
    DUTY_OF = auto()
    CALLBACK_LATE = auto()
    LEFT_ALONE_TODAY = auto()
    VISIT_UNREPORTED = auto()
    VISIT_WITHOUT_NOTICE = auto()
    NOTICE_NOT_PRINTED = auto()
    DUTY_NOT_OPEN = auto()
    DUTY_DONE = auto()
    DUTY_IS_LATE = auto()
    NOTICE_IS_LATE = auto()
    FACT_HAS_NO_LOAN = auto()
    LOAN_OF_SOMEBODY_ELSE = auto()
    CONTACT_OF_SOMEBODY_ELSE = auto()
    ABOUT_SOMEBODY_AND_NOBODY = auto()
    NUMBER_FACT_NOTED = auto()
    NUMBER_FACT_KNOWN = auto()
    NUMBER_FACT_OVER = auto()
    NUMBER_FACT_NOT_KNOWN = auto()
    NO_NUMBER_ON_RECORD = auto()
    NO_NUMBER_OF_REPRESENTATIVE = auto()
    NO_NUMBER_TO_NAME = auto()
    NO_ADDRESS_TO_NAME = auto()
    NO_ADDRESS_ON_RECORD = auto()
    NO_ADDRESS_OF_LETTER = auto()
    LETTER_NOT_KNOWN = auto()
    ADDRESS_FACT_NOTED = auto()
    ADDRESS_FACT_KNOWN = auto()
    ADDRESS_FACT_OVER = auto()
    ADDRESS_FACT_NOT_KNOWN = auto()
    WHICH_NUMBER = auto()
    NUMBERS_REMOVED = auto()
    NUMBERS_IN_ORDER = auto()
    NUMBERS_ORDER_KNOWN = auto()
    NO_SUCH_NUMBER = auto()
    REPLY_READ = auto()
    REPLY_NOT_KNOWN = auto()
    REPLY_CLOSED = auto()
    REPLY_OF_NOBODY = auto()
    DISPUTE_NEEDS_MORE = auto()
    VALIDATION_NOTICE_RECORDED = auto()
    VALIDATION_NOTICE_KNOWN = auto()
    DEBT_ACKNOWLEDGED = auto()
    ACKNOWLEDGEMENT_KNOWN = auto()
    LIMITATION_FACT_NOTED = auto()
    LIMITATION_FACT_KNOWN = auto()
    LIMITATION_FACT_CANNOT_END = auto()
    LIMITATION_FACT_NOT_KNOWN = auto()
    LIMITATION_FACT_TAKEN_BACK = auto()
    LIMITATION_FACT_WAS_TAKEN_BACK = auto()
    ACKNOWLEDGEMENT_NOT_KNOWN = auto()
    ACKNOWLEDGEMENT_TAKEN_BACK = auto()
    ACKNOWLEDGEMENT_WAS_TAKEN_BACK = auto()
    OWES_NOT = auto()
    # Defects of a loan's data.
    NO_LADDER_FOR = auto()
    NO_LADDER_YET = auto()
    DUE_DAY_NOT_KNOWN = auto()
    CALENDAR_TO_UPDATE = auto()
    TAPE_SHOWS_LESS = auto()
    CURRENCY_CHANGED = auto()
    PHONE_MISSING = auto()
    PHONE_NOT_IN_USE = auto()
    PHONES_LEFT_OUT = auto()
    PHONE_REMOVED = auto()
    ADDRESS_MISSING = auto()
    ADDRESS_REMOVED = auto()
    CONTACTS_DIFFER = auto()
    ZONE_MISSING = auto()
    SENT_AFTER_ALL = auto()
    STEP_DISCARDED = auto()
    TEXTED_TWICE = auto()
    # Why two records are one person.
    LOAN_MOVED = auto()
    ID_GIVEN_ANEW = auto()
    PARTY_RENUMBERED = auto()
    PARTY_IN_THEIR_PLACE = auto()
    SAME_NAME_AND_NUMBER = auto()
    SAID_BY_STAFF = auto()
    # The lender's systems, as receivers of events.
    RECEIVER_TOOK_IT = auto()
    RECEIVER_GONE = auto()
    RECEIVER_ANSWERED = auto()
    RECEIVER_SILENT = auto()
    RECEIVER_UNREACHABLE = auto()
    # What meets a need of a court.
    TEXT_DELIVERED_ON = auto()
    ATTEMPT_ON_RECORD = auto()
    CLAIM_IN_PARTS = auto()
    LIMITATION_DATE = auto()
    # Why no deferral and no instalment plan can be offered.
    NO_ARRANGEMENT_TERMS = auto()
    ARRANGEMENT_NOT_OFFERED = auto()
    NOTHING_UNPAID = auto()
    NOTHING_TO_DEFER = auto()
    NOTHING_TO_SPREAD = auto()
    DAYS_PAST_DUE_OUTSIDE = auto()
    DAYS_PAST_DUE_TOO_FEW = auto()
    LOAN_TOO_YOUNG = auto()
    ARRANGED_TOO_OFTEN = auto()
    NOT_DURING_HOLD = auto()
    RATE_NOT_KNOWN = auto()
    PAID_OUT_NOT_KNOWN = auto()
    MONTHLY_TOO_LITTLE = auto()
    UNTIL_TOO_EARLY = auto()
    BEYOND_AUTHORITY = auto()
    DEFERRAL_TOO_LONG = auto()
    DEBT_BEYOND_AUTHORITY = auto()
    COST_ABOVE_CAP = auto()
    RATE_ABOVE_CONTRACT = auto()
    SCHEDULE_ABOVE_CAP = auto()
    DEFAULT_NOTICE_NOT_PRINTED = auto()
    DEFAULT_NOTICE_WITHOUT_ADDRESS = auto()
    ARRANGEMENT_TOO_LONG = auto()
    INSTALMENT_TOO_SMALL = auto()


NOTHING_CHANGED = frozenset(
    {
        ReasonCode.EVENT_KNOWN,
        ReasonCode.PAYMENT_KNOWN,
        ReasonCode.REVERSAL_KNOWN,
        ReasonCode.REVERSAL_TAKEN_BACK_KNOWN,
        ReasonCode.RETURN_KNOWN,
        ReasonCode.RETURN_TAKEN_BACK,
        ReasonCode.NOT_WRITTEN_OFF,
        ReasonCode.ADJUSTMENT_KNOWN,
        ReasonCode.ADJUSTMENT_TAKEN_BACK_KNOWN,
        ReasonCode.WRITE_OFF_KNOWN,
        ReasonCode.RESTRUCTURING_KNOWN,
        ReasonCode.PROMISE_KNOWN,
        ReasonCode.PROMISE_OVER,
        ReasonCode.ARRANGEMENT_KNOWN,
        ReasonCode.HOLD_KNOWN,
        ReasonCode.HOLD_OVER_BY_THEN,
        ReasonCode.LINK_KNOWN,
        ReasonCode.LINK_OUTDATED,
        ReasonCode.OUTCOME_KNOWN,
        ReasonCode.PARTY_KNOWN,
        ReasonCode.PARTY_NOT_KNOWN,
        ReasonCode.OPT_OUT_KNOWN,
        ReasonCode.PERSON_FACT_KNOWN,
        ReasonCode.PERSON_FACT_OUTDATED,
        ReasonCode.PERSON_FACT_LASTS,
        ReasonCode.PERSON_FACT_NOT_KNOWN,
        ReasonCode.NUMBER_FACT_KNOWN,
        ReasonCode.NUMBER_FACT_NOT_KNOWN,
        ReasonCode.ADDRESS_FACT_KNOWN,
        ReasonCode.ADDRESS_FACT_NOT_KNOWN,
        ReasonCode.CONTACTS_KNOWN,
        ReasonCode.NUMBERS_ORDER_KNOWN,
        ReasonCode.REPRESENTATIVE_KNOWN,
        ReasonCode.VALIDATION_NOTICE_KNOWN,
        ReasonCode.ACKNOWLEDGEMENT_KNOWN,
        ReasonCode.LIMITATION_FACT_KNOWN,
        ReasonCode.LIMITATION_FACT_WAS_TAKEN_BACK,
        ReasonCode.ACKNOWLEDGEMENT_WAS_TAKEN_BACK,
    }
)
"""What was reported was on record already, or there was nothing of it to end."""


WORDS_PARAM = "why"
"""The parameter of a reason that has words of a person …"""

WORDS_ID = "why_id"
"""… and the one that is stored: the id of the text. The words are put in where they are read."""

WORDS_ERASED = "why_erased"
"""Instead of the words, where the text was erased."""


AMOUNTS = frozenset(
    {
        *("after", "agreed", "amount", "at_most", "before", "difference", "fee", "fees"),
        *("interest", "least", "old_amount", "old_paid", "original_principal", "paid"),
        *("past_due", "principal", "total"),
    }
)
"""The parameters that say how much is owed, was paid or is to be paid, where they are no counts."""

HIDDEN = "***"
"""Stands in a reason instead of an amount, for whoever may not see what is owed."""

Parameter: TypeAlias = "str | int | list[str]"


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason. What a person or a provider said is a parameter, and is quoted as it was said."""

    code: ReasonCode
    params: Mapping[str, Parameter] = field(default_factory=dict, hash=False)
    """As JSON has them: dates in ISO form, amounts as decimal strings."""


Reasons: TypeAlias = tuple[Reason, ...]
"""One reason or several, in their order. Empty: no reason was given."""


def because(code: ReasonCode, **params: Any) -> Reasons:
    """One reason. Dates, amounts and enumerations become what JSON has for them."""
    currency = currency_of(params)
    return (Reason(code, {name: _as_json(value, currency) for name, value in params.items()}),)


def currency_of(params: Mapping[str, Any]) -> str | None:
    """The currency of the amounts among these parameters; None if they do not say it."""
    return next((str(params[name]) for name in _CURRENCIES if params.get(name)), None)


def reasons_as_json(reasons: Reasons) -> list[dict[str, Any]]:
    """Reasons as programs outside read them: events for the lender, HTTP answers, `--json`.

    Every reason has the same members, so that a reader needs no case distinction. Rows have the
    form of `stored_reason`.
    """
    return [{"code": str(reason.code), "params": dict(reason.params)} for reason in reasons]


def reasons_from_json(stored: Sequence[Mapping[str, Any]] | None) -> Reasons:
    """Reasons as `reasons_as_json` wrote them; none for None."""
    try:
        return tuple(_reason(each["code"], each["params"]) for each in stored or ())
    except (KeyError, TypeError, ValueError):
        return because(ReasonCode.UNREADABLE)


def stored_reason(reason: Reason) -> str | dict[str, Any]:
    """A reason as a row has it, in its shortest JSON: `"cured"`, or `{"on_hold": {…}}`.

    PostgreSQL writes it into its log with every move of an action, and keeps it for years. In the
    form of `reasons_as_json` the same reason takes about 20 bytes more. Only SQL reads this form.
    """
    return {str(reason.code): dict(reason.params)} if reason.params else str(reason.code)


def reasons_from_store(stored: Sequence[str | Mapping[str, Any]] | None) -> Reasons:
    """Reasons that were stored as lists of `stored_reason`; none for None.

    What cannot be read, such as a code of a newer release, is one reason that says so: it must not
    keep a list of other rows from being read.
    """
    try:
        return tuple(
            _reason(code, params)
            for each in stored or ()
            for code, params in ([(each, {})] if isinstance(each, str) else each.items())
        )
    except (AttributeError, TypeError, ValueError):
        return because(ReasonCode.UNREADABLE)


def _reason(code: str, params: Mapping[str, Any]) -> Reason:
    if not isinstance(params, Mapping):
        raise TypeError(f"The parameters of {code} have no names.")
    return Reason(ReasonCode(code), params)


def without_amounts(reasons: Reasons) -> Reasons:
    """The same reasons for somebody who may not see what is owed: each amount is `HIDDEN`."""
    return tuple(
        Reason(
            reason.code,
            {
                name: HIDDEN if name in AMOUNTS and _is_amount(value) else value
                for name, value in reason.params.items()
            },
        )
        for reason in reasons
    )


_SAID = re.compile(r"\d[\d.,]*(?=\s?[A-Z]{3}\b)|\d+\.\d+")


def amounts_hidden_in(said: str) -> str:
    """A sentence for somebody who may not see what is owed: each number before the code of a
    currency, or with decimal places, is `HIDDEN`."""
    return _SAID.sub(HIDDEN, said)


def _is_amount(value: Parameter) -> bool:
    """A count is a whole number, and an amount a text."""
    return isinstance(value, str) and value.replace(".", "", 1).lstrip("-").isdigit()


_CURRENCIES = ("currency", "loan_currency")
"""The parameters that say in which currency the amounts of a reason are."""


def _as_json(value: Any, currency: str | None) -> Parameter:
    match value:
        case bool() | StrEnum():
            return str(value)
        case str() | int():
            return value
        case Decimal():
            return decimal_string(value, currency)
        case date():
            return value.isoformat()
        case Iterable():
            return [str(each) for each in value]
    return str(value)


def decimal_string(amount: Decimal, currency: str | None = None) -> str:
    """With the places of the currency, two if it is not said, and more where there are more:
    `1000.00`, `0.125`, `1000` in JPY."""
    places = digits_of(currency) if currency else 2
    exact = f"{amount.normalize():f}"
    return f"{amount:.{places}f}" if len(exact.partition(".")[2]) < places else exact
