"""The sentences in English and Chinese."""
