"""Writes tests/fixtures/moved_boxes.json: boxes before and after single operations of albumentations, and what those do to the plane; and
tests/fixtures/moved_points.json: points before and after the same. `matrix` is a homography's, row by row.

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


def perspective():
    """With corners that are drawn, and the picture's size."""
    transform = A.Perspective(scale=(0.2, 0.2), keep_size=True, fit_output=False, p=1)
    transform.set_random_seed(5)
    params = transform.update_transform_params({}, {"image": np.zeros((HEIGHT, WIDTH, 3), np.uint8)})
    found = transform.get_params_dependent_on_data(params, {"image": np.zeros((HEIGHT, WIDTH, 3), np.uint8)})
    # The same for every call.
    transform.get_params_dependent_on_data = lambda **_: found
    to_size = np.diag([WIDTH / found["max_width"], HEIGHT / found["max_height"], 1])
    return transform, (to_size @ found["matrix"]).flatten().tolist(), (WIDTH, HEIGHT)


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
    "perspective": perspective(),
    "pad": (A.Pad(padding=(9, 4, 6, 11), p=1), [1, 0, 9, 0, 1, 4], (95, 75)),
    # As large as fits into 50 x 50, in the middle: 50 x 37.5, of which the sides are 50 x 38 pixels.
    "letterbox": (
        A.Compose([A.LongestMaxSize(50), A.PadIfNeeded(50, 50)]), [50 / WIDTH, 0, 0, 0, 38 / HEIGHT, 6], (50, 50)
    ),
    # A ground of twice the sides, and back.
    "zoom_out": (
        A.Compose([A.Pad(padding=(30, 20, 50, 40), p=1), A.Resize(height=60, width=80)]), [0.5, 0, 15, 0, 0.5, 10], size
    ),
}
rules = [
    {},
    {"min_visibility": 0.45},
    {"min_area": 60.0},
    {"min_width": 6.0, "min_height": 5.0},
    {"min_area": 20.0, "min_visibility": 0.2, "min_width": 3.0},
]
cases = []
POINTS = np.round(rng.uniform([0, 0], [WIDTH, HEIGHT], (60, 2)), 3)
for _, matrix, to in operations.values():
    # No point comes near an edge: there the two, which count from different places, decide differently.
    homography = np.array(([*matrix] + [0.0, 0.0, 1.0])[:9]).reshape(3, 3)
    moved = np.column_stack([POINTS, np.ones(len(POINTS))]) @ homography.T
    moved = moved[:, :2] / moved[:, 2:]
    POINTS = POINTS[(np.minimum(np.abs(moved), np.abs(moved - to)) > 0.7).all(axis=1)]
moved_points = []
for name, (transform, matrix, to) in operations.items():
    # Of a resize albumentations scales the centres of pixels as if they were their corners.
    if name not in ("resize", "letterbox", "zoom_out"):
        # Its points are centres of pixels, ours count from the corner of the first one.
        done = A.Compose([transform], keypoint_params=A.KeypointParams("xy", label_fields=["ids"], remove_invisible=True))(
            image=np.zeros((HEIGHT, WIDTH, 3), np.uint8), keypoints=POINTS - 0.5, ids=np.arange(len(POINTS))
        )
        homography = ([float(v) for v in matrix] + [0.0, 0.0, 1.0])[:9]
        if name == "perspective":
            # It is of boxes' corners and of points' centres alike.
            to_corner = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1]])
            homography = (to_corner @ np.reshape(homography, (3, 3)) @ np.linalg.inv(to_corner)).flatten().tolist()
        moved_points.append({
            "name": name, "to": to, "matrix": homography,
            "points": np.round(np.asarray(done["keypoints"], np.float64) + 0.5, 4).tolist(), "ids": [int(i) for i in done["ids"]],
        })
    for rule in rules:
        params = A.BboxParams("pascal_voc", label_fields=["ids"], **rule)
        done = A.Compose([transform], bbox_params=params)(
            image=np.zeros((HEIGHT, WIDTH, 3), np.uint8), bboxes=np.array(BOXES, np.float64), ids=np.arange(len(BOXES))
        )
        assert done["image"].shape[:2] == (to[1], to[0])
        cases.append({
            "name": name, "to": to, "matrix": ([float(v) for v in matrix] + [0.0, 0.0, 1.0])[:9], "rule": rule,
            "boxes": np.round(np.asarray(done["bboxes"], np.float64), 4).tolist(), "ids": [int(i) for i in done["ids"]],
        })
with open("tests/fixtures/moved_boxes.json", "w") as file:
    json.dump({"size": [WIDTH, HEIGHT], "boxes": BOXES, "cases": cases}, file, indent=None, separators=(",", ":"))
    file.write("\n")
with open("tests/fixtures/moved_points.json", "w") as file:
    json.dump({"size": [WIDTH, HEIGHT], "points": POINTS.tolist(), "cases": moved_points}, file, indent=None, separators=(",", ":"))
    file.write("\n")
