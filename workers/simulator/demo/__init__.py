"""The demo: a sample loan book, worked for one day with simulated providers."""
