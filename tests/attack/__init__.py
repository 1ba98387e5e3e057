"""What was tried against Arrears, and whether it held: `make attack`."""
