"""Tables as they come: files and data frames in, one ``Table`` out."""

from __future__ import annotations

from consilience.data.table._table import Table
from consilience.data.table.join import join_tables, read_tables
from consilience.data.table.read import read_table
from consilience.data.table.write import check_suffix, write_table

__all__ = ["Table", "check_suffix", "join_tables", "read_table", "read_tables", "write_table"]
