"""config says: typed settings, and the lender's policy and the law as versioned data.

The loaders turn data files into domain objects and refuse what they cannot vouch for, naming the
file, the line and the remedy.
"""
