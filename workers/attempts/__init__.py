"""What calls and visits have in common: an attempt begins, and its outcome is recorded."""
