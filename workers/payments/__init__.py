"""Payments, reversals of payments, and write-offs."""
