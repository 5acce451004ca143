"""Scanners: verified bytes to findings."""
