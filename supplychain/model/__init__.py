"""The nouns: frozen values that every room shares, on the standard library alone."""
