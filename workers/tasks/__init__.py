"""The Celery tasks: parse ids, call one use case, report the result.

One file for each queue; `actions.py` has the tasks of all action types.
"""
