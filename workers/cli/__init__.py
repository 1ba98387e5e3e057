"""The command line, for operators and for the lender's staff: one file for each noun."""
