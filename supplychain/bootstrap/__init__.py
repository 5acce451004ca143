"""The one place that names concrete classes: settings in, working parts out.

Everything heavy is imported where it is used: `gate` must not pay for what only `run` needs.
"""
