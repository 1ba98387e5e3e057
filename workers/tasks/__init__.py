"""The tasks: parse ids, call one use case, report what came of it."""
