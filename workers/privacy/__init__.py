"""Personal data: where it is stored, how long it is kept, and how it is exported and erased."""
