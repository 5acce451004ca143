"""A team's day with the service: on one machine, and on PostgreSQL with workers of its own.

Everything goes through the public doors alone: HTTP with a token, and the command line.
"""
