"""Evidence of decisions and contacts: chained by hash, so that a later change is detected."""
