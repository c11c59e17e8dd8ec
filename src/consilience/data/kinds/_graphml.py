"""GraphML to nodes and edges. Source: Brandes et al. (2001). No tree is kept, no entity is expanded, no other file is opened."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from typing import Any

from consilience.core.errors import CellError
from consilience.data.kinds._graph_build import MAX_EDGES, MAX_NODES, NODE_NAME

__all__ = ["of_graphml"]

DOCUMENT_TYPE = re.compile(r"<!\s*(DOCTYPE|ENTITY)", re.IGNORECASE)
HEAD = re.compile(r"^\s*<\?xml.*?\?>", re.DOTALL)
DEEPEST = 100
NUMBERS = ("int", "long", "float", "double")


def of_graphml(text: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Records of nodes and of edges; nested graphs count as one, hyperedges are left out.

    Raises:
        CellError: It is damaged, too large, declares a document type, or has no node.
    """
    if DOCUMENT_TYPE.search(text):
        raise CellError("The GraphML declares a document type, which is not read: it could name other files, or grow without bound.")
    found = Reader()
    parser = ET.XMLParser(target=found)  # noqa: S314
    try:
        # What the head says of the coding is no longer true: the text is decoded already.
        parser.feed(HEAD.sub("", text.lstrip("\ufeff")))
        parser.close()
    except (ET.ParseError, UnicodeError, ValueError) as error:
        raise CellError(f"The graph is no GraphML: {error}.") from None
    if not found.nodes and not found.edges:
        raise CellError("The graph has no nodes.")
    return found.nodes, found.edges


class Reader:
    """What the parser tells, as it reads."""

    def __init__(self) -> None:
        self.nodes: list[dict[str, Any]] = []
        self.edges: list[dict[str, Any]] = []
        self.names: dict[str, tuple[str, bool]] = {}  # key to its name and whether it is a number
        self.open: list[dict[str, Any]] = []
        self.key: str | None = None
        self.words: list[str] = []
        self.depth = 0

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self.depth += 1
        if self.depth > DEEPEST:
            raise CellError("The graph's GraphML is nested too deeply.")
        tag = tag.rpartition("}")[2]
        if tag == "key":
            identity = attributes.get("id", "")
            self.names[identity] = (attributes.get("attr.name", identity), attributes.get("attr.type", "string") in NUMBERS)
        elif tag == "node":
            self.open.append({NODE_NAME: attributes.get("id")})
            self.nodes.append(self.open[-1])
        elif tag == "edge":
            self.open.append({end: attributes.get(end) for end in ("source", "target")})
            self.edges.append(self.open[-1])
        elif tag == "data":
            self.key, self.words = attributes.get("key", ""), []
        if len(self.nodes) > MAX_NODES or len(self.edges) > MAX_EDGES:
            raise CellError(f"The graph has more than {MAX_NODES:,} nodes or {MAX_EDGES:,} edges; so many are not read.")

    def data(self, text: str) -> None:
        if self.key is not None:
            self.words.append(text)

    def end(self, tag: str) -> None:
        self.depth -= 1
        tag = tag.rpartition("}")[2]
        if tag == "data" and self.key is not None:
            name, number = self.names.get(self.key, (self.key, False))
            value = "".join(self.words).strip()
            if self.open and name != NODE_NAME:
                self.open[-1][name] = as_number(value) if number else value
            self.key = None
        elif tag in ("node", "edge") and self.open:
            self.open.pop()

    def close(self) -> None:
        pass


def as_number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text
