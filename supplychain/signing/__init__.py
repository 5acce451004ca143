"""Keys, DSSE and in-toto, cosign's storage, verification."""
