"""A second, independent oracle of contacts.

It shares no code with `domain/`: it reads the packs' plain YAML and judges what was done, contact
by contact, from a log. `make judge` simulates a million borrower-days and has it read them all.
"""
