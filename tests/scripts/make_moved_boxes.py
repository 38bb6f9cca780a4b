"""Writes tests/fixtures/moved_boxes.json: boxes before and after single operations of albumentations, and what those do to the plane.

    pip install albumentations==2.0.8 && python tests/scripts/make_moved_boxes.py
"""

import json
import math

import albumentations as A
import numpy as np

# No box is exactly at a limit: there the rounding of shares, in which albumentations computes, decides.
WIDTH, HEIGHT = 80, 60
rng = np.random.default_rng(3)
BOXES = [[10, 20, 30, 26.5], [0, 0, 80, 60], [70, 50, 80, 60], [0, 0, 12, 10], [33.5, 12.25, 47.75, 55.5]]
for _ in range(25):
    x, y = rng.uniform(0, 70), rng.uniform(0, 52)
    BOXES.append([x, y, min(x + rng.uniform(1, 40), 80), min(y + rng.uniform(1, 30), 60)])
BOXES = [[float(np.float32(v)) for v in box] for box in BOXES]


def about_centre(a, b, c, d):
    """x' = a x + b y, y' = c x + d y about the centre."""
    x, y = WIDTH / 2, HEIGHT / 2
    return [a, b, x - a * x - b * y, c, d, y - c * x - d * y]


def rotation(degrees):
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return about_centre(cos, sin, -sin, cos)


def affine(**parameters):
    transform = A.Affine(**parameters, p=1)
    params = transform.get_params()
    data = {"image": np.zeros((HEIGHT, WIDTH, 3), np.uint8)}
    params = transform.update_transform_params(params, data)
    found = transform.get_params_dependent_on_data(params, data)
    return transform, np.array(found["bbox_matrix"])[:2].flatten().tolist(), (WIDTH, HEIGHT)


size = (WIDTH, HEIGHT)
operations = {
    "horizontal_flip": (A.HorizontalFlip(p=1), [-1, 0, WIDTH, 0, 1, 0], size),
    "vertical_flip": (A.VerticalFlip(p=1), [1, 0, 0, 0, -1, HEIGHT], size),
    "transpose": (A.Transpose(p=1), [0, 1, 0, 1, 0, 0], (HEIGHT, WIDTH)),
    "crop": (A.Crop(x_min=13, y_min=7, x_max=61, y_max=47, p=1), [1, 0, -13, 0, 1, -7], (48, 40)),
    "resize": (A.Resize(height=45, width=33, p=1), [33 / WIDTH, 0, 0, 0, 45 / HEIGHT, 0], (33, 45)),
    "rotate": (A.Rotate(limit=(25, 25), p=1), rotation(25), size),
    "rotate_back": (A.Rotate(limit=(-70, -70), p=1), rotation(-70), size),
    "scale": affine(scale=(1.4, 1.4)),
    "shear": affine(shear={"x": (15, 15), "y": (0, 0)}),
    "translate": affine(translate_px={"x": (21, 21), "y": (-9, -9)}),
    "affine": affine(scale=(0.8, 0.8), rotate=(20, 20), shear={"x": (8, 8), "y": (-5, -5)}, translate_px={"x": (5, 5), "y": (3, 3)}),
}
rules = [
    {},
    {"min_visibility": 0.45},
    {"min_area": 60.0},
    {"min_width": 6.0, "min_height": 5.0},
    {"min_area": 20.0, "min_visibility": 0.2, "min_width": 3.0},
]
cases = []
for name, (transform, matrix, to) in operations.items():
    for rule in rules:
        params = A.BboxParams("pascal_voc", label_fields=["ids"], **rule)
        done = A.Compose([transform], bbox_params=params)(
            image=np.zeros((HEIGHT, WIDTH, 3), np.uint8), bboxes=np.array(BOXES, np.float64), ids=np.arange(len(BOXES))
        )
        assert done["image"].shape[:2] == (to[1], to[0])
        cases.append({
            "name": name, "to": to, "matrix": [float(v) for v in matrix], "rule": rule,
            "boxes": np.round(np.asarray(done["bboxes"], np.float64), 4).tolist(), "ids": [int(i) for i in done["ids"]],
        })
with open("tests/fixtures/moved_boxes.json", "w") as file:
    json.dump({"size": [WIDTH, HEIGHT], "boxes": BOXES, "cases": cases}, file, indent=None, separators=(",", ":"))
    file.write("\n")
