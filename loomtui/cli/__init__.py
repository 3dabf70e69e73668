"""The command line. What is heavy is imported inside the command that needs it, so that help is instant."""

from loomtui.cli.app import main

__all__ = ["main"]
