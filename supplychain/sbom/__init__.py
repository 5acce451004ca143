"""CycloneDX: make, check, validate, read."""
