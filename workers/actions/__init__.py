"""Dispatches actions that are due, runs them, retries them, and gives them up as dead letters."""
