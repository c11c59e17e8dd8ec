"""The plainest baseline: TF-IDF of all text, one-hot categories and scaled numbers, and a linear model with its usual settings."""

from __future__ import annotations

import numpy as np
import polars as pl
from scipy import sparse
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from _bench import Bench, Split

__all__ = ["learn_tfidf"]


def learn_tfidf(bench: Bench, split: Split) -> dict[str, np.ndarray]:
    """It sees no picture."""
    train, test = (bench.table.frame[rows] for rows in (split.pool, split.test))
    parts = []
    if names := bench.columns("text"):
        texts = [[" ".join(cell or "" for cell in row) for row in frame.select(names).rows()] for frame in (train, test)]
        words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
        parts.append((words.fit_transform(texts[0]), words.transform(texts[1])))
    if names := bench.columns("category"):
        cells = [frame.select(names).fill_null("").to_numpy().astype(str) for frame in (train, test)]
        one_hot = OneHotEncoder(handle_unknown="ignore")
        parts.append((one_hot.fit_transform(cells[0]), one_hot.transform(cells[1])))
    if names := bench.columns("number"):
        numbers = [frame.select(names).cast(pl.Float64, strict=False).to_numpy() for frame in (train, test)]
        scaler = make_pipeline(SimpleImputer(), StandardScaler())
        parts.append(tuple(sparse.csr_matrix(made) for made in (scaler.fit_transform(numbers[0]), scaler.transform(numbers[1]))))
    first, second = (sparse.hstack([part[at] for part in parts], format="csr") for at in (0, 1))
    truth = bench.truth[split.pool]
    if bench.number:
        made = Ridge().fit(first, np.log(truth) if bench.log else truth).predict(second)
        return {"tfidf": np.exp(made) if bench.log else made}
    model = LogisticRegression(max_iter=1000).fit(first, truth)
    output = np.zeros((len(split.test), len(bench.classes)))
    output[:, model.classes_] = model.predict_proba(second)
    return {"tfidf": output}
