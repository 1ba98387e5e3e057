"""The same work as the textbooks have it: one message a loan, one ORM session a message.

Each module puts it on another queue, set up as the queue's own manual advises, and has `commands`
(the worker processes, two of them or one with two children), `READY` (what they print when they
are) and `announce`. What is done about a loan stands in `review.py`, the same for all of them: the
house's own ladder and gate decide, the ORM reads and writes.
"""
