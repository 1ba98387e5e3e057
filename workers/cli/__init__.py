"""The command line: what operators, the lender's people and newcomers type."""
