"""Keys, DSSE and in-toto, cosign's storage, verification.

`signer` is the interface file: what signs, and what a signature is checked with; `keys` is where
signers come from. `dsse`, `statement`, `bundle`, `simplesigning` and `predicates` are the formats,
`storage` (bundles) and `legacy` are where they lie, `publication` writes and `verification` reads
and believes.
"""
