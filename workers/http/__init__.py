"""The HTTP endpoints that providers and the lender's systems call: verify, store, answer."""
