"""Pure renderers of what the record holds."""
