"""Writes tests/fixtures/objects/*.parquet: the same objects in every layout in which Hugging Face's datasets stores them.

    pip install datasets pyarrow && python tests/scripts/make_objects.py
"""

import pyarrow as pa
import pyarrow.parquet as pq
from datasets import ClassLabel, Dataset, Features, LargeList, List, Sequence, Value

FOLDER = "tests/fixtures/objects"
NAMES = ["cat", "dog", "owl"]
# Two objects, none, and three, of which one has no area and one a number that is none.
BOXES = [[[10.0, 20.0, 30.0, 40.0], [0.0, 0.0, 5.5, 6.5]], [], [[7.0, 8.0, 0.0, 3.0], [50.0, 60.0, 40.0, 30.0], [1.0, float("nan"), 2.0, 2.0]]]
CLASSES = [[2, 0], [], [1, 1, 0]]
AREAS = [[1200, 36], [], [0, 1200, 4]]
CROWD = [[False, True], [], [False, False, True]]
SIZE = {"width": [100, 90, 120], "height": [80, 70, 100]}
size = {"width": Value("int32"), "height": Value("int32")}


def lists(category=CLASSES, box="bbox", kind="category"):
    rows = zip(BOXES, category, AREAS, CROWD)
    return [{box: b, kind: c, "area": a, "iscrowd": w} for b, c, a, w in rows]


def structs(category=CLASSES, box="bbox", kind="category"):
    rows = zip(BOXES, category, AREAS, CROWD)
    return [[{box: b, kind: c, "area": a, "iscrowd": w} for b, c, a, w in zip(*row)] for row in rows]


def write(name, column, values, feature):
    features = Features({**size, column: feature})
    Dataset.from_dict({**SIZE, column: values}, features).to_parquet(f"{FOLDER}/{name}.parquet")


label = ClassLabel(names=NAMES)
item = {"bbox": Sequence(Value("float32"), length=4), "category": label, "area": Value("int64"), "iscrowd": Value("bool")}
write("sequence", "objects", lists(), Sequence(item))
write("list", "objects", structs(), List(item))
write("brackets", "annotations", structs(), [item])
write("large_list", "objects", structs(), LargeList(item))
write("fields", "objects", lists(), {
    "bbox": List(List(Value("float64"))), "category": List(label), "area": LargeList(Value("int64")), "iscrowd": List(Value("bool")),
})
named = [[NAMES[c] for c in row] for row in CLASSES]
strings = {"bbox": List(Value("float32")), "category_id": Value("string"), "area": Value("float32"), "iscrowd": Value("int8")}
write("strings", "objects", structs(named, kind="category_id"), List(strings))
numbers = {**item, "label": Value("int16")}
del numbers["category"]
shifted = [[10 * c + 5 for c in row] for row in CLASSES]
write("numbers", "annotations", structs(shifted, kind="label"), [numbers])

# Two objects a row in lists of a fixed size, as pyarrow writes them, and without metadata.
fixed = pa.struct([("bbox", pa.list_(pa.float32(), 4)), ("category", pa.dictionary(pa.int8(), pa.string()))])
rows = [[{"bbox": b, "category": c} for b, c in zip(BOXES[0], named[0])]] * 2
pq.write_table(pa.table({"objects": pa.array(rows, pa.list_(fixed, 2))}), f"{FOLDER}/fixed.parquet")
# A row that is null, and a box that is.
kind = pa.list_(pa.struct([("bbox", pa.list_(pa.float32())), ("category", pa.int64())]))
for name, row in [("null_row", None), ("null_box", [{"bbox": None, "category": 1}]), ("five", [{"bbox": [1, 2, 3, 4, 5], "category": 1}])]:
    rows = pa.array([[{"bbox": [1, 2, 3, 4], "category": 1}], row], kind)
    pq.write_table(pa.table({"objects": rows}), f"{FOLDER}/{name}.parquet")
lengths = pa.array([{"bbox": [[1, 2, 3, 4]], "category": [1, 2]}], pa.struct([("bbox", pa.list_(pa.list_(pa.float32()))), ("category", pa.list_(pa.int64()))]))
pq.write_table(pa.table({"objects": lengths}), f"{FOLDER}/lengths.parquet")
