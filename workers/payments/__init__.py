"""Payments, reversals of payments, adjustments of what is owed, and write-offs."""
