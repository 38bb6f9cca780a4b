"""What torchvision and Pillow make of photos and their partners: tests/fixtures/partners. The tests look for rows with these draws.

    pip install torchvision && python tests/scripts/make_partners.py

torchvision 0.29, torch 2.15, Pillow 13. `photo-N.png` are four parts of ../preprocessing/photo.jpg, a real photo, at a third of its size: 24 x 20
pixels. As a batch each has the one before it as its partner, the first one the last. In `mixed.json`:

- `mixup`: what v2.MixUp makes of the batch with a given lambda, whose values are in `mixup.f32`, `[row, channel, height, width]`;
- `cutmix`: what v2.CutMix makes of one row of it with a given lambda and centre: left, top, right and bottom of what is the partner's, and the labels.
  None of these lies within `NEAR` of a lambda with another box.

`pasted-N.png` is row N with a part of its partner pasted by Pillow, fading over 3 pixels at the part's edge.
"""

import json
from pathlib import Path
from unittest.mock import patch

import numpy as np
import torch
from PIL import Image
from torchvision.transforms import v2

FIXTURES = Path(__file__).resolve().parent.parent / "fixtures"
TO = FIXTURES / "partners"
WIDTH, HEIGHT = 24, 20
SHARE = 0.3
NEAR = 8e-3
CUTS = 32
# Left, top, width and height of what is pasted, and the corner that it goes to.
OBJECT, PLACE, EDGE = (2, 1, 18, 15), (4, 2), 3.0


def of(levels):
    """The batch as shares of white, and its labels."""
    return torch.from_numpy(np.stack(levels)).permute(0, 3, 1, 2).float() / 255, torch.arange(4)


def mixup(levels, share):
    transform = v2.MixUp(num_classes=4)
    with patch.object(transform._dist, "sample", lambda _: torch.tensor([share])):
        return transform(*of(levels))


def cutmix(levels, share, centre):
    """The box, and the batch."""
    transform = v2.CutMix(num_classes=4)
    drawn = []

    def integer(_, size):
        return torch.tensor([drawn.pop(0)])

    with (
        patch.object(transform._dist, "sample", lambda _: torch.tensor([share])),
        patch("torch.randint", integer),
    ):
        drawn[:] = centre
        box = transform.make_params([of(levels)[0]])["box"]
        drawn[:] = centre
        return box, transform(*of(levels))


def halves(share):
    r = 0.5 * np.sqrt(1 - share)
    return int(r * WIDTH), int(r * HEIGHT)


def cuts(levels):
    rng = np.random.default_rng(7)
    while True:
        share, centre = float(np.float32(rng.uniform(0.02, 0.97))), [int(rng.integers(WIDTH)), int(rng.integers(HEIGHT))]
        if halves(share - NEAR) == halves(share + NEAR):
            yield share, centre, cutmix(levels, share, centre)


def pasted(own, partner):
    left, top, width, height = OBJECT
    depth = [np.minimum(np.arange(side) + 0.5, side - np.arange(side) - 0.5) for side in (width, height)]
    mask = np.clip(np.minimum(depth[0][None], depth[1][:, None]) / EDGE, 0, 1)
    part = Image.fromarray(partner).crop((left, top, left + width, top + height))
    whole = Image.fromarray(own)
    whole.paste(part, PLACE, Image.fromarray(np.round(255 * mask).astype(np.uint8)))
    return whole


if __name__ == "__main__":
    TO.mkdir(exist_ok=True)
    photo = Image.open(FIXTURES / "preprocessing" / "photo.jpg").convert("RGB").resize((107, 80), Image.LANCZOS)
    corners = [(32, 38), (56, 2), (26, 6), (62, 38)]
    levels = []
    for row, (left, top) in enumerate(corners):
        part = photo.crop((left, top, left + WIDTH, top + HEIGHT))
        part.save(TO / f"photo-{row}.png", optimize=True)
        levels.append(np.array(part))
    cases = {"cutmix": []}
    values, labels = mixup(levels, SHARE)
    values.numpy().astype("<f4").tofile(TO / "mixup.f32")
    cases["mixup"] = {"lambda": SHARE, "labels": [[round(value, 6) for value in row] for row in labels.tolist()]}
    found = cuts(levels)
    for case in range(CUTS):
        row = case % 4
        share, centre, (box, (values, labels)) = next(found)
        expected, (left, top, right, bottom) = of(levels)[0][row].clone(), box
        expected[:, top:bottom, left:right] = of(levels)[0][row - 1][:, top:bottom, left:right]
        assert (values[row] == expected).all()
        shares = [round(value, 6) for value in labels[row].tolist()]
        cases["cutmix"].append({"row": row, "lambda": share, "centre": centre, "box": box, "labels": shares})
    for row in range(4):
        pasted(levels[row], levels[row - 1]).save(TO / f"pasted-{row}.png", optimize=True)
    (TO / "mixed.json").write_text(json.dumps(cases, separators=(",", ":")) + "\n")
