"""`python -m oddlens`."""

from oddlens.cli import entry

entry()
