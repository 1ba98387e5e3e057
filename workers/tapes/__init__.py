"""Imports a loan tape, a lender's file of loans, in constant memory; checks each row by itself."""
