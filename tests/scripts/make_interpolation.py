"""Writes tests/fixtures/interpolation.json: what imbalanced-learn makes of the data of its own tests.

pip install imbalanced-learn==0.14.0 scikit-learn==1.7.2 pytest; python3 tests/scripts/make_interpolation.py

Neighbours, rows in danger, ADASYN's counts and SMOTE-NC's medians and categories follow from the rows alone; what is drawn is kept as the rows that
it was made of, so that other draws of the same neighbours can be compared.
"""

import json
from pathlib import Path

import numpy as np
from imblearn.over_sampling import ADASYN, SMOTE, SMOTENC, BorderlineSMOTE
from imblearn.over_sampling._smote.tests.test_smote import X, Y
from imblearn.over_sampling._smote.tests.test_smote_nc import (
    data_heterogneous_ordered,
    data_heterogneous_unordered_multiclass,
)
from sklearn.datasets import make_classification


def classification(class_sep):
    """The rows of test_borderline_smote.py."""
    return make_classification(
        n_samples=500,
        n_features=2,
        n_informative=2,
        n_redundant=0,
        n_repeated=0,
        n_clusters_per_class=1,
        n_classes=3,
        weights=[0.1, 0.2, 0.7],
        class_sep=class_sep,
        random_state=1,
    )


def table(x, y):
    return {"x": np.asarray(x, dtype=float).tolist(), "y": np.asarray(y).tolist()}


def neighbours(sampler, x, y, label):
    """For each row of the class its neighbours, as rows of `x`."""
    rows = np.flatnonzero(y == label)
    of_class = sampler.nn_k_._fit_X
    found = sampler.nn_k_.kneighbors(of_class, return_distance=False)[:, 1:]
    return {"rows": rows.tolist(), "neighbours": rows[found].tolist()}


def smote():
    sampler = SMOTE(random_state=0, k_neighbors=5)
    x, y = sampler.fit_resample(X, Y)
    return {**table(X, Y), "class": 0, "k": 5, **neighbours(sampler, X, Y, 0), "made": x[len(X) :].tolist()}


def borderline(kind, class_sep, m):
    x, y = classification(class_sep)
    sampler = BorderlineSMOTE(kind=kind, m_neighbors=m, k_neighbors=5, random_state=0)
    made, _ = sampler.fit_resample(x, y)
    danger = {str(label): rows.tolist() for label, rows in sampler.in_danger_indices.items()}
    return {"kind": kind, "m_neighbors": m, "class_sep": class_sep, "in_danger": danger, "made": len(made) - len(x)}


def adasyn(x, y, k):
    """The rows that ADASYN makes start from each row so often: rounded shares, as in its `_fit_resample`."""
    sampler = ADASYN(random_state=0, n_neighbors=k)
    made, labels = sampler.fit_resample(x, y)
    out = {}
    for label, wanted in sampler.sampling_strategy_.items():
        if wanted == 0:
            continue
        rows = np.flatnonzero(y == label)
        sampler.nn_.fit(x)
        found = sampler.nn_.kneighbors(x[rows], return_distance=False)[:, 1:]
        ratio = np.sum(y[found] != label, axis=1) / k
        counts = np.rint(ratio / ratio.sum() * wanted).astype(int)
        assert counts.sum() == np.sum(labels[len(x) :] == label)
        out[str(int(label))] = {"rows": rows.tolist(), "wanted": int(wanted), "counts": counts.tolist()}
    return {"k": k, "classes": out}


def smote_nc(data):
    x, y, categorical = data
    continuous = [at for at in range(4) if at not in categorical]
    out = {}
    for label in np.unique(y)[:-1]:
        wanted = 40
        sampler = SMOTENC(
            random_state=0,
            categorical_features=categorical,
            sampling_strategy={label: int(np.sum(y == label)) + wanted},
        )
        made, _ = sampler.fit_resample(x, y)
        found = neighbours(sampler, x, y, label)
        # The draws of `_make_samples`: which row each starts from.
        drawn = np.random.RandomState(0).randint(low=0, high=np.size(found["neighbours"]), size=wanted)
        out[str(int(label))] = {
            **found,
            "median": float(sampler.median_std_[label]),
            "from": np.array(found["rows"])[drawn // 5].tolist(),
            "to": np.ravel(found["neighbours"])[drawn].tolist(),
            "numbers": made[len(x) :, continuous].astype(float).tolist(),
            "categories": [[str(one) for one in row] for row in made[len(x) :, categorical]],
        }
    return {
        "numbers": x[:, continuous].astype(float).tolist(),
        "categories": [[str(one) for one in row] for row in x[:, categorical]],
        "y": y.tolist(),
        "classes": out,
    }


def main():
    near, apart = classification(0.8), classification(1.5)
    written = {
        "smote": smote(),
        "classification": {"0.8": table(*near), "1.5": table(*apart)},
        "borderline": [
            borderline("borderline-1", 0.8, 9),
            borderline("borderline-2", 0.8, 9),
            borderline("borderline-1", 1.5, 3),
        ],
        "adasyn": {"regular": adasyn(X, Y, 5), "0.8": adasyn(*near, 5)},
        "smote_nc": [smote_nc(data_heterogneous_ordered()), smote_nc(data_heterogneous_unordered_multiclass())],
    }
    path = Path(__file__).parent.parent / "fixtures" / "interpolation.json"
    path.write_text(json.dumps(written, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
