"""Writes tests/fixtures/losses.json: the losses of train::loss in NumPy (float64), with gradients by finite differences.

    python3 tests/scripts/losses.py
"""

import json
import pathlib

import numpy as np

CLASSES = ["a", "b", "c", "d"]
STORED = [500, 200, 40, 5]
# As stored; to the square root; uniform; with a class that never comes.
EMITTED = {
    "stored": [500, 200, 40, 5],
    "sqrt": [60, 38, 17, 6],
    "uniform": [25, 25, 25, 25],
    "absent": [500, 200, 40, 0],
    "soft": [310.5, 210.25, 60.125, 20.125],
}

rng = np.random.default_rng(7)
LOGITS = rng.normal(0, 2, (6, 4)).astype(np.float32).astype(np.float64)
HARD = np.array([0, 1, 3, 2, 0, 1])
SOFT = rng.dirichlet([0.5] * 4, 6).astype(np.float32).astype(np.float64)
SOFT[0] = [0, 1, 0, 0]


def log_softmax(z):
    z = z - z.max(1, keepdims=True)
    return z - np.log(np.exp(z).sum(1, keepdims=True))


def target_shares(target):
    n = np.array(STORED, float)
    if target == "uniform":
        w = np.ones(4)
    elif target == "sqrt":
        w = np.sqrt(n)
    elif "effective_number" in target:
        beta = target["effective_number"]
        w = n * (1 - beta) / (1 - beta**n)
    elif "weights" in target:
        w = np.array(target["weights"], float)
    return w / w.sum()


def ratios(target, emitted):
    """Emitted share over target share; 1 for what is never emitted."""
    e = np.array(emitted, float)
    e /= e.sum()
    t = np.where(e > 0, target_shares(target), 0)
    t /= t.sum()
    return np.where(e > 0, e / np.where(t > 0, t, 1), 1.0)


def cross_entropy(z, q, p, emitted):
    s = p.get("smoothing", 0)
    q = q * (1 - s) + s / 4
    return -(q * log_softmax(z)).sum(1).mean()


def balanced_softmax(z, q, p, emitted):
    r = ratios(p.get("target", "uniform"), emitted)
    return cross_entropy(z + p.get("tau", 1) * np.log(r), q, {}, emitted)


def weights(target, emitted):
    return 1 / ratios(target, emitted)


def class_weights(z, q, p, emitted):
    w = weights(p.get("target", "uniform"), emitted)
    return -(q * w * log_softmax(z)).sum(1).mean()


def focal(z, q, p, emitted):
    w = weights(p["weights"], emitted) if "weights" in p else np.ones(4)
    logp = log_softmax(z)
    return -(q * w * (1 - np.exp(logp)) ** p.get("gamma", 2) * logp).sum(1).mean()


def ldam(z, q, p, emitted):
    """As the authors' code: margins 1 / n^(1/4), the largest of them `max_margin`; a class that never comes has the largest."""
    n = np.array(emitted, float)
    m = 1 / np.sqrt(np.sqrt(np.where(n > 0, n, n[n > 0].min())))
    m *= p.get("max_margin", 0.5) / m.max()
    w = weights(p["weights"], emitted) if "weights" in p else np.ones(4)
    out = []
    for row, one in zip(z, q):
        y = one.argmax()
        x = row.copy()
        x[y] -= m[y]
        logp = log_softmax(p.get("scale", 30) * x[None])[0]
        out.append(-w[y] * logp[y])
    return np.mean(out)


LOSSES = [cross_entropy, balanced_softmax, class_weights, focal, ldam]
PARAMETERS = {
    "cross_entropy": [{}, {"smoothing": 0.1}],
    "balanced_softmax": [{}, {"tau": 0.5}, {"tau": 1.5, "target": "sqrt"}],
    "class_weights": [{}, {"target": {"effective_number": 0.99}}, {"target": {"weights": [4, 3, 2, 1]}}],
    "focal": [{}, {"gamma": 0.5}, {"gamma": 0}, {"gamma": 3, "weights": "uniform"}],
    "ldam": [{"scale": 1}, {"scale": 2.5, "max_margin": 0.8, "weights": {"effective_number": 0.99}}],
}


def gradient(loss, z):
    h, g = 1e-6, np.zeros_like(z)
    for at in np.ndindex(*z.shape):
        up, down = z.copy(), z.copy()
        up[at] += h
        down[at] -= h
        g[at] = (loss(up) - loss(down)) / (2 * h)
    return g


def main():
    cases = []
    for loss in LOSSES:
        for p in PARAMETERS[loss.__name__]:
            for name, emitted in EMITTED.items():
                for kind, q in {"hard": np.eye(4)[HARD], "soft": SOFT}.items():
                    if kind == "soft" and loss is ldam:
                        continue
                    of = lambda z: loss(z, q, p, emitted)
                    cases.append(
                        {
                            "loss": {loss.__name__: p},
                            "emitted": name,
                            "targets": kind,
                            "value": of(LOGITS),
                            "gradient": np.round(gradient(of, LOGITS), 8).ravel().tolist(),
                        }
                    )
    out = {
        "classes": CLASSES,
        "stored": STORED,
        "emitted": EMITTED,
        "logits": LOGITS.ravel().tolist(),
        "hard": HARD.tolist(),
        "soft": SOFT.ravel().tolist(),
        "cases": cases,
    }
    path = pathlib.Path(__file__).parent.parent / "fixtures" / "losses.json"
    path.write_text(json.dumps(out) + "\n")


main()
