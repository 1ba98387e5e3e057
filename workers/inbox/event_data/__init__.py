"""The data of each kind of event that the lender posts: its fields, and what of it is stored.

These models are the request schema at /openapi.json as well. Unknown fields are refused, because a
field that no code reads would be lost without notice.
"""
