"""Makes tests/fixtures/task_figures.json: targets, outputs and the figures that scikit-learn and NumPy give of them.

Run from the repository's root with scikit-learn at hand: python3 tests/scripts/make_task_figures.py
"""

import json
import numpy as np
from sklearn import metrics

rng = np.random.default_rng(7)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


# Multi-label: 40 rows, 5 classes, of which the last has no row. Logits in steps of 0.5, so that there are ties.
truth = rng.random((40, 5)) < [0.5, 0.3, 0.2, 0.1, 0.0]
truth[0, 3] = True
logits = np.round((truth * 1.5 + rng.normal(0, 1.5, truth.shape) - 0.7) * 2) / 2
predicted = logits >= 0
hot = truth.astype(float)
bce = -(hot * np.log(sigmoid(logits)) + (1 - hot) * np.log(sigmoid(-logits)))
shown = [c for c in range(5) if truth[:, c].any() or predicted[:, c].any()]
there = [c for c in range(5) if truth[:, c].any()]
precisions = [float(metrics.average_precision_score(truth[:, c], sigmoid(logits[:, c]))) for c in there]
multilabel = {
    "targets": [[int(c) for c in np.flatnonzero(row)] for row in truth],
    "logits": logits.tolist(),
    "loss": float(bce.sum(1).mean()),
    "micro_f1": float(metrics.f1_score(truth, predicted, average="micro", zero_division=0)),
    "macro_f1": float(metrics.f1_score(truth, predicted, average="macro", labels=shown, zero_division=0)),
    "mean_average_precision": float(np.mean(precisions)),
    "average_precision": precisions + [None] * (5 - len(precisions)),
    "recall": [float(metrics.recall_score(truth[:, c], predicted[:, c])) for c in there] + [None],
}

# Regression: 30 rows in the thousands, predictions with an error.
y = rng.normal(2000, 300, 30).round(1)
standard = (y - y.mean()) / y.std()
outputs = (standard + rng.normal(0, 0.6, 30)).astype(np.float32).round(3)
p = (outputs * y.std() + y.mean()).astype(float)
error = outputs - standard
huber = np.where(np.abs(error) <= 0.5, error**2 / 2, 0.5 * (np.abs(error) - 0.25))
regress = {
    "targets": y.tolist(),
    "outputs": outputs.astype(float).tolist(),
    "mean": float(y.mean()),
    "std": float(y.std()),
    "mse": float((error**2).mean()),
    "huber_half": float(huber.mean()),
    "mae": float(metrics.mean_absolute_error(y, p)),
    "rmse": float(np.sqrt(metrics.mean_squared_error(y, p))),
    "r2": float(metrics.r2_score(y, p)),
    # The standard error of the mean of |y - p|, which the bootstrap comes near.
    "mae_error": float(np.abs(y - p).std() / np.sqrt(30)),
}
with open("tests/fixtures/task_figures.json", "w") as out:
    json.dump({"multilabel": multilabel, "regress": regress}, out, indent=1)
    out.write("\n")
