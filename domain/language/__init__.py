"""The sentences: their codes, one file of texts for each language, and how they are rendered."""
