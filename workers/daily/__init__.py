"""The daily history: each day is closed once, with its totals, and each month with its book."""
