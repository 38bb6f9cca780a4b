"""How near albumentations' chain of motions is to many samples for each pixel: what `cargo bench --bench motion` says of ours.

    python motion.py DATA.parquet [--photos 24]

Crop, turn (15 degrees), scale (0.8 to 1.25), shear (10 degrees), move (0.1), perspective (0.1) and flip of the same photos, each by its own draws.
Where a pixel of the result comes from is read off a picture of coordinates that goes through the same draws, and is made whole by
the homography that fits it best; the reference is the mean of 6 x 6 bilinear samples of the photo for each pixel. Counted are pixels that show the crop: its corners, black after the
turn, would be counted as wrong.
"""

import argparse
import io
import os

os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")

import albumentations as A
import cv2
import numpy as np
import pyarrow.parquet as pq
from PIL import Image

SIZE, SUB = 224, 6


def chain(interpolation):
    return A.ReplayCompose([
        A.RandomResizedCrop((SIZE, SIZE), (0.35, 1.0), (3 / 4, 4 / 3), interpolation=interpolation),
        A.Affine(rotate=(-15, 15), scale=(0.8, 1.25), shear={"x": (-10, 10), "y": 0}, translate_percent=(-0.1, 0.1), p=1),
        A.Perspective(scale=(0.05, 0.05), p=1),
        A.HorizontalFlip(p=0.5),
    ])


def homography(places, known):
    """The matrix from pixels of the result to the photo."""
    y, x = np.nonzero(known)
    x, y, u, v = x + 0.5, y + 0.5, *places[known].T
    zero, one = np.zeros_like(u), np.ones_like(u)
    rows = np.concatenate([
        np.stack([x, y, one, zero, zero, zero, -u * x, -u * y], -1),
        np.stack([zero, zero, zero, x, y, one, -v * x, -v * y], -1),
    ])
    found, *_ = np.linalg.lstsq(rows, np.concatenate([u, v]), rcond=None)
    matrix = np.append(found, 1).reshape(3, 3)
    weight = matrix[2] @ [x, y, one]
    off = np.hypot((matrix[0] @ [x, y, one]) / weight - u, (matrix[1] @ [x, y, one]) / weight - v)
    return matrix, off.max()


def sampled(photo, matrix):
    height, width = photo.shape[:2]
    padded = np.zeros((height + 2, width + 2, 3))
    padded[1:-1, 1:-1] = photo
    total = np.zeros((SIZE, SIZE, 3))
    for i in range(SUB * SUB):
        x, y = np.meshgrid(np.arange(SIZE) + (i % SUB + 0.5) / SUB, np.arange(SIZE) + (i // SUB + 0.5) / SUB)
        u, v, weight = (row[0] * x + row[1] * y + row[2] for row in matrix)
        u, v = np.clip(u / weight + 0.5, 0, width + 0.999), np.clip(v / weight + 0.5, 0, height + 0.999)
        u0, v0 = u.astype(int), v.astype(int)
        fu, fv = (u - u0)[..., None], (v - v0)[..., None]
        line = lambda v: padded[v, u0] * (1 - fu) + padded[v, u0 + 1] * fu
        total += line(v0) * (1 - fv) + line(v0 + 1) * fv
    return total / SUB**2


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("data")
    parser.add_argument("--photos", type=int, default=24)
    options = parser.parse_args()
    cv2.setNumThreads(1)
    column = pq.ParquetFile(options.data).read_row_group(0, columns=["image"])["image"].to_pylist()[:150]
    column = column[:: max(1, len(column) // options.photos)][: options.photos]
    for name, interpolation in [("INTER_LINEAR", cv2.INTER_LINEAR), ("INTER_AREA", cv2.INTER_AREA)]:
        transform, found, fits = chain(interpolation), [], []
        transform.set_random_seed(1) if hasattr(transform, "set_random_seed") else None
        for value in column:
            file = value["bytes"] if isinstance(value, dict) else value
            photo = np.array(Image.open(io.BytesIO(file)).convert("RGB"))
            height, width = photo.shape[:2]
            moved = transform(image=photo)
            x, y = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
            places = np.stack([x, y, np.ones_like(x)], -1).astype(np.float32)
            places = A.ReplayCompose.replay(moved["replay"], image=places)["image"]
            inside = cv2.erode((places[..., 2] > 0.9999).astype(np.uint8), np.ones((15, 15)), borderValue=0) > 0
            matrix, off = homography(places[..., :2].astype(np.float64), inside)
            fits.append(off)
            # Where the chain turned black corners into the picture is not counted.
            seen = cv2.erode((places[..., 2] > 0.9999).astype(np.uint8), np.ones((3, 3)), borderValue=1) > 0
            found.append(np.abs(moved["image"].astype(float) - sampled(photo, matrix))[seen].mean())
        print(f"albumentations {A.__version__}, crop by {name}: {np.mean(found):.2f} levels on average ({np.min(found):.2f} to {np.max(found):.2f}); the map is known to {max(fits):.2f} pixels")
