"""Resolve, scan, SBOM, sign, verify, record, gate: stages know nothing of each other."""
