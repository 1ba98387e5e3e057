"""What calls and visits have in common: an attempt starts, and its outcome is recorded."""
