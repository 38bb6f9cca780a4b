"""Makes tests/fixtures/detection_losses.json: FCOS's assignment and losses by PyTorch and torchvision.

    python tests/scripts/make_detection_losses.py   (torch 2, torchvision 0.20 or later)
"""

import json
from pathlib import Path

import torch
import torch.nn.functional as F
from torchvision.ops import generalized_box_iou_loss, sigmoid_focal_loss

torch.manual_seed(17)
COLUMNS, ROWS, STRIDE, CLASSES, RADIUS = 10, 7, 8.0, 3, 1.5


def rounded(tensor):
    return [round(value, 7) for value in tensor.flatten().tolist()]


def assign(boxes, classes):
    """Brute force: every place against every box."""
    y, x = torch.meshgrid(torch.arange(ROWS) * STRIDE + STRIDE / 2, torch.arange(COLUMNS) * STRIDE + STRIDE / 2, indexing="ij")
    x, y = x.flatten(), y.flatten()
    sides = torch.stack(
        [x[:, None] - boxes[:, 0], y[:, None] - boxes[:, 1], boxes[:, 2] - x[:, None], boxes[:, 3] - y[:, None]], -1
    )
    middle = torch.stack([(boxes[:, 0] + boxes[:, 2]) / 2, (boxes[:, 1] + boxes[:, 3]) / 2], -1)
    near = ((x[:, None] - middle[:, 0]).abs() <= RADIUS * STRIDE) & ((y[:, None] - middle[:, 1]).abs() <= RADIUS * STRIDE)
    area = ((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])).expand(len(x), -1).clone()
    area[~((sides.min(-1).values > 0) & near)] = float("inf")
    if len(boxes) == 0:
        return torch.full((len(x),), -1), torch.ones(len(x), 4)
    least, which = area.min(1)
    is_box = least < float("inf")
    label = torch.where(is_box, classes[which], torch.tensor(-1))
    wanted = torch.ones(len(x), 4)
    wanted[is_box] = sides[is_box, which[is_box]]
    return label, wanted


def corners(sides):
    return torch.cat([-sides[:, :2], sides[:, 2:]], 1)


pictures = []
for count in (6, 0, 1):
    size = torch.rand(count, 2) * torch.tensor([50.0, 30.0]) + 5
    start = torch.rand(count, 2) * (torch.tensor([COLUMNS * STRIDE, ROWS * STRIDE]) - size)
    boxes = (torch.cat([start, start + size], 1) * 16).round() / 16
    pictures.append((boxes, torch.randint(0, CLASSES, (count,))))

labels, wanted = (torch.cat(parts) for parts in zip(*(assign(*picture) for picture in pictures)))
places = len(labels)
logits = (torch.randn(places, CLASSES) * 2).requires_grad_()
distances = (torch.rand(places, 4) * 40 + 0.5).requires_grad_()
centre = torch.randn(places).requires_grad_()

is_box = labels >= 0
count = int(is_box.sum())
hot = torch.zeros(places, CLASSES)
hot[is_box, labels[is_box]] = 1
sides = wanted[is_box]
horizontal, vertical = sides[:, [0, 2]], sides[:, [1, 3]]
centreness = (
    horizontal.min(1).values / horizontal.max(1).values * vertical.min(1).values / vertical.max(1).values
).sqrt()
focal = sigmoid_focal_loss(logits, hot, alpha=0.25, gamma=2.0, reduction="none")
overlap = generalized_box_iou_loss(corners(distances[is_box]), corners(sides), reduction="none")
cross = F.binary_cross_entropy_with_logits(centre[is_box], centreness, reduction="none")
loss = focal.sum() / count + (overlap * centreness).sum() / centreness.sum() + cross.sum() / count
loss.backward()

a = torch.rand(12, 4) * 10
a[:, 2:] += a[:, :2]
b = torch.rand(12, 4) * 10
b[:, 2:] += b[:, :2]
b[0] = a[0]

out = {
    "columns": COLUMNS,
    "rows": ROWS,
    "stride": STRIDE,
    "classes": CLASSES,
    "radius": RADIUS,
    "pictures": [{"boxes": boxes.tolist(), "classes": classes.tolist()} for boxes, classes in pictures],
    "labels": labels.tolist(),
    "wanted": rounded(wanted),
    "centreness": rounded(centreness),
    "logits": rounded(logits),
    "distances": rounded(distances),
    "centre": rounded(centre),
    "focal": rounded(focal),
    "loss": loss.item(),
    "gradients": [rounded(part.grad) for part in (logits, distances, centre)],
    "a": rounded(a),
    "b": rounded(b),
    "giou_loss": rounded(generalized_box_iou_loss(a, b, reduction="none")),
}
path = Path(__file__).parent.parent / "fixtures" / "detection_losses.json"
path.write_text(json.dumps(out) + "\n")
