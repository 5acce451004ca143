"""Signing without a key that anybody keeps, as the identity that an OIDC issuer vouches for.

sigstore-python speaks with the services; what it lacks (deadlines, patience, bounds) is put below
it, and what it returns counts once it was verified. Nothing here is imported before somebody signs.
"""
