"""May this digest run there, and why?"""

__version__ = "0.1.0"
