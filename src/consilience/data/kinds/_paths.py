"""From a name in a cell to the file that it means, where paths may lead anywhere and where they may not."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from consilience.core.errors import CellError
from consilience.data.table._confined import Confined, inside

__all__ = ["Outside", "locate"]


@dataclass(frozen=True)
class Outside:
    """Stands where a path would stand that leads out of a folder that must not be left. Nothing was opened, and nothing will be.

    Args:
        name: The path as the cell has it.
    """

    name: str

    def error(self) -> CellError:
        """What sets the row aside."""
        what = f"The path {self.name!r} leads out of the table's folder, where nothing of this table may be read."
        return CellError(what, hint="Put the file into that folder and name it from there.", file=self.name)


def locate(name: str, base: Path | None) -> Path | Outside | None:
    """The file a cell names, or None where there is none. Paths written on Windows are understood everywhere.

    Args:
        name: As the cell has it, with or without ``file://``.
        base: Folder from which a relative path starts. ``Confined``: a path out of it gives ``Outside``, whether there is a file or not.
    """
    for spelled in (name, name.replace("\\", "/")):
        spelled = spelled.removeprefix("file://")
        try:
            path = inside(base, spelled) if isinstance(base, Confined) else Path(os.path.abspath(Path(base or ".") / spelled))
            if path is None:
                return Outside(name)
            if path.is_file():
                return path
        except (ValueError, OSError):  # a zero byte in the name, a name that is too long
            return None
    return None
