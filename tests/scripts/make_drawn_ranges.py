"""What torchvision's random transforms draw: tests/fixtures/drawn_ranges.json.

    pip install torchvision && python tests/scripts/make_drawn_ranges.py

torchvision 0.29, torch 2.15. Of `make_params` itself, over many draws: `ranges` has the least, the greatest and the mean of what is drawn,
and its mean distance from the middle of the range. `erased` has the sides of the box of one `scale` and one `ratio`, none where ten attempts
miss, and from where to where its corner lies; `missed` how often nothing is erased. Sizes are [width, height].
"""

import json
from pathlib import Path

import torch
from torchvision.transforms import v2
from torchvision.transforms.v2 import _geometry

TO = Path(__file__).resolve().parent.parent / "fixtures" / "drawn_ranges.json"
DRAWS = 10_000
SIZE = [160, 120]


def picture(size):
    return torch.zeros(3, size[1], size[0], dtype=torch.uint8)


def drawn(transform, size, count=DRAWS):
    torch.manual_seed(0)
    return [transform.make_params([picture(size)]) for _ in range(count)]


def spread(values):
    values = torch.tensor(values, dtype=torch.float64)
    low, high = values.min(), values.max()
    middle = (values - (low + high) / 2).abs().mean()
    return [round(float(value), 4) for value in (low, high, values.mean(), middle)]


def erased(size, scale, ratio):
    box = drawn(v2.RandomErasing(p=1, scale=(scale, scale), ratio=(ratio, ratio)), size, 3000)
    made = {"size": size, "scale": scale, "ratio": ratio, "box": None}
    if box[0]["v"] is not None:
        made["box"] = [box[0]["w"], box[0]["h"]]
        made["left"] = [min(one["j"] for one in box), max(one["j"] for one in box)]
        made["top"] = [min(one["i"] for one in box), max(one["i"] for one in box)]
    return made


def missed(size, scale, ratio):
    """As shares of the rows: those without a box; and the mean sides of the others."""
    boxes = [one for one in drawn(v2.RandomErasing(p=1, scale=scale, ratio=ratio), size) if one["v"] is not None]
    return {
        "size": size,
        "scale": list(scale),
        "ratio": list(ratio),
        "nothing": 1 - len(boxes) / DRAWS,
        "mean": [round(sum(one[side] for one in boxes) / len(boxes), 3) for side in "wh"],
    }


def cropped(size, to, padding):
    """Where the part lies in the picture, before anything is added to that."""
    crop = v2.RandomCrop([to[1], to[0]], padding=padding or None, pad_if_needed=True)
    places = [[one["left"] - one["padding"][0], one["top"] - one["padding"][1]] for one in drawn(crop, size)]
    across, down = zip(*places)
    return {"size": size, "to": to, "padding": padding, "ranges": [spread(across), spread(down)]}


def perspective():
    """How far each corner moves inwards: across and down, clockwise from the top left."""
    ends, solve = [], _geometry._get_perspective_coeffs
    _geometry._get_perspective_coeffs = lambda starts, to: ends.append((starts, to))
    drawn(v2.RandomPerspective(distortion_scale=0.5, p=1), SIZE)
    _geometry._get_perspective_coeffs = solve
    inwards = lambda corner, axis: [abs(to[corner][axis] - starts[corner][axis]) for starts, to in ends]
    return [spread(inwards(corner, axis)) for corner in range(4) for axis in range(2)]


def affine():
    """Degrees of the turn, pixels across and down, the factor, degrees of vertical and of horizontal lines."""
    all = drawn(v2.RandomAffine(40, translate=(0.25, 0.5), scale=(0.5, 1.5), shear=(-20, 20, -10, 10)), SIZE)
    of = lambda name, at: [one[name][at] for one in all]
    return [
        spread([one["angle"] for one in all]),
        spread(of("translate", 0)),
        spread(of("translate", 1)),
        spread([one["scale"] for one in all]),
        spread(of("shear", 0)),
        spread(of("shear", 1)),
    ]


if __name__ == "__main__":
    made = {
        "erased": [
            erased([48, 40], 0.1, 3.0),
            erased([48, 40], 0.1, 0.4),
            erased([60, 20], 0.25, 0.5),
            # As high as the picture, and higher.
            erased([60, 20], 0.25, 1.3333334),
            erased([60, 20], 0.25, 2.0),
            erased([16, 16], 1.0, 1.0),
            erased([3, 3], 0.02, 1.0),
        ],
        "missed": [missed([60, 10], (0.3, 0.8), (0.3, 3.3)), missed([20, 30], (0.02, 0.33), (0.3, 3.3))],
        "cropped": [
            cropped([16, 12], [9, 7], 0),
            cropped([16, 12], [16, 12], 5),
            cropped([16, 12], [40, 30], 0),
            cropped([16, 12], [40, 10], 3),
        ],
        "size": SIZE,
        "perspective": perspective(),
        "affine": affine(),
        "rotation": spread([one["angle"] for one in drawn(v2.RandomRotation(30), SIZE)]),
    }
    lines = [f'"{name}": {json.dumps(value)}'.replace("}, {", "},\n    {") for name, value in made.items()]
    TO.write_text("{\n  " + ",\n  ".join(lines) + "\n}\n")
