"""What gcn and gin share: graphs as arrays of bounded size, and a network that passes messages along all edges of a batch at once."""

from __future__ import annotations

from abc import abstractmethod
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from consilience.core.hashing import hash_arrays
from consilience.core.settings import Settings
from consilience.core.state import State
from consilience.data.kinds import Cells
from consilience.data.kinds._graph import Graph
from consilience.encoders._base import TrainedEncoder
from consilience.encoders.graph._cells import only, read_row
from consilience.layers.tokens import Tokens

__all__ = ["GraphSettings", "MessageEncoder", "Messages", "NodeNorm"]

DEGREES = 16
"""Degrees with an embedding of their own; higher ones share the last."""
MOST_LABELS = 200
MOST_FEATURES = 64
FLOOR = 1e-6
STEP = 1e-3
"""Scaled features are kept as whole numbers of such steps."""


class GraphSettings(Settings):
    """Settings of a network over graphs.

    Args:
        width: Numbers per token.
        hidden: Numbers per node.
        layers: Steps that a message goes.
        dropout: Share of the readout set to zero in training.
        drop_edges: Share of the edges that are cut at random in each training step; 0 cuts none.
        max_nodes: Nodes that are read; of a larger graph the busiest.
        max_edges: Edges that are read; of more, those evenly spread over the list.
    """

    width: int = Field(default=128, ge=1, le=4096)
    hidden: int = Field(default=64, ge=1, le=2048)
    layers: int = Field(default=3, ge=1, le=16)
    dropout: float = Field(default=0.25, ge=0, lt=1)
    drop_edges: float = Field(default=0.1, ge=0, lt=1)
    max_nodes: int = Field(default=300, ge=1, le=10_000)
    max_edges: int = Field(default=1500, ge=1, le=30_000)


class MessageEncoder(TrainedEncoder):
    """``fit`` learns the labels and the scale of what numbers say.

    Shape:
        - prepare: ``mask [N, 1] bool``, ``count [N, 2] int32`` (nodes, edges), ``labels [N, V] uint8`` and ``degrees [N, V] uint8``,
          ``edges [N, E, 2] int16``, ``bonds [N, E] uint8``, ``features [N, V, F] int16``; V and E are those of the largest graph.
    """

    Settings: ClassVar[type[Settings]] = GraphSettings
    settings: GraphSettings
    who: ClassVar[str] = ""

    def __init__(self, settings: GraphSettings, argument: str = "") -> None:
        super().__init__(settings, argument)
        self.labels: list[str] = []
        self.bonds: list[str] = []
        self.centre = np.zeros(0, dtype=np.float32)
        self.scale = np.zeros(0, dtype=np.float32)
        self.typical = 1.0

    def identity(self) -> dict[str, Any]:
        learned = {"labels": self.labels, "bonds": self.bonds, "typical": self.typical}
        return {**super().identity(), **learned, "features": hash_arrays({"centre": self.centre, "scale": self.scale})}

    def fit(self, columns: Mapping[str, Cells], seed: int = 0) -> None:
        cells = only(columns, self.who)
        labels: Counter[str] = Counter()
        bonds: Counter[str] = Counter()
        sizes: list[int] = []
        total, square, nodes = np.zeros(MOST_FEATURES), np.zeros(MOST_FEATURES), 0
        width = 0
        for row in np.flatnonzero(cells.present).tolist():
            graph = read_row(cells, row)
            sizes.append(min(graph.nodes, self.settings.max_nodes))
            labels.update([] if graph.labels is None else set(graph.labels.tolist()))
            bonds.update([] if graph.edge_labels is None else set(graph.edge_labels.tolist()))
            if graph.features is not None:
                said = squeezed(graph)
                width, nodes = max(width, said.shape[1]), nodes + len(said)
                total[: said.shape[1]] += said.sum(axis=0)
                square[: said.shape[1]] += (said**2).sum(axis=0)
        self.labels, self.bonds = ([word for word, _ in sorted(often.items(), key=rank)[:MOST_LABELS]] for often in (labels, bonds))
        mean = total[:width] / max(1, nodes)
        self.centre = mean.astype(np.float32)
        self.scale = (1 / np.sqrt(np.maximum(square[:width] / max(1, nodes) - mean**2, FLOOR))).astype(np.float32)
        self.typical = float(np.mean(sizes)) if sizes else 1.0

    def prepare(self, columns: Mapping[str, Cells]) -> dict[str, np.ndarray]:
        cells = only(columns, self.who)
        found = {row: self.bounded(read_row(cells, row)) for row in np.flatnonzero(cells.present).tolist()}
        most_nodes = max((graph.nodes for graph in found.values()), default=1)
        most_edges = max((len(graph.edges) for graph in found.values()), default=1) or 1
        number = len(cells)
        arrays = {
            "mask": np.asarray(cells.present, dtype=bool)[:, None].copy(),
            "count": np.zeros((number, 2), dtype=np.int32),
            "labels": np.zeros((number, most_nodes), dtype=np.uint8),
            "degrees": np.zeros((number, most_nodes), dtype=np.uint8),
            "edges": np.zeros((number, most_edges, 2), dtype=np.int16),
            "bonds": np.zeros((number, most_edges), dtype=np.uint8),
            "features": np.zeros((number, most_nodes, len(self.centre)), dtype=np.int16),
        }
        label_of, bond_of = ({word: place + 1 for place, word in enumerate(words)} for words in (self.labels, self.bonds))
        for row, graph in found.items():
            count, number = graph.nodes, len(graph.edges)
            arrays["count"][row] = count, number
            arrays["degrees"][row, :count] = np.minimum(graph.degrees(), DEGREES - 1)
            arrays["edges"][row, :number] = graph.edges
            if graph.labels is not None:
                arrays["labels"][row, :count] = [label_of.get(word, 0) for word in graph.labels.tolist()]
            if graph.edge_labels is not None:
                arrays["bonds"][row, :number] = [bond_of.get(word, 0) for word in graph.edge_labels.tolist()]
            if graph.features is not None and len(self.centre):
                said = squeezed(graph)[:, : len(self.centre)]
                scaled = (said - self.centre[: said.shape[1]]) * self.scale[: said.shape[1]]
                arrays["features"][row, :count, : said.shape[1]] = np.round(np.clip(scaled, -10, 10) / STEP)
        return arrays

    def bounded(self, graph: Graph) -> Graph:
        """The graph, or its busiest nodes and some of its edges."""
        if graph.nodes > self.settings.max_nodes:
            kept = np.zeros(graph.nodes, dtype=bool)
            kept[np.argsort(-graph.degrees(), kind="stable")[: self.settings.max_nodes]] = True
            graph = graph.with_nodes(kept)
        if len(graph.edges) > self.settings.max_edges:
            graph = graph.with_edges(np.linspace(0, len(graph.edges) - 1, self.settings.max_edges).astype(np.int64))
        return graph

    def build(self) -> nn.Module:
        return Network(self.settings, len(self.labels), len(self.bonds), len(self.centre), self.typical, self.layer)

    @abstractmethod
    def layer(self, width: int) -> Messages:
        """One step of messages; what tells one encoder from the other."""

    def state(self) -> State:
        config = {"labels": self.labels, "bonds": self.bonds, "typical": self.typical}
        return State(config, {"centre": self.centre, "scale": self.scale})

    def restore(self, state: State) -> None:
        self.labels, self.bonds, self.typical = list(state.config["labels"]), list(state.config["bonds"]), float(state.config["typical"])
        self.centre, self.scale = (np.asarray(state.arrays[name], dtype=np.float32) for name in ("centre", "scale"))


class Messages(nn.Module):
    """A layer over nodes: ``forward(x [M, H], source [K], target [K], bond [K, H] or None) -> [M, H]``; each edge stands in both directions."""


class Network(nn.Module):
    """Embeds nodes, passes messages, and reads each graph out as sum, mean and largest of its nodes after every layer. Source: Xu et al. (2018).

    All graphs of a batch are one graph in parts, so that no padding is worked on, and absent rows have no node in it.
    """

    def __init__(self, settings: GraphSettings, labels: int, bonds: int, features: int, typical: float, layer: Callable[[int], Messages]) -> None:
        super().__init__()
        self.width, self.hidden, self.typical, self.drop = settings.width, settings.hidden, typical, settings.drop_edges
        self.degree = nn.Embedding(DEGREES, settings.hidden)
        self.label = nn.Embedding(labels + 1, settings.hidden) if labels else None
        self.bond = nn.Embedding(bonds + 1, settings.hidden) if bonds else None
        self.feature = nn.Linear(features, settings.hidden) if features else None
        self.layers = nn.ModuleList([layer(settings.hidden) for _ in range(settings.layers)])
        self.readout = nn.Sequential(
            nn.LayerNorm(3 * settings.hidden * settings.layers),
            nn.Dropout(settings.dropout),
            nn.Linear(3 * settings.hidden * settings.layers, self.width),
        )

    def forward(self, batch: Mapping[str, Tensor]) -> Tokens:
        present = batch["mask"].any(dim=1)  # [B]
        # Drawn for the whole padded batch: what is drawn for one row does not depend on what others hold.
        kept = torch.rand(batch["edges"].shape[:2], device=present.device) >= self.drop if self.training and self.drop else None
        rows = present.nonzero().squeeze(1)
        if not len(rows):
            return Tokens(self.degree.weight.new_zeros(len(present), 1, self.width), present.unsqueeze(1))
        count = batch["count"].index_select(0, rows).long()  # [P, 2]
        node = torch.arange(batch["labels"].shape[1], device=rows.device) < count[:, :1]  # [P, V]
        edge = torch.arange(batch["edges"].shape[1], device=rows.device) < count[:, 1:]  # [P, E]
        if kept is not None:
            edge = edge & kept.index_select(0, rows)
        graph = torch.arange(len(rows), device=rows.device).unsqueeze(1).expand(node.shape)[node]  # [M]
        x = self.start({name: batch[name].index_select(0, rows)[node] for name in ("labels", "degrees", "features")})  # [M, H]
        first = (count[:, 0].cumsum(0) - count[:, 0]).unsqueeze(1)  # [P, 1] a graph's first node
        source, target = ((batch["edges"].index_select(0, rows)[:, :, side].long() + first)[edge] for side in (0, 1))
        own = source == target
        back = ~own
        source, target = torch.cat([source, target[back]]), torch.cat([target, source[back]])  # an edge to itself stands once
        bond: Tensor | None = None
        if self.bond is not None:
            code = batch["bonds"].index_select(0, rows)[edge].long()
            bond = self.bond(torch.cat([code, code[back]]))
        seen: list[Tensor] = []
        for layer in self.layers:
            x = layer(x, source, target, bond)
            seen += self.read_out(x, graph, count[:, :1])
        tokens = self.readout(torch.cat(seen, dim=1))  # [P, width]
        values = tokens.new_zeros(len(present), self.width).index_copy(0, rows, tokens)
        return Tokens.single(values, present)

    def start(self, nodes: Mapping[str, Tensor]) -> Tensor:
        x: Tensor = self.degree(nodes["degrees"].long())
        if self.label is not None:
            x = x + self.label(nodes["labels"].long())
        if self.feature is not None:
            x = x + self.feature(nodes["features"].to(self.feature.weight.dtype) * STEP)
        return x

    def read_out(self, x: Tensor, graph: Tensor, count: Tensor) -> list[Tensor]:
        """Sum (in units of a typical graph), mean and largest over each graph's nodes."""
        shape = (len(count), x.shape[1])
        total = x.new_zeros(shape).index_add(0, graph, x)
        largest = x.new_zeros(shape).scatter_reduce(0, graph.unsqueeze(1).expand_as(x), x, "amax", include_self=False)
        return [total / self.typical, total / count.to(x.dtype), largest]


class NodeNorm(nn.BatchNorm1d):
    """Batch normalisation over nodes, which takes a batch of a single node as it does at prediction."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - torch's own name
        if self.training and len(input) == 1:
            return nn.functional.batch_norm(input, self.running_mean, self.running_var, self.weight, self.bias, False, 0.0, self.eps)
        return super().forward(input)


def squeezed(graph: Graph) -> np.ndarray:
    """``[V, F]`` signed logarithms of the first numbers of each node: they may be of any size."""
    said = np.zeros((graph.nodes, 0)) if graph.features is None else graph.features[:, :MOST_FEATURES].astype(np.float64)
    return np.asarray(np.sign(said) * np.log1p(np.abs(said)))


def rank(item: tuple[str, int]) -> tuple[int, str]:
    return -item[1], item[0]
