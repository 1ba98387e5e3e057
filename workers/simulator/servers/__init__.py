"""Starts PostgreSQL, Valkey and our own processes on this machine, and stops them again."""
