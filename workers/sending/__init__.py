"""What stops sending by itself: a database that is too old, a wrong clock, too many contacts."""
