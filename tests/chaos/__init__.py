"""A day of texting on which everything breaks: `make chaos`, see docs/chaos.md."""
