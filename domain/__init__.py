"""domain decides: facts and a moment go in, decisions come out.

Standard library only. Nothing here reads a clock, a setting, a file or a database, so that every
rule can be tested with a table of examples.
"""
