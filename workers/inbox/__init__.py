"""Events from outside: stored first, then applied, each of them once."""
