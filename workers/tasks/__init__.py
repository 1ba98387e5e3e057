"""The Celery tasks, one file for each queue: parse ids, call one use case, report the result."""
