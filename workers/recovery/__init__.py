"""Bring a database up to date that was restored from a backup, before anybody is contacted."""
