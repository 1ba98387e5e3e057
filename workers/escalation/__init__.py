"""Finds the loans that are due, decides what comes next for each, and records the decisions."""
