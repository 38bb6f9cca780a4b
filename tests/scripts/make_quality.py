"""Reference values for the figures of synthetic rows: tests/fixtures/quality.json.

Needs numpy, scipy, pandas, scikit-learn, prdc and sdmetrics. Run from the root of the repository.
"""

import json

import numpy as np
import pandas as pd
from prdc import compute_prdc
from scipy.linalg import sqrtm
from sdmetrics.column_pairs import ContingencySimilarity, CorrelationSimilarity
from sdmetrics.single_column import KSComplement, TVComplement
from sdmetrics.utils import discretize_column
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.metrics.pairwise import polynomial_kernel
from sklearn.model_selection import PredefinedSplit, cross_val_predict
from sklearn.neighbors import NearestNeighbors

rng = np.random.default_rng(18)


def rows(count, width, shift=0.0, mix=0.5):
    made = rng.normal(size=(count, width))
    made[:, 1:] += mix * made[:, :-1]
    return np.round(made + shift, 3).astype(np.float32)


def frechet(a, b):
    a, b = a.astype(np.float64), b.astype(np.float64)
    root = sqrtm(np.cov(a, rowvar=False) @ np.cov(b, rowvar=False)).real
    apart = a.mean(0) - b.mean(0)
    return apart @ apart + np.trace(np.cov(a, rowvar=False) + np.cov(b, rowvar=False) - 2 * root)


def kernel(a, b):
    a, b = a.astype(np.float64), b.astype(np.float64)
    of = lambda x, y: polynomial_kernel(x, y, degree=3, coef0=1)
    n, m = len(a), len(b)
    xx, yy = of(a, a), of(b, b)
    return (
        (xx.sum() - np.trace(xx)) / (n * (n - 1))
        + (yy.sum() - np.trace(yy)) / (m * (m - 1))
        - 2 * of(a, b).mean()
    )


def values(array):
    return [float(value) for value in np.asarray(array).ravel()]


real, synthetic, holdout = rows(80, 4), rows(60, 4, shift=0.3, mix=0.2), rows(70, 4)
wide = [rows(9, 20), rows(11, 20, shift=0.1)]
among = NearestNeighbors(n_neighbors=3).fit(real)
distances, indices = among.kneighbors(synthetic)
to_holdout = NearestNeighbors(n_neighbors=1).fit(holdout).kneighbors(synthetic)[0][:, 0]
to_synthetic = NearestNeighbors(n_neighbors=1).fit(synthetic)
members = np.r_[np.ones(len(real)), np.zeros(len(holdout))]
scores = -np.r_[to_synthetic.kneighbors(real)[0][:, 0], to_synthetic.kneighbors(holdout)[0][:, 0]]

both = np.r_[real[:60], synthetic]
both_of = np.r_[np.zeros(60, int), np.ones(60, int)]
folds = np.arange(120) % 60 % 5
standard = ((both - both.mean(0)) / both.std(0)).astype(np.float32)
of_others = cross_val_predict(
    LogisticRegression(tol=1e-8, max_iter=1000), standard, both_of, cv=PredefinedSplit(folds), method="decision_function"
)
three_of = (both[:, 0] > 0.3).astype(int) + (both[:, 1] > 0.5).astype(int)
three = LogisticRegression(tol=1e-8, max_iter=1000, C=0.5).fit(standard, three_of)
alike = {"tol": 1e-8, "max_iter": 1000, "C": 0.5, "class_weight": "balanced"}
balanced = LogisticRegression(**alike).fit(standard, three_of)
rare = LogisticRegression(**alike).fit(standard, (three_of == 2).astype(int))


def table(count, shift):
    number = np.round(rng.normal(size=count) + shift, 2)
    other = np.round(0.7 * number + rng.normal(size=count), 2)
    words = np.where(rng.random(count) < 0.4 + shift / 2, "a", np.where(rng.random(count) < 0.5, "b", "c"))
    kinds = np.where(number + rng.normal(size=count) > 0, "x", "y")
    return pd.DataFrame({"number": number, "other": other, "word": words, "kind": kinds})


real_table, made_table = table(90, 0.0), table(70, 0.4)
binned = discretize_column(real_table["number"], made_table["number"])


def codes(frame):
    return {
        "number": values(frame["number"]),
        "other": values(frame["other"]),
        "word": ["abc".index(word) for word in frame["word"]],
        "kind": ["xy".index(word) for word in frame["kind"]],
    }


out = {
    "width": 4,
    "real": values(real),
    "synthetic": values(synthetic),
    "holdout": values(holdout),
    "prdc": {name: float(value) for name, value in compute_prdc(real, synthetic, 5).items()},
    "frechet": float(frechet(real, synthetic)),
    "kernel": float(kernel(real, synthetic)),
    "wide": {"width": 20, "real": values(wide[0]), "synthetic": values(wide[1]), "frechet": float(frechet(*wide))},
    "neighbours": {"rows": indices.tolist(), "distances": distances.tolist()},
    "nearer": float((distances[:, 0] < to_holdout).mean()),
    "ratio": float(np.median(distances[:, 0] / distances[:, 1])),
    "membership": float(roc_auc_score(members, scores)),
    "two_sample": {"odds": values(of_others), "auc": float(roc_auc_score(both_of, of_others))},
    "three": {"of": three_of.tolist(), "probabilities": values(three.predict_proba(standard)[:20])},
    "balanced": {
        "probabilities": values(balanced.predict_proba(standard)[:20]),
        "odds": values(rare.decision_function(standard)[:20]),
    },
    "table": {
        "real": codes(real_table),
        "synthetic": codes(made_table),
        "ks": float(KSComplement.compute(real_table["number"], made_table["number"])),
        "tv": float(TVComplement.compute(real_table["word"], made_table["word"])),
        "correlation": float(
            CorrelationSimilarity.compute(real_table[["number", "other"]], made_table[["number", "other"]])
        ),
        "contingency": float(ContingencySimilarity.compute(real_table[["word", "kind"]], made_table[["word", "kind"]])),
        "binned": float(
            ContingencySimilarity.compute(
                pd.DataFrame({"a": binned[0], "b": real_table["kind"]}),
                pd.DataFrame({"a": binned[1], "b": made_table["kind"]}),
            )
        ),
        "bins": [values(binned[0] - 1), values(binned[1] - 1)],
    },
}
with open("tests/fixtures/quality.json", "w") as file:
    json.dump(out, file)
    file.write("\n")
