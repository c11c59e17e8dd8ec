"""A booster in LightGBM's own text format, checked before LightGBM gets it: that ends the process over a text which is not as it wrote it.

Source: the format of LightGBM 3 and 4, Ke et al. (2017).
"""

from __future__ import annotations

import re
from collections import defaultdict
from typing import Any

import lightgbm
import numpy as np

__all__ = ["read_booster"]

_NODES = (
    "split_feature",
    "split_gain",
    "threshold",
    "decision_type",
    "left_child",
    "right_child",
    "internal_value",
    "internal_weight",
    "internal_count",
)
_LEAVES = ("leaf_value", "leaf_weight", "leaf_count")
_FIGURES = ("num_leaves", "num_cat", "is_linear", "shrinkage")
_HEAD = {
    "version",
    "num_class",
    "num_tree_per_iteration",
    "label_index",
    "max_feature_idx",
    "objective",
    "feature_names",
    "feature_infos",
    "tree_sizes",
}
_RANGE = re.compile(r"none|\[[-+.\dinfae]+:[-+.\dinfae]+\]")
_CATEGORICAL, _MOST_TYPES = 1, 12
"""The bit of ``decision_type`` for splits by category, of which we make none, and its largest value."""


def read_booster(text: str, width: int, outputs: int) -> Any:
    """The booster.

    Args:
        text: What ``Booster.model_to_string`` gave.
        width: Columns that it is to predict from.
        outputs: Trees of each round.

    Raises:
        ValueError: The text is not as LightGBM writes it, or the booster is for other columns or outputs.
    """
    trees = _checked(text, width, outputs)
    try:
        # What follows the trees (importances, the parameters of training) no prediction needs, and LightGBM reads it with little care.
        return lightgbm.Booster(model_str=trees)
    except lightgbm.basic.LightGBMError as error:
        raise ValueError(f"the trees cannot be read: {error}") from None


def _checked(text: str, width: int, outputs: int) -> str:
    """The text up to the end of its trees."""
    if not text.isascii() or not text.startswith("tree\nversion=v"):
        raise ValueError("the trees are no text that LightGBM wrote")
    top, _, rest = text.partition("\n\n")
    head = dict(line.split("=", 1) for line in top.split("\n") if "=" in line)
    found = [int(head[name]) for name in ("num_class", "num_tree_per_iteration", "label_index", "max_feature_idx")]
    if found != [outputs, outputs, 0, width - 1] or any(len(head[name].split()) != width for name in ("feature_names", "feature_infos")):
        raise ValueError(f"the trees are not for {width} columns and {outputs} outputs")
    objectives = {"regression", "binary sigmoid:1", f"multiclass num_class:{outputs}"}
    if head.keys() - _HEAD or head["objective"] not in objectives or not all(map(_RANGE.fullmatch, head["feature_infos"].split())):
        raise ValueError("the trees are of another sort than ours")
    sizes = [int(size) for size in head.get("tree_sizes", "").split()]
    if len(sizes) % outputs or min(sizes, default=1) < 1:
        raise ValueError("the trees are not as many as LightGBM says")
    columns: dict[str, list[str]] = defaultdict(list)
    start = 0
    for number, size in enumerate(sizes):
        lines = rest[start : start + size].rstrip("\n").split("\n")
        start += size
        parts = dict(line.split("=", 1) for line in lines if "=" in line)
        if lines[0] != f"Tree={number}" or len(parts) != len(lines) or not {*_NODES, *_LEAVES, *_FIGURES} <= parts.keys():
            raise ValueError(f"tree {number} is not as LightGBM writes it")
        for name, value in parts.items():
            columns[name].append(value)
    if not rest.startswith("end of trees\n", start):
        raise ValueError("the trees do not end where LightGBM says")
    if sizes:
        _check_trees(columns, width)
    return f"{top}\n\n{rest[:start]}end of trees\n"


def _check_trees(columns: dict[str, list[str]], width: int) -> None:
    """All trees at once: as many values as there are nodes and leaves, and each node and leaf hangs on exactly one node before it."""
    leaves = np.array(columns["num_leaves"], dtype=np.int64)
    if leaves.min() < 1 or any(set(columns[name]) != {"0"} for name in ("num_cat", "is_linear")):
        raise ValueError("the trees are of another sort than ours")
    values: dict[str, np.ndarray] = {}
    for name in (*_NODES, *_LEAVES):
        counts = np.array([len(value.split()) for value in columns[name]])
        optional = (leaves == 1) & (counts == 0)  # a tree of one leaf needs its value alone
        if name == "leaf_value":
            optional[:] = False
        if not np.all((counts == leaves - (name in _NODES)) | optional):
            raise ValueError(f"a tree has not as many values of {name} as it needs")
        values[name] = np.array(" ".join(columns[name]).split(), dtype=np.float64)
    shrinkage = np.array(columns["shrinkage"], dtype=np.float64)
    # A split that only parts what is missing from what is not has an infinite threshold.
    finite = all(np.isfinite(numbers).all() for numbers in (values["leaf_value"], values["internal_value"], shrinkage))
    if not finite or np.isnan(values["threshold"]).any():
        raise ValueError("a tree holds numbers that are not finite")
    kinds, features = values["decision_type"].astype(np.int64), values["split_feature"]
    if np.any(kinds & _CATEGORICAL) or np.any((kinds < 0) | (kinds > _MOST_TYPES)) or np.any((features < 0) | (features >= width)):
        raise ValueError("a tree splits in a way that ours do not")
    inner = leaves - 1
    first_node, first_leaf = np.cumsum(inner) - inner, np.cumsum(leaves) - leaves
    tree = np.repeat(np.arange(len(leaves)), inner)
    parents = np.arange(len(tree)) - first_node[tree]
    below = [values[side].astype(np.int64) for side in ("left_child", "right_child")]
    tree, parents, children = np.tile(tree, 2), np.tile(parents, 2), np.concatenate(below)
    is_leaf = children < 0
    places = np.where(is_leaf, ~children, children)
    if np.any(places >= np.where(is_leaf, leaves[tree], inner[tree])):
        raise ValueError("a tree has a branch to nowhere")
    if np.any(places[~is_leaf] <= parents[~is_leaf]):
        raise ValueError("a tree has a branch that leads back")
    times = np.bincount(first_leaf[tree[is_leaf]] + places[is_leaf], minlength=int(leaves.sum()))
    nodes = np.bincount(first_node[tree[~is_leaf]] + places[~is_leaf], minlength=int(inner.sum()))
    if np.any(times[np.repeat(leaves, leaves) > 1] != 1) or nodes.max(initial=0) > 1:
        raise ValueError("a tree has a part that hangs on nothing, or on two nodes")
