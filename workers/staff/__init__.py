"""The lender's staff: the roster, and the work list of each person."""
