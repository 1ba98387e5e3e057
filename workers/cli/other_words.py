"""What people type who look for a command and do not know its name."""

from collections.abc import Mapping

OTHER_WORDS: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("history", "loan", "story", "log"), ("explain",)),
    **dict.fromkeys(("pay", "payments", "repayment"), ("payment record",)),
    "fee": ("adjustment charge",),
    "waiver": ("adjustment waive",),
    **dict.fromkeys(("chargeback", "bounce"), ("payment reverse",)),
    **dict.fromkeys(("stop", "optout", "unsubscribe", "revoke"), ("opt-out", "hold place")),
    **dict.fromkeys(("pause", "freeze", "suspend"), ("hold place",)),
    **dict.fromkeys(("customer", "debtor", "client"), ("person show",)),
    **dict.fromkeys(("guarantor", "co-borrower"), ("party list",)),
    **dict.fromkeys(("phone", "contact"), ("number list", "number add")),
    **dict.fromkeys(("staff", "collectors"), ("roster list",)),
    **dict.fromkeys(("sms", "messages"), ("texts unconfirmed",)),
    **dict.fromkeys(("inbox", "replies"), ("worklist", "reply read")),
    **dict.fromkeys(("queue", "tasks", "todo"), ("worklist",)),
    **dict.fromkeys(("errors", "issues"), ("problems list",)),
    **dict.fromkeys(("upload", "ingest", "mapping"), ("tape import", "tape propose-mapping")),
    **dict.fromkeys(("restructure", "instalments"), ("schedule replace",)),
    **dict.fromkeys(("acceleration", "due"), ("adjustment accelerate",)),
    **dict.fromkeys(("writeoff", "charge-off"), ("write-off",)),
    **dict.fromkeys(("gdpr", "forget", "delete"), ("data-subject erase",)),
    **dict.fromkeys(("gate", "allowed"), ("may-contact",)),
    **dict.fromkeys(("init", "install", "upgrade"), ("migrate",)),
    **dict.fromkeys(("run", "server"), ("worker", "webhook", "beat")),
    **dict.fromkeys(("policy", "law", "laws"), ("rules", "ladder")),
}
"""Words that people try as commands, and the commands that they look for."""
