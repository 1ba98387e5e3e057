"""Opens legal files, and records the dates from which the time to sue runs."""
