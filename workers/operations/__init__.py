"""For operators: the status, the open problems, and the integrity checks."""
