"""Paired t-tests and signed-rank tests of scipy 1.17, and Holm's rule as statsmodels has it, for src/ablation/paired.rs.

    python3 tests/scripts/make_paired_tests.py
"""

import json
import pathlib

import numpy as np
from scipy import stats


def holm(p):
    order = np.argsort(p, kind="stable")
    adjusted = np.maximum.accumulate([(len(p) - i) * p[at] for i, at in enumerate(order)])
    out = np.empty(len(p))
    out[order] = np.minimum(adjusted, 1)
    return out.tolist()


rng = np.random.default_rng(18)
cases = []
for n in (2, 3, 5, 5, 10, 10, 12, 20, 30):
    a = rng.normal(0.64, 0.01, n)
    cases.append((a, a - rng.normal(0.004, 0.006, n)))
# Shares of few rows: ties, and pairs without a difference.
for n in (5, 8, 10, 12):
    a, b = rng.integers(10, 20, (2, n))
    cases.append((a / 20, b / 20))
# All in one direction, one far out, and hardly any difference.
cases.append((np.arange(1, 6) / 10, np.zeros(5)))
cases.append((np.array([0.9, 0.5, 0.51, 0.52, 0.53]), np.array([0.1, 0.501, 0.512, 0.519, 0.535])))
cases.append((np.array([0.5, 0.6, 0.7]), np.array([0.5 + 1e-9, 0.6 - 2e-9, 0.7 + 4e-9])))
out = []
for a, b in cases:
    out.append(
        {
            "a": a.tolist(),
            "b": b.tolist(),
            "t": float(stats.ttest_rel(a, b).pvalue),
            # Of rounded differences: 0.15 - 0.1 and 0.2 - 0.15 are a tie. With ties or zeros scipy goes through all signs only up to 13.
            "wilcoxon": float(stats.wilcoxon(np.round(a - b, 13)).pvalue),
        }
    )
raw = [rng.uniform(0, 0.2, n).tolist() for n in (1, 3, 9)] + [[0.01, 0.01, 0.9, 0.4, 0.011]]
path = pathlib.Path(__file__).parent.parent / "fixtures/paired_tests.json"
path.write_text(json.dumps({"cases": out, "holm": [[p, holm(p)] for p in raw]}) + "\n")
