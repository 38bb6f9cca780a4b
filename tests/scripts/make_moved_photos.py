"""What OpenCV and SciPy make of oriented boxes and of a bent photo: tests/fixtures/oriented.json, and tests/fixtures/motions/bent-MODE.png.

    pip install opencv-python-headless scipy && python tests/scripts/make_moved_photos.py

OpenCV 5.0, SciPy 1.17. `oriented.json` has boxes (centre, width and height, and degrees counter-clockwise), and for each matrix of the plane the corners of the
box that encloses the moved one. Where angles stay, that is the moved box itself, which OpenCV's smallest rectangle around its corners has to be, too; else
it is the rectangle around the moved corners along the line between the middles of the moved short sides. No box comes near an edge.

`bent-MODE.png` is the upper left of motions/photo.png, a real photo, by `map_coordinates` at places displaced by `displacement`; beyond the edges as
SciPy's mode has it.
"""

import json
import math
from pathlib import Path

import cv2
import numpy as np
from PIL import Image
from scipy.ndimage import map_coordinates

FIXTURES = Path(__file__).resolve().parent.parent / "fixtures"
WIDTH, HEIGHT = 160, 120
PART = (48, 40)


def about_centre(a, b, c, d):
    x, y = WIDTH / 2, HEIGHT / 2
    return [a, b, x - a * x - b * y, c, d, y - c * x - d * y]


def turned(degrees, scale=1.0):
    """Counter-clockwise, with y downwards."""
    cos, sin = scale * math.cos(math.radians(degrees)), scale * math.sin(math.radians(degrees))
    return about_centre(cos, sin, -sin, cos)


# Those without a shear keep right angles.
MATRICES = {
    "horizontal_flip": [-1, 0, WIDTH, 0, 1, 0],
    "vertical_flip": [1, 0, 0, 0, -1, HEIGHT],
    "quarter": turned(90),
    "turned": turned(33),
    "turned back and smaller": turned(-118, 0.7),
    "moved": [1, 0, 7.5, 0, 1, -4.25],
    "sheared": about_centre(1, 0.3, 0, 1),
    "affine": about_centre(0.8, -0.25, 0.1, 1.1),
    "squashed": [0.5, 0, 20, 0, 0.9, 3],
}


def corners_of(box):
    x, y, width, height, degrees = box
    return cv2.boxPoints(((x, y), (width, height), -degrees)).astype(np.float64)


def enclosing(corners, box, matrix):
    """Around `corners`, along what the box's middle line has become."""
    cos, sin = math.cos(math.radians(box[4])), -math.sin(math.radians(box[4]))
    along = np.array(matrix).reshape(2, 3)[:, :2] @ [cos, sin]
    along /= np.hypot(*along)
    axes = np.stack([along, [-along[1], along[0]]])
    places = corners @ axes.T
    low, high = places.min(0), places.max(0)
    return np.array([[low[0], low[1]], [high[0], low[1]], [high[0], high[1]], [low[0], high[1]]]) @ axes


def same(a, b):
    return max(np.hypot(*(b - corner).T).min() for corner in a) < 0.01


def displacement(x, y):
    """Across and down, in pixels, of the pixel in column x and row y."""
    return 4 * np.sin(y / 6) + 5, 3 * np.cos(x / 8) - 4


def bent(levels, mode):
    height, width = levels.shape[:2]
    y, x = np.mgrid[:height, :width].astype(np.float64)
    across, down = displacement(x, y)
    channels = [map_coordinates(levels[..., at].astype(np.float64), [y + down, x + across], order=1, mode=mode) for at in range(3)]
    return np.rint(np.stack(channels, -1)).astype(np.uint8)


if __name__ == "__main__":
    rng = np.random.default_rng(11)
    boxes, cases = [], {name: [] for name in MATRICES}
    while len(boxes) < 16:
        box = [*rng.uniform(50, 110, 1), *rng.uniform(35, 85, 1), rng.uniform(14, 32), rng.uniform(5, 13), rng.uniform(-180, 180)]
        box = [float(np.float32(value)) for value in box]
        made = {}
        for name, matrix in MATRICES.items():
            corners = cv2.transform(corners_of(box)[None], np.array(matrix, np.float64).reshape(2, 3))[0]
            around = enclosing(corners, box, matrix)
            if name not in ("sheared", "affine", "squashed"):
                assert same(around, corners) and same(corners, cv2.boxPoints(cv2.minAreaRect(corners.astype(np.float32))))
            made[name] = around.round(4).tolist() if (around > 1).all() and (around < [WIDTH - 1, HEIGHT - 1]).all() else None
        if all(made.values()):
            boxes.append(box)
            for name, around in made.items():
                cases[name].append(around)
    moved = [{"name": name, "matrix": [float(value) for value in matrix], "corners": cases[name]} for name, matrix in MATRICES.items()]
    text = json.dumps({"size": [WIDTH, HEIGHT], "boxes": boxes, "cases": moved}, separators=(",", ":"))
    (FIXTURES / "oriented.json").write_text(text + "\n")
    photo = np.array(Image.open(FIXTURES / "motions" / "photo.png").convert("RGB"))[: PART[1], : PART[0]]
    for mode in ("nearest", "mirror", "reflect"):
        Image.fromarray(bent(photo, mode)).save(FIXTURES / "motions" / f"bent-{mode}.png", optimize=True)
