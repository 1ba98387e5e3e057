"""Schedules visits, prints their written notices, and starts a visit when the visitors do."""
