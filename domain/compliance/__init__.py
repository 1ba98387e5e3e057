"""The contact gate, the kinds of rules it asks, and the facts that the rules are asked about."""
