"""The attacks, each with what it tries. A test that tries one is marked `attack("its name")`."""

from collections.abc import Mapping

ATTACKS: Mapping[str, str] = {
    "forged actor": "act under an invented name, or with the token of somebody else",
    "self-promotion": "give oneself a role, and take it back afterwards",
    "own request": "grant what oneself has asked for",
    "beyond the role": "run every kind of command without the role that it needs",
    "a door that forgets": "call a use case that asks for no permission, or as nobody",
    "a colleague's call": "start the call that a colleague has, or name them as the caller",
    "beyond the scope": "send what the machine may not send, or was allowed before",
    "moved ciphertext": "put one borrower's encrypted number on another's row",
    "sealed for others": "open personal data with what the webhook has",
    "rights of a service": "change with a service's database role what it never changes",
    "forged chain rows": "stop the chain of evidence with rows that do not exist",
    "deleted chain ends": "delete the last links of the chain, and their heads",
    "altered approval or payment": "change what was approved or paid after it was recorded",
    "colliding event ids": "replace one sender's payment by another's of the same id",
    "forged signature": "change an event on its way, or send an old one again",
    "harvesting of numbers": "fetch one number after another through the dialer's door",
    "volume": "send far more than was planned for the day",
    "clock": "run with a clock that is a year off",
    "restore": "send again after an old back-up was restored",
    "read-only database": "lose a text that asks for no contact while nothing can be stored",
    "full broker": "lose work while the broker takes no message",
    "slow connections": "keep connections busy with calls that never end",
    "quadratic text": "keep a process busy with a text made for it",
    "poisonous rows": "stop a tape, a batch or a scan with one row",
    "terminal": "send control characters that reach an operator's terminal",
}
