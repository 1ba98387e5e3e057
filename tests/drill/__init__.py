"""The database is lost in the middle of a day and restored: `make restore-drill`."""
