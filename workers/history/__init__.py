"""Explains one loan: everything that happened to it, in order of time, with the reasons.

No encrypted column is read here. So no name, number or address can get into the result, and no
free text that people typed.
"""

from workers.history.history import loan_history

__all__ = ["loan_history"]
