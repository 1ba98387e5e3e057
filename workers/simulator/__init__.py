"""A local simulation of servers and providers, for the demo and the tests only."""
