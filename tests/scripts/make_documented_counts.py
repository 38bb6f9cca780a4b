"""Writes tests/fixtures/documented_counts.parquet and .json: the rows of the examples in imbalanced-learn's documentation, and how many of each class it
makes of them.

pip install imbalanced-learn==0.14.2 scikit-learn==1.7.2 pyarrow; python3 tests/scripts/make_documented_counts.py

Numbers are kept in whole hundredths, so that the file stays small; the counts are of these, and have to be those that the documentation prints.
"""

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from imblearn.over_sampling import ADASYN, SMOTE, SMOTENC, BorderlineSMOTE
from sklearn.datasets import make_classification

PRINTED = {
    "smote": {0: 900, 1: 900},
    "borderline_smote": {0: 900, 1: 900},
    "adasyn": {0: 904, 1: 900},
    "smote_nc": {0: 900, 1: 900},
}


def main():
    exact, y = make_classification(
        n_classes=2,
        class_sep=2,
        weights=[0.1, 0.9],
        n_informative=3,
        n_redundant=1,
        flip_y=0,
        n_features=20,
        n_clusters_per_class=1,
        n_samples=1000,
        random_state=10,
    )
    kept = np.rint(exact * 100).astype(np.int16)
    categories = np.random.RandomState(10).randint(0, 4, size=(1000, 2))
    for x in (exact, kept / 100):
        mixed = x.copy()
        mixed[:, -2:] = categories
        samplers = {
            "smote": (SMOTE(random_state=42), x),
            "borderline_smote": (BorderlineSMOTE(random_state=42), x),
            "adasyn": (ADASYN(random_state=42), x),
            "smote_nc": (SMOTENC(random_state=42, categorical_features=[18, 19]), mixed),
        }
        counts = {name: Counter(of.fit_resample(x, y)[1].tolist()) for name, (of, x) in samplers.items()}
        assert counts == PRINTED, counts
    columns = {f"x{at}": kept[:, at] for at in range(20)}
    columns |= {f"c{18 + at}": categories[:, at].astype(np.int8) for at in range(2)}
    folder = Path(__file__).parent.parent / "fixtures"
    table = pa.table(columns | {"label": y.astype(np.int64)})
    path = folder / "documented_counts.parquet"
    pq.write_table(table, path, compression="zstd", compression_level=19, store_schema=False)
    written = {name: {str(label): count for label, count in sorted(of.items())} for name, of in counts.items()}
    (folder / "documented_counts.json").write_text(json.dumps(written, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
