"""Graphs: what is joined to what, as JSON or GraphML. Source: NetworkX's node-link form; GraphML of Brandes et al. (2001).

For molecules, networks of people, meshes and the like: a graph in each cell, not one graph whose nodes are the rows.
"""

from __future__ import annotations

import json
import re
from html import escape
from pathlib import Path
from typing import Any

import polars as pl

from consilience.core.errors import CellError
from consilience.core.hashing import hash_bytes
from consilience.core.registry import Card
from consilience.data.kinds._base import Evidence, Kind, Parsed, Profile
from consilience.data.kinds._cells import clean, clean_sample
from consilience.data.kinds._graph import Graph
from consilience.data.kinds._graph_picture import drawn
from consilience.data.kinds._graph_read import MAX_BYTES, graph_of, looks_like_graph
from consilience.data.kinds._graphs import AUGMENTATIONS, CORRUPTIONS
from consilience.data.kinds._media import TEXTS, content, content_key, parse_files, sample_files, sniff_files

__all__ = ["GraphKind"]

CARD = Card(
    summary='Graphs: JSON such as {"nodes": ["C", "O"], "edges": [[0, 1]]}, node-link JSON, GraphML; in the cell or in a file (json, graphml).',
    source="NetworkX node-link; GraphML of Brandes et al. (2001); JSON Graph Format",
    cost="low",
)

SUFFIXES = (".graphml", ".json")
HEAD = 65536
"""Bytes of a file that are looked at to tell whether it is a graph."""
EMPTY = re.compile(r'"nodes"\s*:\s*(\[\s*\]|\{\s*\}|0\s*[,}])')


class GraphKind(Kind):
    """Graphs: the value is the text of one, a ``Path`` or ``bytes``; ``read`` gives a ``Graph``.

    Edges have no direction; an edge that stands twice counts once. A graph without nodes is absent, with a problem. A graph of more than 200,000
    nodes, 1,000,000 edges or 16 MiB of text is not read, and neither is one with an edge to a node that is not there.

    >>> parsed = GraphKind().parse(pl.Series(['{"nodes": 3, "edges": [[0, 1], [1, 0]]}', '{"nodes": [], "edges": []}', None]))
    >>> parsed.present.tolist(), parsed.problems
    ([True, False, False], {1: 'The graph has no nodes.'})
    """

    modality = "graph"
    media = True
    corruptions = CORRUPTIONS
    augmentations = AUGMENTATIONS

    def sniff(self, profile: Profile) -> Evidence:
        column = profile.column
        if isinstance(column.dtype, pl.Struct):
            fields = {field.name for field in column.dtype.fields}
            return Evidence(0.98 * ("edges" in fields or "links" in fields), "the cells are records of nodes and edges")
        if column.dtype not in (*TEXTS, pl.Binary):
            return Evidence(0.0, f"the cells are {column.dtype}")
        named = sniff_files(profile, "graph", SUFFIXES, lambda cell: looks_like_graph(head_of(cell)))
        if column.dtype == pl.Binary:
            return named
        texts = clean_sample(profile.sample)
        share = sum(looks_like_graph(text) for text in texts) / max(1, len(texts))
        if share > 0.3:
            return Evidence(0.99 * min(1.0, share / 0.9) ** 0.5, f"{share:.0%} of the filled cells are graphs: JSON with nodes and edges, or GraphML")
        if named.score == 0:
            return Evidence(0.5 * share, f"{share:.0%} of the filled cells are graphs" if share else "no cell is a graph, nor names a file of one")
        files = sample_files(profile, SUFFIXES)
        right = sum(is_graph_file(path) for path in files if isinstance(path, Path)) / max(1, len(files))
        return Evidence(named.score * right, f"{named.reason}; {right:.0%} of those that were opened hold nodes and edges")

    def parse(self, column: pl.Series, base: Path | None = None) -> Parsed:
        if isinstance(column.dtype, pl.Struct):
            cells = [None if cell is None else json.dumps(cell, ensure_ascii=False, default=str) for cell in column.to_list()]
            column = pl.Series(column.name, cells, dtype=pl.String)
        if column.dtype not in TEXTS:
            return parse_files(column, base, "graph")
        texts = [text if text is not None and text.lstrip("\ufeff").startswith(("{", "<")) else None for text in clean(column).to_list()]
        names = pl.Series(column.name, [None if text is not None else cell for text, cell in zip(texts, clean(column), strict=True)], dtype=pl.String)
        parsed = parse_files(names, base, "graph")
        for row, problem in list(parsed.problems.items()):
            if not str(names[row]).lower().endswith((*SUFFIXES, ".xml")) and "network" not in problem:
                parsed.problems[row] = f"The cell {short(names[row])} is no graph: neither JSON nor GraphML, nor a file that is there."
        for row, text in enumerate(texts):
            if text is not None and EMPTY.search(text[:200]):
                parsed.problems[row] = "The graph has no nodes."
            elif text is not None:
                parsed.values[row], parsed.present[row] = text, True
        return parsed

    def read(self, value: Any) -> Graph:
        """The cell as a ``Graph``."""
        if isinstance(value, str):
            return graph_of(value)
        if isinstance(value, Path) and value.is_file() and value.stat().st_size > MAX_BYTES:
            raise CellError(f"The file is larger than {MAX_BYTES // 2**20} MiB; graphs of more text are not read.", file=str(value))
        return graph_of(content(value), str(value) if isinstance(value, Path) else None)

    def key(self, value: Any) -> bytes:
        """The same text has the same key, whether it lies in a file or in memory."""
        return hash_bytes(value.encode("utf-8", errors="surrogatepass")) if isinstance(value, str) else content_key(value)

    def thumbnail(self, value: Any) -> str:
        try:
            return drawn(self.read(value))
        except CellError as error:
            return escape(f"no graph: {error.what}")

    def draw(self, decoded: Any) -> str:
        return drawn(decoded)


def head_of(cell: bytes) -> str:
    return cell[:HEAD].decode("utf-8", errors="replace").lstrip("\ufeff")


def is_graph_file(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return looks_like_graph(head_of(file.read(HEAD)))
    except OSError:
        return False


def short(text: Any) -> str:
    quoted = repr(str(text)[:41])
    return quoted if len(str(text)) <= 40 else f"{quoted[:-2]}…'"
