"""What stands behind a signature: a key, or a certificate with its log entries and timestamps.

Everything in this package takes bytes and a clock and uses no network. `establish` brings it
together; `root` says which authorities and logs are believed.
"""
