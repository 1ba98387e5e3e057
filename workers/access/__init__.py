"""Who somebody is, and whether they may: tokens, machines, second persons, administrators."""
