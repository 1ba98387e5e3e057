"""English: the templates of phrases and reasons, and the words for values."""

from __future__ import annotations

from domain.actions import ACTION_TYPES
from domain.compliance.vocabulary import Channel
from domain.language.phrases import Phrase
from domain.language.render import Language
from domain.reasons import ReasonCode

P, R = Phrase, ReasonCode

TEMPLATES: dict[Phrase | ReasonCode, str] = {
    # The loan, and what came in about it.
    P.LOAN: (
        "Loan {loan}: {product} under the law of {jurisdiction}, in {loan_currency}. Instalments: "
        "{instalments}, due from {first_due_on} to {last_due_on}."
    ),
    P.LUMP_SUM_LOAN: (
        "Loan {loan}: {product} under the law of {jurisdiction}, in {loan_currency}. One "
        "repayment, due on {due_on}."
    ),
    P.TRIED_BEFORE: (
        "Before the loan came here, the lender had tried these steps for the arrears since "
        "{delinquent_since}: {steps}."
    ),
    P.NEXT_REVIEW: "The next review is on {review_on}.",
    P.NO_REVIEW_AFTER_WRITE_OFF: (
        "There is no next review: the loan was written off on {written_off_on}."
    ),
    P.NO_NEXT_REVIEW: "There is no next review until a fact changes.",
    P.PAYMENT: "Payment {payment} of {amount} {currency}, paid on {paid_on}, was recorded.",
    P.ALLOCATED: "It was allocated to {allocations}.",
    P.ALLOCATION: "{component} due on {due_on} ({amount})",
    P.LEFT_OVER: "Left over: {amount}.",
    P.REVERSED: "Payment {payment} of {amount} {currency} was reversed as of {reversed_on}.",
    P.PROMISE: (
        "Promise {promise} to pay {amount} {currency} by {due_on} was recorded by {actor}."
    ),
    P.PROMISE_KEPT: "Promise {promise} was kept.",
    P.PROMISE_BROKEN: "Promise {promise} was broken: its day is over.",
    P.PROMISE_WITHDRAWN: "Promise {promise} was withdrawn, or replaced by another.",
    P.LOAN_WRITTEN_OFF: "The lender wrote the loan off as of {written_off_on}.",
    P.HOLD_RELEASED: (
        "The hold ({hold}) of {starts_on} was released: {ends_on} is the first day without it."
    ),
    P.CONTACTS_CHANGED: "The borrower's contacts were changed: {changed}.",
    P.REPLIED: "The borrower wrote back by text ({reply}).",
    P.REPLY_ASSIGNED: "The borrower's text was assigned to {staff} to read.",
    P.REPLY_HANDLED: "The borrower's text was handled by {actor}.",
    P.TAPE_BROUGHT_IN: "Tape {file} as of {as_of} brought the loan in: {after}.",
    P.TAPE_CHANGED: (
        "Tape {file} as of {as_of} changed the amounts: {before} before, {after} now."
    ),
    P.TAPE_CHANGED_NOTHING_DUE: (
        "Tape {file} as of {as_of} changed the loan or its borrower: {after}, as before."
    ),
    P.STANDING: "days past due {days_past_due}, {past_due} {currency}",
    P.NOTHING_DUE: "nothing past due",
    P.OPENED_LETTER: "The letter for {item} was opened by {actor}, to be printed.",
    P.OPENED_NUMBER: "The number was shown to {actor} for {item}, to be called.",
    P.OPENED_ADDRESS: "The address was shown to {actor} for {item}, to be visited.",
    P.OPENED_REPLY: "What the borrower wrote was shown to {actor}, to be read and answered.",
    P.OPENED_EVERYTHING: "All that is held about the borrower was handed to {actor}.",
    P.ERASED: "What was held about the borrower was erased by {actor}.",
    P.HOLD: "A hold ({hold}) was placed by {actor}, from {starts_on} up to {ends_on}.",
    P.HOLD_UNTIL_RELEASED: (
        "A hold ({hold}) was placed by {actor}, from {starts_on} until it is released."
    ),
    P.OPTED_OUT: "The borrower opted out of contact by {channel} (source: {source}).",
    P.PROBLEM: "A problem was found ({problem}): {detail}",
    P.PROBLEM_RESOLVED: "The problem ({problem}) was resolved.",
    P.PROBLEM_RESOLVED_BY: "The problem ({problem}) was resolved by {resolved_by}.",
    P.EVENT_WAITS: "An event ({event_kind} {event_id}) came in and waits to be applied.",
    P.EVENT_REJECTED: "An event ({event_kind} {event_id}) came in and was rejected.",
    P.EVENT_DISCARDED: "An event ({event_kind} {event_id}) came in, and a person discarded it.",
    # A review of the loan.
    P.PAST_DUE: (
        "Reviewed: past due since {delinquent_since}, days past due {days_past_due}, {past_due} "
        "{currency}."
    ),
    P.ON_LADDER_DAY: "Ladder {ladder} v{ladder_version}, ladder day {ladder_day}, {position}.",
    P.IN_STEP: "step {step}",
    P.IN_NO_STEP: "a rest between steps",
    P.BY_LADDER: "Ladder {ladder} v{ladder_version}.",
    P.PACKS: "Rule packs: {packs}.",
    P.NO_PACKS: "No rule pack was known.",
    P.OUTCOME_ACT: "Something is to be done.",
    P.OUTCOME_WAIT: "Nothing more is to be done today.",
    P.OUTCOME_HELD: "Nothing is done: a hold ({hold}) pauses the ladder.",
    P.OUTCOME_IN_GRACE: "Nothing is done: the ladder's days of grace are not over.",
    P.OUTCOME_BELOW_MINIMUM: "Nothing is done: less is past due than the ladder's minimum.",
    P.OUTCOME_NO_LADDER: "Nothing is done: no ladder is for this loan.",
    P.OUTCOME_NOT_PAST_DUE: "Reviewed: nothing is past due, so nothing is done.",
    P.OUTCOME_WRITTEN_OFF: "Nothing is done: the loan was written off.",
    P.WAITS_FOR: "What is due waits until these steps have been tried: {steps}.",
    P.CASE_OPENED: "A case was opened.",
    P.CASE_CLOSED: "The case was closed.",
    # An action, and its moves.
    P.PLANNED: (
        "{item} ({action_type}) of step {step} was planned by ladder {ladder} v{ladder_version}, "
        "for the arrears since {delinquent_since}."
    ),
    P.PLANNED_FOR_APPROVAL: (
        "{item} ({action_type}) of step {step} was planned by ladder {ladder} v{ladder_version}, "
        "for the arrears since {delinquent_since}, and waits for approval."
    ),
    P.PLANNED_TOO_LATE: (
        "{item} ({action_type}) of step {step} in ladder {ladder} v{ladder_version} was skipped: "
        "its days had passed."
    ),
    P.APPROVED: "{item} was approved by {actor} as {role}.",
    P.MOVED_PLANNED: "{item} is planned and waits for its time.",
    P.MOVED_DEFERRED: "{item} was deferred.",
    P.MOVED_FAILED: "{item} had no effect and will be tried again.",
    P.MOVED_UNKNOWN: "{item} may have had its effect, so it is not repeated.",
    P.MOVED_DEAD: "{item} was given up; a person may retry it.",
    P.MOVED_DISCARDED: "{item} was discarded.",
    P.MOVED_SKIPPED: "{item} was skipped.",
    P.MOVED_ASSIGNED: "{item} is assigned.",
    P.MOVED_DONE: "{item} is done.",
    P.MOVED_CANCELLED: "{item} was called off.",
    P.MOVED_BARRED: "{item} is barred for good.",
    P.UNTIL: "Not before {until}.",
    P.UNTIL_A_FACT_CHANGES: "Not before a fact changes.",
    P.WHY: "Why: {reason}",
    P.RULES: "Rules: {rules}.",
    P.RULE: "{rule} ({citation})",
    P.RULE_FOR_REVIEW: "{rule} ({citation}; confidence {confidence}, review needed)",
    P.CONFIDENCES: (
        "Confidence says how a rule's source was read: V the primary text, S a secondary source, "
        "G general knowledge. Review needed: nobody has checked it against the primary text."
    ),
    P.RULE_OF_THE_LENDER: "{rule} (a rule of the lender)",
    P.RULE_NOT_LOADED: "{rule} (not loaded any more)",
    # What was done.
    P.CONTACT: "The gate allows {item} to reach the borrower by {channel} at this moment.",
    P.CONTACT_TO_COME: "The gate allows {item} to reach the borrower by {channel} on {at}.",
    P.LOCAL_TIME: "For the borrower that is {local} ({zone}).",
    P.MESSAGE: (
        "A text for {item} was written from template {template} version {version} ({language}), in "
        "{segments} segment(s), and given to {provider}."
    ),
    P.MESSAGE_NOT_SENT: "The text for {item} given to {provider} certainly was not sent.",
    P.MESSAGE_REFUSED: "{provider} refused the text for {item}.",
    P.MESSAGE_PARKED: (
        "Nobody could tell whether the text for {item} given to {provider} was sent: it is left "
        "to a person to find out."
    ),
    P.CODE: "The provider's code is {provider_code}.",
    P.RECEIPT: "The provider reports the text for {item} as {receipt}.",
    P.CALL: "{item} was assigned to {staff}, to be made in {language}.",
    P.CALL_CALLED_OFF: "The call {item}, assigned to {staff}, was called off.",
    P.OUTCOME: "{actor} reported the result of the {channel} for {item}: {outcome}.",
    P.ARREARS_REASON: "Why it is overdue, as the borrower said: {arrears_reason}.",
    P.MUST_LEARN: "It must learn: {topics}.",
    P.MAY_OFFER: "It may offer: {offers}.",
    P.VISIT: "{item} was scheduled from {starts_at} to {ends_at}, for {staff}.",
    P.VISIT_CALLED_OFF: "The visit {item} of {starts_at}, for {staff}, was called off.",
    P.DOCUMENT: (
        "A document ({document}) for {item} was written from template {template} version {version} "
        "({language})."
    ),
    P.LEGAL_FILE: (
        "A legal file was opened for {item}: principal {principal}, interest {interest}, fees "
        "{fees} {loan_currency}."
    ),
    P.LIMITATION: "The claim can be brought until {limitation_on}.",
    P.MET: "On file: {needs}.",
    P.MISSING: "Still missing: {needs}.",
    P.TIMES: "Times are those of {zone}.",
    # Reasons: the contact gate, and its rules.
    R.CURED: "Nothing is past due any more.",
    R.BELOW_MINIMUM: "Less is past due than the ladder acts on.",
    R.NO_RULE_PACK: "No rule pack is known for the jurisdiction.",
    R.CONTACT_CEASED: "The borrower asked not to be contacted any more.",
    R.OPTED_OUT_OF: "The borrower opted out of contact by {channel}.",
    R.NO_ZONE: "The borrower's time zone is not known.",
    R.NO_ADDRESS: "There is no usable number or address for contact by {channel}.",
    R.ON_HOLD: "A hold ({hold}) is in force.",
    R.ON_HOLD_UNTIL_RELEASED: "A hold ({hold}) is in force until it is released.",
    R.NO_COMMON_MOMENT: "No moment is lawful in all of the borrower's time zones.",
    R.NO_CONTACT_HOURS: "No contact hours are known for contact by {channel}.",
    R.NO_THIRD_PARTY_RULE: "No rule is known about contact with third parties.",
    R.NO_RULE_FORBIDS: "No rule forbids it.",
    R.AGAINST_RULE: "Against {citation}.",
    R.OUTSIDE_HOURS: "Outside the contact hours of {citation}.",
    R.NO_HOURS_AHEAD: "No contact hours of {citation} come within {days} days.",
    R.CAP_REACHED: "As many contacts as {citation} allows within {window} have been made.",
    R.CAP_REACHED_IN_DAYS: (
        "As many contacts as {citation} allows within any {days} days in a row have been made."
    ),
    R.CAP_NEVER_FREE: "{citation} leaves no room for it.",
    R.LIMITATION_UNKNOWN: "The day from which the time to sue runs is not known.",
    R.LIMITATION_OVER: "The time to sue has run out: {citation}.",
    R.MESSAGE_LACKS: "The message lacks what {citation} asks for: {says}.",
    R.MESSAGE_SAYS: "The message says what {citation} forbids: {says}.",
    R.THIRD_PARTY_FORBIDDEN: "{citation} forbids contact with third parties.",
    R.THIRD_PARTY_IF_UNREACHABLE: (
        "{citation} allows it only when the borrower cannot be reached: the number is invalid, or "
        "{failures} calls in a row failed."
    ),
    R.VALIDATION_NOTICE_MISSING: (
        "The written notice that {citation} asks for within {days} days of the first contact is "
        "not on record."
    ),
    R.VISIT_STAFF: "{citation} asks for {staff} people on a visit.",
    R.VISIT_NOTICE_MISSING: "{citation} asks for a notice before a visit.",
    R.VISIT_NOTICE_TOO_SHORT: "Sooner after its notice than {citation} allows.",
    # Reasons: the moves of an action.
    R.SUPERSEDED: "What it was planned for is paid, and other arrears took its place.",
    R.WRITTEN_OFF: "The loan was written off.",
    R.REMOVED_BY_POLICY: "The ladder does not ask for it any more.",
    R.PAUSED: "A hold pauses the ladder.",
    R.DAYS_PASSED: "Its days had passed.",
    R.EVENT_PENDING: "An event about it came in and is not applied yet.",
    R.NOT_TO_BE_MADE: "It is not to be made any more.",
    R.AWAITS_APPROVAL: "It waits for approval by a {role}.",
    R.APPROVED_AS: "A {role} approved it.",
    R.APPROVAL_REFUSED: 'It was refused by {actor}, a {role}: "{why}".',
    R.NOT_APPROVED: "A {role} has not approved it.",
    R.STEPS_NOT_TRIED: "These steps were not tried yet: {steps}.",
    R.NO_CHECKLIST: "No legal checklist is known for {jurisdiction}.",
    R.CALLED_OFF: 'It was called off by {actor}: "{why}".',
    R.RETRIED: "It was retried by {actor}.",
    R.DISCARDED: "It was discarded by {actor}.",
    R.EVENT_DISCARDED_BY: 'It was discarded by {actor}: "{why}".',
    R.ATTEMPT_MADE: "It was made: {outcome}.",
    R.COLLECTOR_HAS_CALL: "A collector has the call.",
    R.VISITORS_HAVE_VISIT: "Two visitors have the visit.",
    R.LEGAL_FILE_OPEN: "A legal file is open.",
    R.FAILED: "It could not be carried out ({error}). See the log of the worker.",
    R.FAILED_SAYING: 'It could not be done: "{message}"',
    R.REVIEW_FAILED: "The loan could not be decided ({error}). See the log of the worker.",
    # Reasons: nobody is free for a call or a visit.
    R.NO_CALLERS: "There are no callers on the roster.",
    R.NO_CALLER_SPEAKS: "No caller on the roster speaks {language}.",
    R.NO_CALLER_TRAINED: "No caller who speaks {language} was trained within the last year.",
    R.CALLERS_FULL: "Every caller on shift who speaks {language} has a full day.",
    R.NO_CALLER_ON_SHIFT: "No caller who speaks {language} is on shift.",
    R.NO_TWO_VISITORS: "No two visitors who could go together are free within {days} days.",
    R.NO_VISITOR_SPEAKS: (
        "No visitor who goes there speaks {language}. Add one who does to the roster."
    ),
    # Reasons: a text, and its provider.
    R.PROVIDER_HAS_IT: "The provider has it.",
    R.PROVIDER_LISTS_IT: "The provider has it on its list of what it sent.",
    R.PROVIDER_REFUSED: "The provider refused the text (code {provider_code}).",
    R.PROVIDER_REFUSED_WITH_CODE: (
        "{provider} refused the text with code {provider_code}: see {see}."
    ),
    R.PROVIDER_FAILED: "The provider could not send it (code {provider_code}).",
    R.EVERY_PROVIDER_REFUSED: "Every provider of the number's route has refused the text.",
    R.ANOTHER_PROVIDER: "Another provider is asked.",
    R.RECEIPT_PROVES_SENT: "A receipt proves that it was sent.",
    R.RECEIPT_PROVES_SENT_AFTER_ALL: "A receipt proves that its text was sent after all.",
    R.TEXT_NOT_SENT: "Its text certainly was not sent.",
    R.TEXT_NOT_SENT_AGAIN: "Its text certainly was not sent, once more.",
    R.SAID_SENT: "Its text was sent, says {actor}.",
    R.SAID_NOT_SENT: "Its text was not sent, says {actor}.",
    R.SENDER_STOPPED: "Its sender stopped before it recorded the provider's answer.",
    R.MAY_BE_SENT: "The text may or may not have been sent.",
    R.NO_CONNECTION: "No connection to {provider} could be made.",
    R.NO_ANSWER_IN_TIME: "{provider} did not answer in time.",
    R.CONNECTION_BROKE: "The connection to {provider} broke before the answer came.",
    R.ANSWER_UNREADABLE: "The answer of {provider} could not be read ({error}).",
    R.ANSWER_WITHOUT_ID: "The answer of {provider} does not name the message.",
    R.ANSWERED_STATUS: "{provider} answered with HTTP status {status}.",
    R.ANSWERED_ERROR: "{provider} answered with an error of its own.",
    R.TOO_MANY_REQUESTS: "{provider} asks for fewer requests at a time.",
    R.TEXTS_LIMITED: "{provider} asks for fewer texts at a time, or fewer to this number.",
    R.QUEUE_FULL: "Too many of the sender's texts wait at {provider}.",
    R.BAD_CREDENTIALS: (
        "{provider} does not accept the account's credentials; correct them in the settings."
    ),
    R.BAD_CREDENTIALS_OR_CLOCK: (
        "{provider} does not accept the account's credentials, or this machine's clock is wrong; "
        "correct them."
    ),
    R.NUMBER_INVALID: "The number is not a valid telephone number.",
    R.NUMBER_CANNOT_RECEIVE: "The number cannot receive texts.",
    R.NUMBER_UNREACHABLE_FROM_SENDER: (
        "The sender cannot send texts to this number; check the sender in the settings."
    ),
    R.REGION_NOT_PERMITTED: "The account may not send texts to the number's region.",
    R.SENDER_INVALID: (
        "The sender is not a valid telephone number; correct the sender in the settings."
    ),
    R.SENDER_NOT_OURS: (
        "The sender is not one of the account's numbers; correct the sender in the settings."
    ),
    R.SENDER_NOT_REGISTERED: (
        "The sender is not registered with the carriers; register it, or use another."
    ),
    R.OPTED_OUT_OF_SENDER: "The borrower has opted out of texts from this sender.",
    R.TEXTS_REFUSED_BY_BORROWER: "The borrower, or the borrower's carrier, has refused texts.",
    R.DAILY_LIMIT_USED: "The account has used up the texts that it may send in a day.",
    R.TEMPLATE_NOT_REGISTERED: (
        "The text {template} in {language} is not registered with {provider}."
    ),
    R.TEMPLATE_VALUES_MISSING: (
        "The text {template} is registered with {provider} with {missing}, which it does not have "
        "here."
    ),
    # Reasons: what came of an event from outside.
    R.LOAN_NOT_KNOWN: "Loan {loan} is not known. Import it; the {event} is kept.",
    R.BORROWER_NOT_KNOWN: "Borrower {borrower} is not known. The {event} is kept.",
    R.BORROWER_WAS_ERASED: "What was held about borrower {borrower} was erased.",
    R.NO_NEW_CONTACTS_AFTER_ERASURE: (
        "What was held about borrower {borrower} was erased on {on}. New contacts come with a new "
        "loan."
    ),
    R.EVENT_TOO_LATE: "What is held about the borrower was erased before this could be applied.",
    R.DATE_IN_FUTURE: "{on} has not come yet. Report it for loan {loan} when it is done.",
    R.WRONG_CURRENCY: (
        "The amount is in {given_currency} and loan {loan} in {loan_currency}. Convert it and "
        "record it under another id."
    ),
    R.AMOUNT_NOT_PAYABLE: (
        "{amount} is not an amount that can be paid: it must be more than zero, below a hundred "
        "thousand million, and in whole hundredths."
    ),
    R.PAYMENT_CURED: "Nothing is past due any more; what was planned is called off.",
    R.STILL_PAST_DUE: (
        "{amount} {currency} is still past due since {delinquent_since}; days past due: "
        "{days_past_due}."
    ),
    R.LEFT_OVER_OF_PAYMENT: "{amount} {currency} of it is left over: nothing owed is unpaid.",
    R.PAYMENT_IN_TAPE: (
        "Payment {payment} is in the tape of {on} already, for it was booked before that day: it "
        "is noted, and allocated to nothing."
    ),
    R.PAYMENT_KNOWN: "Payment {payment} is on record already; nothing changed.",
    R.PAYMENT_ID_TAKEN: (
        "Payment {payment} is on record for loan {loan}, over {amount} {currency}. Record another "
        "payment under an id of its own."
    ),
    R.PAYMENT_IN_FUTURE: (
        "Payment {payment} is dated {on}, which has not come yet. Report it when it is booked, or "
        "correct its date."
    ),
    R.PAYMENT_NOT_KNOWN: "Payment {payment} is not known. Record it; the reversal is kept.",
    R.REVERSAL_KNOWN: "Payment {payment} was reversed on {on}; nothing changed.",
    R.REVERSAL_BEFORE_PAYMENT: (
        "Payment {payment} was paid on {paid_on}, so it cannot have been reversed on {on}. Correct "
        "the date."
    ),
    R.REVERSAL_IN_TAPE: (
        "Payment {payment} is in the tape of {on}; its reversal is noted, and the next tape shows "
        "what is owed again."
    ),
    R.WRITE_OFF_KNOWN: "Loan {loan} was written off on {on}; nothing changed.",
    R.WRITE_OFF_IN_FUTURE: (
        "{on} has not come yet. Report the write-off of loan {loan} when it is done."
    ),
    R.WRITE_OFF_RECORDED: "Loan {loan} is written off: it is not collected here any more.",
    R.PROMISE_KNOWN: "Promise {promise} is on record already; nothing changed.",
    R.PROMISE_FOR_WRITTEN_OFF: (
        "Loan {loan} was written off on {on}, and is not collected here: there is nothing that a "
        "promise could pause."
    ),
    R.PROMISE_IN_PAST: "Promise {promise} is for {on}, which has passed. Ask for a day to come.",
    R.PROMISE_NOT_KNOWN: "Promise {promise} is not known. Its withdrawal is kept.",
    R.PROMISE_OVER: "Promise {promise} is {promise_status} already; nothing changed.",
    R.PROMISE_TAKEN_BACK: "Promise {promise} is withdrawn; the ladder goes on where it stood.",
    R.LADDER_PAUSES_UNTIL: "The ladder of loan {loan} pauses until {ends_on}.",
    R.LADDER_PAUSES: "The ladder of loan {loan} pauses from {starts_on} up to {ends_on}.",
    R.LADDER_PAUSES_UNTIL_RELEASED: (
        "The ladder of loan {loan} pauses from {starts_on} until it is released."
    ),
    R.HOLD_KIND_UNKNOWN: ("{given} is not a kind of hold that can be placed. Use one of {known}."),
    R.HOLD_DATES_REVERSED: (
        "Hold {hold_id} ends on {ends_on}, before it starts on {starts_on}. Correct its dates."
    ),
    R.HOLD_KNOWN: "Hold {hold_id} is on record already; nothing changed.",
    R.HOLD_NOT_KNOWN: "Hold {hold_id} is not known. Its release is kept.",
    R.HOLD_OVER_BY_THEN: "Hold {hold_id} ends by then already; nothing changed.",
    R.HOLD_ENDS: "Hold {hold_id} ends on {ends_on}; the ladder goes on where it stood.",
    R.CONTACTS_UP_TO_DATE: "The contacts of borrower {borrower} are up to date.",
    R.ZONES_NOT_KNOWN: "{zones}: not a time zone. Write Asia/Shanghai.",
    R.LOCALE_UNREADABLE: "{locale} is not a locale. Write it as zh-Hans or en.",
    R.LOCALE_WITHOUT_TEMPLATES: ("There are no templates in {locale}. There are some in {known}."),
    R.NUMBER_NOT_IN_USE: "The number is not a telephone number in use. Ask for another.",
    R.NOBODY_CONTACTS: "Nobody contacts borrower {borrower} any more.",
    R.NOT_REACHED_BY: "Borrower {borrower} is not reached by {channel} any more.",
    R.RECEIPT_OF_UNKNOWN_TEXT: "The receipt is for a message that is not on record here.",
    R.RECEIPT_RECORDED: "Message {text}: {receipt}.",
    R.RECEIPT_OF_UNSENT_TEXT: "Message {text}: {receipt}, although it counted as not sent.",
    R.ATTEMPT_NOT_KNOWN: "No attempt {attempt} is known. Its outcome is kept.",
    R.OUTCOME_DIFFERS: (
        "The outcome of attempt {attempt} is on record as {outcome}. What is on record is not "
        "changed."
    ),
    R.OUTCOME_KNOWN: "The outcome of attempt {attempt} is on record already; nothing changed.",
    R.OUTCOME_RECORDED: "The {channel} of loan {loan} came to: {outcome}.",
    R.OUTCOME_RECORDED_TRY_AGAIN: (
        "The {channel} of loan {loan} came to: {outcome}. It may be tried again."
    ),
    R.VISIT_NOT_STARTED: (
        "Visit {attempt} was not started, so nothing can have come of it. Call it off to free its "
        "visitors."
    ),
    R.ARREARS_REASON_MISSING: (
        "That call was to learn why the loan is overdue. Give the reason: one of {known}."
    ),
    R.VALIDATION_NOTICE_RECORDED: "The validation notice of loan {loan} was given on {on}.",
    R.DEBT_ACKNOWLEDGED: "The debt of loan {loan} was acknowledged on {on}.",
    # Reasons: defects of a loan's data.
    R.NO_LADDER_FOR: (
        "No ladder in force is for {product} in {jurisdiction} in {currency}, so nothing is done "
        "about the loan. Add a ladder, or correct the tape."
    ),
    R.TAPE_SHOWS_LESS: (
        "The tape of {on} shows {amount} {currency} less paid than is on record, which was kept. "
        "If the tape is older than that date, bring in a newer one; if money was taken back, "
        "record the reversal of its payment."
    ),
    R.CURRENCY_CHANGED: (
        "A tape gives the loan in another currency; it was left as it is. Ask the lender."
    ),
    R.PHONE_MISSING: "The tape has no telephone number; ask the lender for one.",
    R.PHONE_NOT_IN_USE: "{phone} is not a telephone number in use; ask the lender for another.",
    R.ZONE_MISSING: (
        "No time zone is known for the borrower's address, so nothing may reach them; ask the "
        "lender for the region."
    ),
    R.SENT_AFTER_ALL: (
        "The text of {item} was sent after all, although it counted as not sent. The borrower may "
        "have got it twice."
    ),
    R.TEXTED_TWICE: "The provider has a text more on its list than it was asked to send.",
    # Reasons: the lender's systems, as receivers of events.
    R.RECEIVER_TOOK_IT: "The receiver has it.",
    R.RECEIVER_GONE: "The receiver wants no such events (410).",
    R.RECEIVER_ANSWERED: "The receiver answered {status}.",
    R.RECEIVER_SILENT: "The receiver did not answer in time.",
    R.RECEIVER_UNREACHABLE: "The receiver could not be reached ({error}).",
    # What meets a need of a court.
    R.TEXT_DELIVERED_ON: "Message {sid}, delivered on {on}.",
    R.ATTEMPT_ON_RECORD: "Attempt {attempt} of {on}: {outcome}.",
    R.CLAIM_IN_PARTS: (
        "Principal {principal}, interest {interest}, fees {fees} {loan_currency}; instalments: "
        "{instalments}."
    ),
    R.LIMITATION_DATE: "The claim can be brought until {limitation_on}.",
}

WORDS: dict[str, dict[str, str]] = {
    "action_type": {each: each.words["en"] for each in ACTION_TYPES.values()},
    "arrears_reason": {},
    "changed": {
        "phone_encrypted": "the number",
        "address_encrypted": "the address",
        "zones": "the time zones",
        "locale": "the language",
    },
    "channel": {Channel.SMS: "text"},
    "component": {},
    "document": {},
    "event": {
        "contact_change": "change of contacts",
        "opt_out": "opt-out",
        "write_off": "write-off",
    },
    "event_kind": {},
    "hold": {},
    "language": {},
    "offers": {},
    "outcome": {},
    "problem": {},
    "promise_status": {},
    "provider": {"tencent": "Tencent Cloud", "twilio": "Twilio"},
    "receipt": {},
    "reply": {},
    "role": {},
    "says": {},
    "topics": {},
    "window": {"day": "a calendar day", "week": "a calendar week", "month": "a calendar month"},
}
"""By the name of a value. An empty table: the words themselves, with spaces."""

ENGLISH = Language(TEMPLATES, WORDS, between_sentences=" ", between_listed=", ")
