"""The whole story of one loan, read from the records and told in order of time.

No sealed column is read here: no name, number or address can get into a story, nor can the free
words that people type.
"""

from workers.history.history import read_story

__all__ = ["read_story"]
