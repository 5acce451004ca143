"""The demonstration: `make demo` runs `demo.run`."""
