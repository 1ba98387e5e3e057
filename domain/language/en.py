"""What the house says, in English."""

from __future__ import annotations

from domain.actions import ACTION_TYPES
from domain.compliance.vocabulary import Channel
from domain.language.phrases import Language, Phrase

P = Phrase

PHRASES: dict[Phrase, str] = {
    P.LOAN: (
        "Loan {loan}: {product} under the law of {jurisdiction}, in {currency}. Instalments: "
        "{instalments}, due from {first_due_on} to {last_due_on}."
    ),
    P.TRIED_BEFORE: (
        "Before the loan came here, the lender had tried these steps for the arrears since "
        "{delinquent_since}: {steps}."
    ),
    P.NEXT_LOOK: "The next look is on {review_on}.",
    P.NO_LOOK_ANY_MORE: "There is no next look: the loan was written off on {written_off_on}.",
    P.NO_NEXT_LOOK: "There is no next look until a fact changes.",
    P.PAYMENT: "Payment {payment} of {amount} {currency}, paid on {paid_on}, was recorded.",
    P.LAID_AGAINST: "It was laid against {allocations}.",
    P.ALLOCATION: "{component} due on {due_on} ({amount})",
    P.LEFT_OVER: "Left over: {amount}.",
    P.REVERSED: "Payment {payment} of {amount} {currency} was reversed as of {reversed_on}.",
    P.PROMISE: (
        "Promise {promise} to pay {amount} {currency} by {due_on} was recorded by {actor}."
    ),
    P.PROMISE_KEPT: "Promise {promise} was kept.",
    P.PROMISE_BROKEN: "Promise {promise} was broken: its day is over.",
    P.PROMISE_WITHDRAWN: "Promise {promise} was withdrawn, or replaced by another.",
    P.WRITTEN_OFF: "The lender wrote the loan off as of {written_off_on}.",
    P.HOLD_RELEASED: (
        "The hold ({kind}) of {starts_on} was released: {ends_on} is the first day without it."
    ),
    P.CONTACTS_CHANGED: "The borrower's contacts were changed: {changed}.",
    P.PHONE_CHANGED: "the number",
    P.ADDRESS_CHANGED: "the address",
    P.ZONES_CHANGED: "the time zones",
    P.LOCALE_CHANGED: "the language",
    P.REPLIED: "The borrower wrote back by text ({kind}).",
    P.REPLY_ASSIGNED: "The borrower's text was given to {staff} to read.",
    P.REPLY_HANDLED: "The borrower's text was seen to by {actor}.",
    P.TAPE_BROUGHT_IN: "Tape {file} as of {as_of} brought the loan in: {after}.",
    P.TAPE_CHANGED: (
        "Tape {file} as of {as_of} told of other amounts: {before} before, {after} now."
    ),
    P.TAPE_CHANGED_NOTHING_DUE: (
        "Tape {file} as of {as_of} told news of the loan or its borrower: {after}, as before."
    ),
    P.STANDING: "days past due {days_past_due}, {past_due} {currency}",
    P.NOTHING_DUE: "nothing past due",
    P.OPENED_LETTER: "The letter for {item} was opened by {actor}, to be printed.",
    P.OPENED_NUMBER: "The number was shown to {actor} for {item}, to be called.",
    P.OPENED_ADDRESS: "The address was shown to {actor} for {item}, to be visited.",
    P.OPENED_REPLY: "What the borrower wrote was shown to {actor}, to be read and seen to.",
    P.OPENED_EVERYTHING: "All that is held about the borrower was handed to {actor}.",
    P.ERASED: "What was held about the borrower was erased by {actor}.",
    P.HOLD: "A hold ({kind}) was made by {actor}, from {starts_on} up to {ends_on}.",
    P.HOLD_UNTIL_RELEASED: (
        "A hold ({kind}) was made by {actor}, from {starts_on} until it is released."
    ),
    P.OPTED_OUT: "The borrower opted out of contact by {channel}; {source} told us.",
    P.PROBLEM: "A problem was found ({kind}): {detail}.",
    P.PROBLEM_RESOLVED: "The problem ({kind}) was put right.",
    P.PROBLEM_SETTLED: "The problem ({kind}) was seen to by {resolved_by}.",
    P.EVENT_WAITS: "An event ({kind} {event}) came in and waits to be applied.",
    P.EVENT_REJECTED: "An event ({kind} {event}) came in and was rejected.",
    P.EVENT_DROPPED: "An event ({kind} {event}) came in, and a person let go of it.",
    P.PAST_DUE: (
        "Looked at: past due since {delinquent_since}, days past due {days_past_due}, {past_due} "
        "{currency}."
    ),
    P.ON_LADDER_DAY: "Ladder {ladder}, ladder day {ladder_day}, {position}.",
    P.IN_STEP: "step {step}",
    P.IN_NO_STEP: "a rest between steps",
    P.BY_LADDER: "Ladder {ladder}.",
    P.PACKS: "Rule packs: {packs}.",
    P.NO_PACKS: "No rule pack was known.",
    P.OUTCOME_ACT: "Something is to be done.",
    P.OUTCOME_WAIT: "Nothing more is to be done today.",
    P.OUTCOME_HELD: "Nothing is done: a hold ({hold}) pauses the ladder.",
    P.OUTCOME_IN_GRACE: "Nothing is done: the ladder's days of grace are not over.",
    P.OUTCOME_BELOW_MINIMUM: "Nothing is done: less is past due than the ladder's minimum.",
    P.OUTCOME_NO_LADDER: "Nothing is done: no ladder is for this loan.",
    P.OUTCOME_NOT_PAST_DUE: "Looked at: nothing is past due, so nothing is done.",
    P.OUTCOME_WRITTEN_OFF: "Nothing is done: the loan was written off.",
    P.WAITS_FOR: "What is due waits until these steps have been tried: {steps}.",
    P.CASE_OPENED: "A case was opened.",
    P.CASE_CLOSED: "The case was closed.",
    P.PLANNED: (
        "{item} ({action_type}) of step {step} was planned by ladder {ladder}, for the arrears "
        "since "
        "{delinquent_since}."
    ),
    P.PLANNED_FOR_APPROVAL: (
        "{item} ({action_type}) of step {step} was planned by ladder {ladder}, for the arrears "
        "since "
        "{delinquent_since}, and waits for approval."
    ),
    P.PLANNED_TOO_LATE: (
        "{item} ({action_type}) of step {step} in ladder {ladder} was skipped: its days had passed."
    ),
    P.APPROVED: "{item} was approved by {actor} as {role}.",
    P.MOVED_PLANNED: "{item} is planned and waits for its time.",
    P.MOVED_DEFERRED: "{item} was deferred.",
    P.MOVED_FAILED: "{item} had no effect and will be tried again.",
    P.MOVED_UNKNOWN: "{item} may have had its effect, so it is not repeated.",
    P.MOVED_DEAD: "{item} was given up; a person may take it up again.",
    P.MOVED_DROPPED: "{item} was given up for good.",
    P.MOVED_SKIPPED: "{item} was skipped.",
    P.MOVED_ASSIGNED: "{item} is arranged.",
    P.MOVED_DONE: "{item} is done.",
    P.MOVED_CANCELLED: "{item} was called off.",
    P.MOVED_BARRED: "{item} is barred for good.",
    P.UNTIL: "Not before {until}.",
    P.UNTIL_A_FACT_CHANGES: "Not before a fact changes.",
    P.WHY: "Why: {reason}.",
    P.CURED: "nothing is past due any more",
    P.SUPERSEDED: "what it was planned for is paid, and other arrears took its place",
    P.RULES: "Rules: {rules}.",
    P.RULE: "{rule} ({citation})",
    P.RULE_FOR_REVIEW: "{rule} ({citation}; confidence {confidence}, review needed)",
    P.CONFIDENCES: (
        "Confidence says how a rule's source was read: V the primary text, S a secondary source, "
        "G general knowledge. Review needed: nobody has checked it against the primary text."
    ),
    P.RULE_OF_THE_LENDER: "{rule} (a rule of the house)",
    P.RULE_NOT_LOADED: "{rule} (not loaded any more)",
    P.CONTACT: "The gate allows {item} to reach the borrower by {channel} at this moment.",
    P.CONTACT_TO_COME: "The gate allows {item} to reach the borrower by {channel} on {at}.",
    P.LOCAL_TIME: "For the borrower that is {local} ({zone}).",
    P.MESSAGE: (
        "A text for {item} was written from template {template} version {version} ({locale}), in "
        "{segments} segment(s), and given to {provider}."
    ),
    P.MESSAGE_NOT_SENT: "The text for {item} given to {provider} certainly was not sent.",
    P.MESSAGE_REFUSED: "{provider} refused the text for {item}.",
    P.MESSAGE_PARKED: (
        "Nobody could tell whether the text for {item} given to {provider} was sent: it is left "
        "to a person to find out."
    ),
    P.CODE: "The provider's code is {code}.",
    P.RECEIPT: "The provider reports the text for {item} as {status}.",
    P.CALL: "{item} was assigned to {staff}, to be held in {language}.",
    P.CALL_CALLED_OFF: "The call {item}, assigned to {staff}, was called off.",
    P.OUTCOME: "{actor} said what came of the {channel} for {item}: {outcome}.",
    P.ARREARS_REASON: "Why it is overdue, as the borrower said: {reason}.",
    P.MUST_LEARN: "It must learn: {topics}.",
    P.MAY_OFFER: "It may offer: {offers}.",
    P.VISIT: "{item} was scheduled from {starts_at} to {ends_at}, for {staff}.",
    P.VISIT_CALLED_OFF: "The visit {item} of {starts_at}, for {staff}, was called off.",
    P.DOCUMENT: (
        "A document ({kind}) for {item} was written from template {template} version {version} "
        "({locale})."
    ),
    P.LEGAL_FILE: (
        "A legal file was opened for {item}: principal {principal}, interest {interest}, fees "
        "{fees} {currency}."
    ),
    P.LIMITATION: "The claim can be brought until {limitation_on}.",
    P.MET: "On file: {needs}.",
    P.MISSING: "Still missing: {needs}.",
}

WORDS: dict[str, str] = {
    **{action_type: action_type.words["en"] for action_type in ACTION_TYPES.values()},
    Channel.SMS: "text",
}

ENGLISH = Language(PHRASES, WORDS, between_sentences=" ", between_listed=", ")
