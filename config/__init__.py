"""The settings, and the data files of the lender and of the law, with a version in each.

`config/readers` checks the files. An error names the file, the line and what to write instead.
"""
