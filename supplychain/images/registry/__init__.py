"""OCI and Docker registries over HTTP (OCI distribution specification 1.1).

Importing this package is free; `repository` and what it needs load `urllib3`.
"""
