"""Holds, disputes and promises to pay: what pauses the ladder of a loan."""
