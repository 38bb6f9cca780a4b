"""Makes tests/fixtures/detection.json: boxes, what pycocotools says of them, and what torchvision's and a plain NumPy
non-maximum suppression keep of them.

Run from the repository's root with pycocotools, NumPy and torchvision at hand: python3 tests/scripts/make_detection.py
"""

import contextlib
import io
import json

import numpy as np
import torch
import torchvision
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

rng = np.random.default_rng(17)


def boxes(count, low=4, high=200, side=400):
    """Corners that are multiples of a quarter, so that no sum is rounded."""
    wh = np.exp(rng.uniform(np.log(low), np.log(high), (count, 2)))
    xy = rng.uniform(0, side - wh)
    corners = np.concatenate([xy, xy + wh], 1)
    return (np.round(corners * 4) / 4).tolist()


def moved(box, by):
    x1, y1, x2, y2 = box
    w, h = x2 - x1, y2 - y1
    shift = rng.normal(0, by, 4) * [w, h, w, h]
    new = np.round((np.array(box) + shift) * 4) / 4
    new[2:] = np.maximum(new[2:], new[:2] + 0.25)
    return new.tolist()


def picture(classes, objects, noise, by=0.1, crowds=0.0, step=0.05, areas=False):
    truth, found = [], []
    for box in boxes(objects):
        kind = int(rng.integers(classes))
        crowd = bool(rng.random() < crowds)
        area = (box[2] - box[0]) * (box[3] - box[1])
        truth.append({"box": box, "class": kind, "crowd": crowd, "area": round(area * 0.7, 2) if areas else None})
        for _ in range(rng.integers(0, 4)):
            other = kind if rng.random() < 0.85 else int(rng.integers(classes))
            found.append({"box": moved(box, by), "class": other, "score": score(step, 0.6)})
    for box in boxes(noise):
        found.append({"box": box, "class": int(rng.integers(classes)), "score": score(step, 0.3)})
    order = rng.permutation(len(found))
    return {"truth": truth, "found": [found[i] for i in order]}


def score(step, mean):
    return float(np.clip(np.round(rng.normal(mean, 0.2) / step) * step, 0.01, 1))


def box(x1, y1, x2, y2, kind=0, crowd=False, area=None):
    return {"box": [x1, y1, x2, y2], "class": kind, "crowd": crowd, "area": area}


def found(x1, y1, x2, y2, score, kind=0):
    return {"box": [x1, y1, x2, y2], "class": kind, "score": score}


cases = {
    "random": (3, [1, 10, 100], [picture(3, 6, 5) for _ in range(10)]),
    "areas of masks": (2, [1, 10, 100], [picture(2, 8, 4, areas=True) for _ in range(6)]),
    "crowds": (2, [1, 10, 100], [picture(2, 6, 6, crowds=0.4) for _ in range(8)]),
    "ties of scores": (2, [1, 10, 100], [picture(2, 6, 6, step=0.5) for _ in range(8)]),
    "empty pictures": (2, [1, 10, 100], [picture(2, 0, 0), picture(2, 3, 2), picture(2, 0, 4),
                                         {**picture(2, 4, 0), "found": []}, picture(2, 3, 1)]),
    "no prediction": (2, [1, 10, 100], [{**picture(2, 4, 0), "found": []} for _ in range(3)]),
    "no object": (2, [1, 10, 100], [picture(2, 0, 3) for _ in range(3)]),
    "a class without objects": (4, [1, 10, 100], [picture(2, 4, 3) for _ in range(4)] + [
        {"truth": [], "found": [found(0, 0, 9, 9, 0.8, 2)]}]),
    "more than are counted": (1, [1, 10, 100], [picture(1, 10, 130) for _ in range(2)]),
    "few are counted": (2, [1, 3, 5], [picture(2, 6, 5) for _ in range(5)]),
    "areas on a border": (1, [1, 10, 100], [
        {"truth": [box(0, 0, 32, 32), box(50, 0, 146, 96), box(200, 0, 232, 33), box(0, 200, 96, 297)],
         "found": [found(0, 0, 32, 32, 0.9), found(50, 0, 146, 97, 0.8), found(200, 0, 232, 32, 0.7),
                   found(0, 200, 96, 296, 0.6), found(300, 300, 332, 332, 0.95), found(300, 200, 396, 296, 0.85)]}]),
    "overlaps on a threshold": (1, [1, 10, 100], [
        {"truth": [box(0, 0, 20, 20), box(0, 0, 20, 20), box(100, 0, 120, 20)],
         "found": [found(0, 0, 20, 10, 0.9), found(0, 0, 20, 15, 0.9), found(100, 0, 120, 12, 0.5),
                   found(100, 0, 120, 18, 0.5), found(100, 0, 120, 19, 0.4)]},
        {"truth": [box(0, 0, 10, 20), box(10, 0, 20, 20), box(0, 0, 20, 20, crowd=True)],
         "found": [found(0, 0, 20, 20, 0.9), found(0, 0, 20, 20, 0.9), found(0, 0, 20, 20, 0.9),
                   found(5, 5, 15, 15, 0.3)]}]),
}


def evaluated(classes, at_most, pictures):
    images = [{"id": i + 1} for i in range(len(pictures))]
    categories = [{"id": c} for c in range(classes)]

    def coco(which):
        annotations = []
        for i, picture in enumerate(pictures):
            for one in picture[which]:
                x1, y1, x2, y2 = one["box"]
                area = one.get("area")
                annotations.append({
                    "id": len(annotations) + 1, "image_id": i + 1, "category_id": one["class"],
                    "bbox": [x1, y1, x2 - x1, y2 - y1], "iscrowd": int(one.get("crowd", False)),
                    "area": (x2 - x1) * (y2 - y1) if area is None else area, "score": one.get("score", 0),
                })
        made = COCO()
        made.dataset = {"images": images, "categories": categories, "annotations": annotations}
        made.createIndex()
        return made

    with contextlib.redirect_stdout(io.StringIO()):
        evaluation = COCOeval(coco("truth"), coco("found"), "bbox")
        evaluation.params.maxDets = at_most
        evaluation.evaluate()
        evaluation.accumulate()
    precision, recall = evaluation.eval["precision"], evaluation.eval["recall"]  # [T, R, K, A, M], [T, K, A, M]

    def mean(values):
        values = values[values > -1]
        return float(values.mean()) if values.size else None

    figures = {"map": mean(precision[..., 0, 2]), "map50": mean(precision[0, ..., 0, 2]), "map75": mean(precision[5, ..., 0, 2])}
    figures |= {f"map_{size}": mean(precision[..., a, 2]) for a, size in enumerate(["small", "medium", "large"], 1)}
    figures |= {f"mar{most}": mean(recall[:, :, 0, m]) for m, most in enumerate(at_most)}
    figures |= {f"mar_{size}": mean(recall[:, :, a, 2]) for a, size in enumerate(["small", "medium", "large"], 1)}
    kinds = range(classes)
    return {
        "figures": figures,
        "map_by_iou": [mean(precision[t, ..., 0, 2]) for t in range(10)],
        "average_precision": [mean(precision[:, :, k, 0, 2]) for k in kinds],
        "ap50": [mean(precision[0, :, k, 0, 2]) for k in kinds],
        "average_recall": [mean(recall[:, k, 0, 2]) for k in kinds],
        # Of each class at the thresholds 0.5 and 0.75.
        "precision": [[np.round(precision[t, :, k, 0, 2], 9).tolist() for t in (0, 5)] for k in kinds],
    }


def soft(corners, scores, classes, weight, least):
    """Soft-NMS as in algorithm 1 of Bodla et al. 2017, class by class."""
    kept = []
    for kind in sorted(set(classes)):
        left = [[i, float(scores[i])] for i in range(len(classes)) if classes[i] == kind and scores[i] >= least]
        while left:
            best = max(range(len(left)), key=lambda at: (left[at][1], -left[at][0]))
            i, top = left.pop(best)
            kept.append([i, top])
            for other in left:
                other[1] *= weight(overlap(corners[i], corners[other[0]]))
            left = [other for other in left if other[1] >= least]
    return sorted(kept, key=lambda one: (-one[1], one[0]))


def overlap(a, b):
    w, h = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    shared = max(w, 0) * max(h, 0)
    area = lambda box: (box[2] - box[0]) * (box[3] - box[1])
    return shared / (area(a) + area(b) - shared) if shared > 0 else 0.0


def suppressed(count, classes, step):
    objects = boxes(count // 6)
    corners = [moved(objects[i % len(objects)], 0.12) for i in range(count)]
    scores = [np.float32(score(step, 0.5)) for _ in range(count)]
    kinds = [int(rng.integers(classes)) for _ in range(count)]
    box, values, kind = torch.tensor(corners), torch.tensor(np.array(scores)), torch.tensor(kinds)
    by_class = torch.ones(0, dtype=torch.long)
    for c in range(classes):
        of = torch.where(kind == c)[0]
        by_class = torch.cat([by_class, of[torchvision.ops.nms(box[of], values[of], 0.5)]])
    by_class = sorted(by_class.tolist(), key=lambda i: (-values[i], i))
    linear = soft(corners, scores, kinds, lambda o: 1 - o if o > 0.3 else 1, 0.05)
    gaussian = soft(corners, scores, kinds, lambda o: np.exp(-o * o / 0.5), 0.05)
    return {
        "boxes": corners, "scores": [float(s) for s in scores], "classes": kinds,
        "hard": torchvision.ops.nms(box, values, 0.5).tolist(), "hard_by_class": by_class,
        "linear": linear, "gaussian": gaussian,
    }


def segmented():
    """Classes of pixels with an ignored label, and the figures by NumPy."""
    classes, ignored = 4, 255
    pictures = []
    for _ in range(3):
        truth = rng.integers(0, 3, (8, 10))
        predicted = np.where(rng.random((8, 10)) < 0.7, truth, rng.integers(0, 3, (8, 10)))
        truth[rng.random((8, 10)) < 0.15] = ignored
        pictures.append({"truth": truth.ravel().tolist(), "predicted": predicted.ravel().tolist()})
    truth = np.concatenate([p["truth"] for p in pictures])
    predicted = np.concatenate([p["predicted"] for p in pictures])
    truth, predicted = truth[truth != ignored], predicted[truth != ignored]
    matrix = np.zeros((classes, classes))
    np.add.at(matrix, (truth, predicted), 1)
    right = np.diag(matrix)
    with np.errstate(invalid="ignore"):
        iou = right / (matrix.sum(0) + matrix.sum(1) - right)
        accuracy = right / matrix.sum(1)
    none = lambda values: [None if np.isnan(v) else float(v) for v in values]
    return {
        "classes": classes, "ignored": ignored, "pictures": pictures,
        "figures": {"mean_iou": float(np.nanmean(iou)), "pixel_accuracy": float(right.sum() / matrix.sum()),
                    "mean_accuracy": float(np.nanmean(accuracy))},
        "iou": none(iou), "accuracy": none(accuracy),
    }


made = {
    "evaluation": [
        {"name": name, "classes": classes, "at_most": at_most, "pictures": pictures, **evaluated(classes, at_most, pictures)}
        for name, (classes, at_most, pictures) in cases.items()
    ],
    "suppression": [suppressed(60, 3, 0.01), suppressed(40, 2, 0.25)],
    "segmentation": segmented(),
}
with open("tests/fixtures/detection.json", "w") as file:
    json.dump(made, file, separators=(",", ":"))
    file.write("\n")
