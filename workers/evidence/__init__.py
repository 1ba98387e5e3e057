"""Evidence of what was decided and done: chained by hash, so that no change of it goes unseen."""
