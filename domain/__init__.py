"""The decisions: a function takes facts and a moment, and returns what to do.

It uses the standard library only. Nothing here reads a clock, a setting, a file or a database, so
that every rule can be tested with a table of examples.
"""
