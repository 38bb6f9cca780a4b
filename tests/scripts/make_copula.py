"""Reference values of a Gaussian copula by class, for tests/fixtures/copula.json: numpy's quantiles and Cholesky factors, scipy's ranks and normal
distribution.

python3 tests/scripts/make_copula.py > tests/fixtures/copula.json
"""

import json

import numpy as np
from scipy.stats import norm, rankdata

rng = np.random.default_rng(5)
COUNTS = {"many": 60, "some": 25, "few": 5}
WORDS = ["red", "green", "blue"]


def table(count, shift):
    z = rng.multivariate_normal([0, 0, 0], [[1, 0.7, -0.4], [0.7, 1, 0.2], [-0.4, 0.2, 1]], size=count)
    income = np.round(np.exp(z[:, 0] + shift), 3)
    visits = rng.poisson(np.exp(0.5 + 0.5 * z[:, 1])).astype(int)
    colour = [WORDS[int(np.searchsorted([-0.2, 0.9], value))] for value in z[:, 2]]
    age = np.where(rng.random(count) < 0.2, np.nan, np.round(40 + 9 * z[:, 1], 1))
    return income, visits, colour, age


rows = {"label": [], "income": [], "visits": [], "colour": [], "age": []}
for shift, (name, count) in enumerate(COUNTS.items()):
    income, visits, colour, age = table(count, shift)
    rows["label"] += [name] * count
    rows["income"] += income.tolist()
    rows["visits"] += visits.tolist()
    rows["colour"] += colour
    rows["age"] += [None if np.isnan(value) else value for value in age]
order = rng.permutation(len(rows["label"]))
rows = {name: [values[at] for at in order] for name, values in rows.items()}

frequency = sorted(WORDS, key=lambda word: (-rows["colour"].count(word), word))
age = np.array([np.nan if value is None else value for value in rows["age"]])
# The variables: those of the columns in their order, and whether `age` is null.
variables = np.array(
    [
        rows["income"],
        rows["visits"],
        [frequency.index(word) for word in rows["colour"]],
        age,
        np.isnan(age).astype(float),
    ]
)


def scores(values):
    out, there = np.zeros(len(values)), ~np.isnan(values)
    out[there] = norm.ppf((rankdata(values[there]) - 0.5) / there.sum())
    return out


def correlations(sums, whole):
    """Over norms, and over the deviations that equal values and nulls leave; in sixteenths back from that until they are possible."""
    norms = np.sqrt(np.diag(sums))
    with np.errstate(divide="ignore", invalid="ignore"):
        plain = np.nan_to_num(sums / np.outer(norms, norms))
    deviation = np.clip(norms / np.sqrt(whole), 0.1, 1)
    right = plain / np.outer(deviation, deviation)
    most = np.maximum(0.98, np.abs(plain))
    right = np.clip(right, -most, most)
    np.fill_diagonal(plain, 1)
    np.fill_diagonal(right, 1)
    for step in range(16, 0, -1):
        matrix = plain + (right - plain) * step / 16
        if np.linalg.eigvalsh(matrix)[0] > 0:
            return matrix
    return plain


def squares(count):
    return (norm.ppf((np.arange(count) + 0.5) / count) ** 2).sum()


of = {name: variables[:, np.array(rows["label"]) == name] for name in COUNTS}
sums = {name: (lambda z: z @ z.T)(np.array([scores(values) for values in of[name]])) for name in COUNTS}
pooled = sum(sums.values())
prior = 7.0
draws = rng.standard_normal((6, len(variables)))
uniform = [0.0, 0.001, 0.1, 0.33, 0.5, 0.81, 0.99, 1.0]
classes = []
for name, values in of.items():
    factor = prior / len(rows["label"])
    whole = squares(COUNTS[name]) + factor * sum(squares(count) for count in COUNTS.values())
    shrunk = correlations(sums[name] + factor * pooled, whole)
    made = []
    for draw in draws:
        u = norm.cdf(np.linalg.cholesky(shrunk) @ draw)
        row = []
        for at, (share, column) in enumerate(zip(u, values)):
            there = column[~np.isnan(column)]
            if at in (2, 4):
                shares = np.cumsum([np.mean(there == code) for code in range(3 if at == 2 else 2)])
                row.append(float(min(np.searchsorted(shares, share, side="right"), there.max())))
            else:
                row.append(float(np.quantile(there, share, method="hazen")))
        made.append(row)
    classes.append(
        {
            "name": name,
            "correlations": [float(shrunk[i, j]) for i in range(len(shrunk)) for j in range(i + 1)],
            "income": [float(np.quantile(values[0], u, method="hazen")) for u in uniform],
            "made": made,
        }
    )
print(
    json.dumps(
        {
            "rows": rows,
            "prior_rows": prior,
            "frequency": frequency,
            "uniform": uniform,
            "draws": draws.tolist(),
            "quantile": [[p, float(norm.ppf(p))] for p in [1e-300, 1e-20, 1e-5, 0.01, 0.07, 0.075, 0.3, 0.5, 0.77, 0.999]],
            "cdf": [[x, float(norm.cdf(x))] for x in [-30.0, -6.0, -1.5, 0.0, 0.3, 2.0, 8.0]],
            "classes": classes,
        }
    )
)
