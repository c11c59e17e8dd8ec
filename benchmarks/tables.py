"""One honest benchmark: Consilience with no options against what people would build by hand, on the same rows.

    CONSILIENCE_DATA=FOLDER python benchmarks/tables.py [--tables NAME ...] [--methods NAME ...] [--seeds N] [--repeats N] [--rows N] [--print]

Tables: openmoji (drawn from installed packages), houses, sroie, meld, easyvqa, nlvr (public sets in the folder that CONSILIENCE_DATA names), and
world-NAME (made here, with a known answer). Methods: see ``METHODS``. Each (table, split, method) is computed once and kept under ``--out``; a run
that was interrupted goes on. ``--print`` computes nothing and prints the markdown of what is there.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from _autogluon import learn_autogluon
from _bench import Bench, Options, Split
from _features import Frozen, extract_features
from _handmade import learn_handmade
from _ours import learn_ours, learn_single
from _page import page
from _paired import judge
from _results import Results
from _sets import TABLES, load_table
from _tfidf import learn_tfidf
from _tutorial import learn_tutorial

Learned = tuple[dict[str, np.ndarray], dict[str, Any]]

METHODS = {
    "handmade": "frozen features, linear, LightGBM, TabM and their mean, as a careful practitioner would",
    "consilience": "fit with no options",
    "consilience-single": "fit with only the columns of its own best single modality",
    "tfidf": "TF-IDF and a linear model; no pictures",
    "tutorial": "CNN, GRU and concatenation in plain PyTorch, trained from scratch",
    "autogluon": "AutoGluon-MultiModal with the same local weights; only with --autogluon-python",
}


@dataclass(frozen=True)
class Rivals:
    """What the rivals may use.

    Args:
        tutorial_seconds: Cap on one training of the tutorial's network.
        autogluon_python: Python of the environment that has AutoGluon; None leaves it out.
        autogluon_seconds: Its time limit.
    """

    tutorial_seconds: float
    autogluon_python: Path | None
    autogluon_seconds: float


class Run:
    """One call of this script.

    Args:
        options: What a person chose.
        results: Where results are kept.
        redo: Methods whose kept results are not used.
        rivals: What the rivals may use.
    """

    def __init__(self, options: Options, results: Results, redo: frozenset[str], rivals: Rivals) -> None:
        self.options, self.results, self.redo, self.rivals = options, results, redo, rivals
        self.frozen: dict[str, Frozen] = {}

    def table(self, name: str, methods: list[str]) -> None:
        """All splits of a table by all methods."""
        bench = load_table(name, self.options)
        for split in bench.splits:
            for method in methods:
                if method in self.redo or self.results.get(bench, split, method) is None:
                    self.cell(bench, split, method)

    def cell(self, bench: Bench, split: Split, method: str) -> None:
        """Learns, keeps the result, and prints one line."""
        learn: dict[str, Callable[[Bench, Split], Learned]] = {
            "handmade": self.handmade,
            "consilience": lambda bench, split: learn_ours(bench, split, self.options),
            "consilience-single": self.single,
            "tfidf": lambda bench, split: _timed(lambda: learn_tfidf(bench, split)),
            "tutorial": lambda bench, split: learn_tutorial(bench, split, self.rivals.tutorial_seconds),
            "autogluon": self.autogluon,
        }
        began = time.monotonic()
        outputs, facts = learn[method](bench, split)
        self.results.put(bench, split, method, outputs, facts)
        told = [f"{cell} {bench.headline.compute(bench.truth[split.test], output):.3f}" for cell, output in outputs.items()]
        print(f"{bench.name} {split.name} {method}: {', '.join(told)} ({time.monotonic() - began:.0f} s)", flush=True)

    def handmade(self, bench: Bench, split: Split) -> Learned:
        frozen = self.features(bench)
        outputs, facts = _timed(lambda: learn_handmade(bench, split, frozen))
        return {f"handmade:{cell}": output for cell, output in outputs.items()}, facts

    def single(self, bench: Bench, split: Split) -> Learned:
        """Where one modality was chosen anyway the first fit's output stands for both."""
        first = self.results.get(bench, split, "consilience")
        if first is None:
            self.cell(bench, split, "consilience")
            first = self.results.get(bench, split, "consilience")
            assert first is not None
        if first.facts["single_modality"] is None or first.facts["modalities"] == [first.facts["single_modality"]]:
            return {"consilience-single": first.outputs["consilience"]}, {"seconds": {}, "same": True}
        return learn_single(bench, split, self.options, first.facts)

    def autogluon(self, bench: Bench, split: Split) -> Learned:
        assert self.rivals.autogluon_python is not None
        return learn_autogluon(bench, split, self.rivals.autogluon_python, self.rivals.autogluon_seconds)

    def features(self, bench: Bench) -> Frozen:
        """The frozen features of the whole table. The time that it took to make them is kept with the results."""
        if bench.name not in self.frozen:
            self.frozen = {bench.name: extract_features(bench, self.options)}
            found = self.frozen[bench.name]
            self.results.put_encoding(bench, found.seconds, found.encoded, found.reused)
        return self.frozen[bench.name]


def _timed(learn: Callable[[], dict[str, np.ndarray]]) -> Learned:
    began = time.monotonic()
    outputs = learn()
    return outputs, {"seconds": {"learn": round(time.monotonic() - began, 3)}}


def main() -> None:
    """Computes what is missing, then prints."""
    here = Path(__file__).resolve().parent
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tables", nargs="+", choices=TABLES, default=list(TABLES), metavar="NAME", help=f"of {', '.join(TABLES)}")
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS), metavar="NAME", help=f"of {', '.join(METHODS)}")
    parser.add_argument("--redo", nargs="+", choices=METHODS, default=[], metavar="NAME", help="methods whose kept results are not used")
    parser.add_argument("--seeds", type=int, default=3, help="splits of openmoji (default 3)")
    parser.add_argument("--repeats", type=int, default=1, help="repeats of the cross-validation, and draws of each world (default 1)")
    parser.add_argument("--rows", type=int, default=None, help="most training rows of meld, easyvqa and nlvr, the same for all methods")
    parser.add_argument("--out", type=Path, default=here / ".results", help="folder of results")
    parser.add_argument("--cache", type=Path, default=None, help="folder of the feature store (default: the user's own)")
    parser.add_argument("--openmoji", type=Path, default=here.parent / "demo" / "openmoji", help="folder of the demo's table")
    parser.add_argument("--tutorial-seconds", type=float, default=90, help="cap on one training of the tutorial's network (default 90)")
    parser.add_argument("--autogluon-python", type=Path, default=None, help="Python of an environment that has AutoGluon-MultiModal")
    parser.add_argument("--autogluon-seconds", type=float, default=600, help="its time limit (default 600)")
    parser.add_argument("--print", action="store_true", help="compute nothing")
    given = parser.parse_args()
    data = os.environ.get("CONSILIENCE_DATA")
    options = Options(Path(data) if data else None, given.openmoji, given.out, given.cache, given.seeds, given.repeats, given.rows)
    results = Results(given.out)
    rivals = Rivals(given.tutorial_seconds, given.autogluon_python, given.autogluon_seconds)
    methods = [name for name in given.methods if name != "autogluon" or given.autogluon_python is not None or given.print]
    if len(methods) < len(given.methods):
        print("AutoGluon is left out: name the Python of an environment that has it with --autogluon-python.", flush=True)
    if not given.print:
        run = Run(options, results, frozenset(given.redo), rivals)
        for name in given.tables:
            run.table(name, methods)
    print(page([judge(load_table(name, options), results, given.methods) for name in given.tables]))


if __name__ == "__main__":
    main()
