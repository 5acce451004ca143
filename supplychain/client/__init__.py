"""A server of ours as commands see it: what they ask of a record, asked over HTTP."""
