"""local stands in for the outside world on one machine: for the demo, rehearsals and tests only."""
