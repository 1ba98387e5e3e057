"""The loan tape: a lender's file of loans, read in constant memory, each row judged on its own."""
