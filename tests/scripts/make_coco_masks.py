"""Writes tests/fixtures/coco_masks.json: polygons of objects, several of one object among them, and the pixels that pycocotools gives
the objects, as lengths of runs along the rows from the top left, first of pixels outside.

    pip install pycocotools==2.0.11 && python tests/scripts/make_coco_masks.py
"""

import json
import math
from itertools import groupby

from pycocotools import mask

WIDTH, HEIGHT = 48, 40
CIRCLE = [
    round(value, 2)
    for step in range(40)
    for value in (24 + 15 * math.cos(step * math.pi / 20), 20 + 13 * math.sin(step * math.pi / 20))
]
CASES = {
    "whole pixels": [[4, 3, 20, 3, 20, 18, 4, 18]],
    "half pixels": [[4.5, 3.5, 20.5, 3.5, 20.5, 18.5, 4.5, 18.5]],
    "triangle": [[5.3, 4.2, 40.1, 10.7, 17.6, 35.9]],
    "circle": [CIRCLE],
    "crosses itself": [[24, 2, 38, 38, 3, 14, 45, 14, 10, 38]],
    "two apart": [[3, 3, 15, 4, 9, 20], [20, 5, 44, 6, 40, 30, 22, 28]],
    "two that overlap": [[5, 5, 25, 5, 25, 25, 5, 25], [15, 15, 40, 15, 40, 35, 15, 35]],
    "one inside another": [[5, 5, 40, 5, 40, 35, 5, 35], [15, 15, 25, 15, 25, 25, 15, 25]],
    "no pixel": [[10.1, 10.1, 10.3, 10.1, 10.3, 10.3]],
}


def runs(polygons):
    polygons = [[float(value) for value in polygon] for polygon in polygons]
    values = mask.decode(mask.merge(mask.frPyObjects(polygons, HEIGHT, WIDTH))).ravel().tolist()
    lengths = [(value, len(list(group))) for value, group in groupby(values)]
    return [length for _, length in (lengths if lengths[0][0] == 0 else [(0, 0), *lengths])]


cases = [{"name": name, "polygons": polygons, "runs": runs(polygons)} for name, polygons in CASES.items()]
with open("tests/fixtures/coco_masks.json", "w") as file:
    json.dump({"width": WIDTH, "height": HEIGHT, "cases": cases}, file, separators=(",", ":"))
    file.write("\n")
