"""Sends texts: build, send, receipts, and finding out what became of a text without an answer."""
