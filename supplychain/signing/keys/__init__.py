"""Where signing keys are kept, and how each kind of place is reached.

`reference` is the way in: it reads what a user typed for a key and opens it. `material` is key
files wherever they lie: on disk, in a variable, in a mounted folder, in a `kubernetes` secret;
`keyfile` is their format, `pair` writes them, `importing` takes others. `remote` is a key that
never leaves its place: `transit` (Vault, OpenBao), `aws`, `google`, `azure`, `pkcs11`.
"""
