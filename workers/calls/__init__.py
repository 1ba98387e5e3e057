"""Assigns calls to collectors, and starts a call when its collector does."""
