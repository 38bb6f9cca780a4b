"""Which parts torchvision's RandomIoUCrop accepts: tests/fixtures/iou_crop.json.

    pip install torchvision && python tests/scripts/make_iou_crop.py

torchvision 0.29, torch 2.15. `make_params` itself is given what it draws: an overlap, the size of a part and its place, once; the next overlap is 1,
which takes the whole picture. `size` is [width, height]; `part` left, top, width and height; `boxes` corners; `within` says whose centre is
in the part (as torchvision says of what it takes), `overlaps` are torchvision's `box_iou` of the part with each box, and `taken` is whether the part is accepted for `overlap`.
"""

import json
import random
from pathlib import Path

import torch
from torchvision import tv_tensors
from torchvision.ops import box_iou
from torchvision.transforms import v2

TO = Path(__file__).resolve().parent.parent / "fixtures" / "iou_crop.json"
WIDTH, HEIGHT = 200, 100
OVERLAPS = [0.0, 0.1, 0.3, 0.5, 0.7, 0.9]
CASES = 120


def taken(part, boxes, overlap):
    """Whether the part is accepted, and the boxes that it keeps."""
    left, top, width, height = part
    # What is cut to whole pixels is half a pixel more.
    shares = [torch.tensor([(width + 0.5) / WIDTH, (height + 0.5) / HEIGHT])]
    room = [WIDTH - width, HEIGHT - height]
    shares.append(torch.tensor([(at + 0.5) / max(own, 1) for at, own in zip((left, top), room)]))
    options = iter([0, 1])
    rand, randint = torch.rand, torch.randint
    torch.rand = lambda *_: shares.pop(0)
    torch.randint = lambda **_: torch.tensor([next(options)])
    crop = v2.RandomIoUCrop(0.01, 1.0, 0.5, 2.0, [overlap, 1.0], trials=1)
    crop.min_scale, crop.max_scale = 0.0, 1.0
    inputs = [tv_tensors.Image(torch.zeros(3, HEIGHT, WIDTH, dtype=torch.uint8)), boxes]
    params = crop.make_params(inputs)
    torch.rand, torch.randint = rand, randint
    if not params:
        return False, None
    assert [params[name] for name in ("left", "top", "width", "height")] == list(part), (params, part)
    return True, params["is_within_crop_area"].tolist()


def case(draw):
    count = draw.randint(1, 4)
    corners = []
    for _ in range(count):
        x, y = sorted(draw.sample(range(WIDTH + 1), 2)), sorted(draw.sample(range(HEIGHT + 1), 2))
        corners.append([x[0], y[0], x[1], y[1]])
    # Near a box in two of three cases, so that much of it is in the part.
    if draw.random() < 0.67:
        left, top, right, bottom = corners[0]
        edges = [side + draw.randint(-8, 8) for side in (left, top, right, bottom)]
        left, top = max(edges[0], 0), max(edges[1], 0)
        part = [left, top, min(edges[2], WIDTH) - left, min(edges[3], HEIGHT) - top]
    else:
        width, height = draw.randint(10, WIDTH - 1), draw.randint(10, HEIGHT - 1)
        part = [draw.randint(0, WIDTH - width), draw.randint(0, HEIGHT - height), width, height]
    left, top, width, height = part
    if min(width, height) < 4 or not 0.55 < width / height < 1.9:
        return None
    boxes = tv_tensors.BoundingBoxes(corners, format="XYXY", canvas_size=(HEIGHT, WIDTH), dtype=torch.float32)
    area = torch.tensor([[left, top, left + width, top + height]], dtype=torch.float32)
    overlaps = [round(float(value), 6) for value in box_iou(torch.tensor(corners, dtype=torch.float32), area)[:, 0]]
    overlap = draw.choice(OVERLAPS)
    centre = lambda low, high: (low + high) / 2
    within = [
        left < centre(x, right) < left + width and top < centre(y, bottom) < top + height
        for x, y, right, bottom in corners
    ]
    accepted, kept = taken(part, boxes, overlap)
    assert kept is None or kept == within
    return {
        "part": part,
        "boxes": corners,
        "within": within,
        "overlaps": overlaps,
        "overlap": overlap,
        "taken": accepted,
    }


if __name__ == "__main__":
    draw, cases = random.Random(1), []
    while len(cases) < CASES:
        made = case(draw)
        if made:
            cases.append(made)
    lines = ",\n    ".join(json.dumps(one) for one in cases)
    TO.write_text(f'{{\n  "size": [{WIDTH}, {HEIGHT}],\n  "cases": [\n    {lines}\n  ]\n}}\n')
    print(sum(one["taken"] for one in cases), "of", CASES, "are taken")
