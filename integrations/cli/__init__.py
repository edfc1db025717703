"""The command line door."""

from integrations.cli.app import main

__all__ = ["main"]
