"""Loads a folder that an import wrote with Hugging Face's `datasets`, and prints what it found as JSON: for tests/program/interop.rs.

    pip install datasets==5.2.0 pillow && python tests/scripts/load_dataset.py DIR

One object with one for each split: `rows`, `features` (as `datasets` writes them), and of each row `image` (width, height and mode; null where there is none), `path` (as stored), and
`label` in words. Fails where it cannot be loaded.
"""

import json
import os
import sys
import tempfile

os.environ["HF_HUB_OFFLINE"] = "1"
import datasets


def row(features, one):
    image = one["image"] and [*one["image"].size, one["image"].mode]
    return {"image": image, "label": features["label"].int2str(one["label"])}


found = {}
with tempfile.TemporaryDirectory() as cache:
    for name, split in datasets.load_dataset(sys.argv[1], cache_dir=cache).items():
        stored = split.cast_column("image", datasets.Image(decode=False))
        rows = [{**row(split.features, one), "path": kept["image"] and kept["image"]["path"]} for one, kept in zip(split, stored)]
        found[name] = {"rows": len(split), "features": split.features.to_dict(), "all": rows}
json.dump(found, sys.stdout)
