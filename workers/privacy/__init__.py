"""Personal data: where it stands, how long it is kept, who may see it, and how it goes."""
