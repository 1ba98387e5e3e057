"""Starts PostgreSQL, Valkey and the product's own processes on this machine, and stops them."""
