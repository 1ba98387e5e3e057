"""Payments, reversals of payments, adjustments of what is owed, restructurings, and write-offs."""
