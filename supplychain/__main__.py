"""`python -m supplychain`."""

from supplychain.cli import program

program()
