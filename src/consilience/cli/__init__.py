"""The command line: each public file is one command, each public folder a group of them.

Whatever takes long to import is imported inside a command.
"""

from __future__ import annotations

from consilience.cli._app import app, main

__all__ = ["app", "main"]
