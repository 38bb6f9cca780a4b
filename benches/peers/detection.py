"""Job 11: photos with boxes from disk to batches for training.

    python detection.py NAME DATA.parquet [--batches 100] [--warmup 8] [--threads 2]

NAME is one of the peers below or `all`. DATA is in Hugging Face's layout: `image` (JPEG), and `objects` with `bbox` (`xywh` in pixels) and
`category`. Each peer decodes, brings the photo to 320 x 240, turns it (10 degrees), moves it (a tenth), scales it (0.8 to 1.25), flips it,
changes brightness, contrast and saturation (a fifth each) and normalises it to f32 planes; boxes become `xyxy` in pixels of the
result, clipped, and those of which less than a quarter is left are dropped. All encoded photos and their boxes are in memory first,
fully shuffled, in batches of 32. Each peer runs in a process of its own and prints one JSON line.
"""

import argparse
import math
import os
import random

os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

import numpy as np
import pyarrow.parquet as pq

import measure
from photos import LEVELS, MEAN, STD, forever

BATCH, WIDTH, HEIGHT = 32, 320, 240
DEGREES, MOVE, SCALE, FACTOR, VISIBLE = 10, 0.1, (0.8, 1.25), 0.2, 0.25

PEERS = {}  # name: (function, package, modules)


def peer(package, *modules):
    """`package` gives the version; `modules` are loaded before the clock starts."""

    def add(function):
        PEERS[function.__name__] = function, package, modules
        return function

    return add


def rows(path):
    """(encoded photo, boxes as xyxy, classes) of each row with a box."""
    table = pq.read_table(path, columns=["image", "objects"])
    for image, objects in zip(table["image"].to_pylist(), table["objects"].to_pylist()):
        photo = image["bytes"] if isinstance(image, dict) else image
        boxes = np.array(objects["bbox"], np.float32).reshape(-1, 4)
        boxes[:, 2:] += boxes[:, :2]
        yield photo, boxes, np.array(objects["category"], np.int64)


# One row


class Albumentations:
    """OpenCV decodes and albumentations does the rest. Made on first use, in the worker."""

    transform = None

    def __call__(self, row):
        import albumentations as A
        import cv2

        if self.transform is None:
            cv2.setNumThreads(0)
            factors = (1 - FACTOR, 1 + FACTOR)
            self.transform = A.Compose(
                [
                    A.Resize(HEIGHT, WIDTH),
                    A.Affine(rotate=(-DEGREES, DEGREES), translate_percent=(-MOVE, MOVE), scale=SCALE, p=1),
                    A.HorizontalFlip(p=0.5),
                    A.ColorJitter(factors, factors, factors, (0, 0), p=1),
                    A.Normalize(MEAN, STD),
                ],
                bbox_params=A.BboxParams("pascal_voc", label_fields=["classes"], min_visibility=VISIBLE, clip=True),
            )
        photo, boxes, classes = row
        picture = cv2.imdecode(np.frombuffer(photo, np.uint8), cv2.IMREAD_COLOR_RGB)
        made = self.transform(image=picture, bboxes=boxes, classes=classes)
        return np.ascontiguousarray(made["image"].transpose(2, 0, 1)), made["bboxes"], made["classes"]


class Torchvision:
    """torchvision decodes to a tensor, and its v2 transforms move the boxes along as tv_tensors."""

    transform = None

    def __call__(self, row):
        import torch
        from torchvision import tv_tensors
        from torchvision.io import ImageReadMode, decode_jpeg
        from torchvision.transforms import InterpolationMode, v2

        if self.transform is None:
            self.transform = v2.Compose([
                v2.Resize((HEIGHT, WIDTH), antialias=True),
                v2.RandomAffine(DEGREES, (MOVE, MOVE), SCALE, interpolation=InterpolationMode.BILINEAR),
                v2.RandomHorizontalFlip(),
                v2.ColorJitter(FACTOR, FACTOR, FACTOR),
                v2.ToDtype(torch.float32, scale=True),
                v2.Normalize(MEAN, STD),
                v2.SanitizeBoundingBoxes(),
            ])
        photo, boxes, classes = row
        picture = decode_jpeg(torch.frombuffer(bytearray(photo), dtype=torch.uint8), ImageReadMode.RGB)
        made = self.transform({
            "image": tv_tensors.Image(picture),
            "boxes": tv_tensors.BoundingBoxes(boxes, format="XYXY", canvas_size=picture.shape[-2:]),
            "labels": torch.from_numpy(classes),
        })
        return made["image"].as_subclass(torch.Tensor), made["boxes"], made["labels"]


class OpenCV:
    """OpenCV alone: resize, rotation, scale, move and flip in one `warpAffine`, colours in one table and one matrix."""

    def __call__(self, row):
        import cv2

        cv2.setNumThreads(0)
        photo, boxes, classes = row
        picture = cv2.imdecode(np.frombuffer(photo, np.uint8), cv2.IMREAD_COLOR_RGB)
        height, width = picture.shape[:2]
        angle, scale = math.radians(random.uniform(-DEGREES, DEGREES)), random.uniform(*SCALE)
        turn = scale * np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
        turn[0] *= random.choice((-1, 1))
        move = [random.uniform(-MOVE, MOVE) * WIDTH, random.uniform(-MOVE, MOVE) * HEIGHT]
        turn = turn * [WIDTH / width, HEIGHT / height]
        shift = np.array([WIDTH, HEIGHT]) / 2 + move - turn @ [width / 2, height / 2]
        picture = cv2.warpAffine(picture, np.column_stack([turn, shift]), (WIDTH, HEIGHT), flags=cv2.INTER_LINEAR)

        brightness, contrast, saturation = (random.uniform(1 - FACTOR, 1 + FACTOR) for _ in range(3))
        levels = np.clip(np.arange(256) * brightness, 0, 255)
        mean = levels[int(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).mean())]
        table = np.clip(mean + contrast * (levels - mean), 0, 255).astype(np.uint8)
        grey = (1 - saturation) * np.array([[0.299, 0.587, 0.114]])
        picture = cv2.transform(cv2.LUT(picture, table), saturation * np.eye(3) + grey.repeat(3, 0))

        corners = boxes[:, [0, 1, 2, 1, 2, 3, 0, 3]].reshape(-1, 4, 2) @ turn.T + shift
        moved = np.concatenate([corners.min(1), corners.max(1)], 1)
        clipped = np.clip(moved, 0, [WIDTH, HEIGHT, WIDTH, HEIGHT])
        area = lambda boxes: (boxes[:, 2:] - boxes[:, :2]).prod(1)
        kept = area(clipped) >= VISIBLE * np.maximum(area(moved), 1e-6)
        # In one pass over each plane.
        planes = np.empty((3, HEIGHT, WIDTH), np.float32)
        for plane, level, mean, std in zip(planes, cv2.split(picture), *LEVELS):
            np.multiply(level, 1 / std, out=plane, dtype=np.float32)
            plane -= mean / std
        return planes, clipped[kept].astype(np.float32), classes[kept]


# Loaders


def collate(batch):
    import torch

    pictures, boxes, classes = zip(*batch)
    return torch.stack([torch.as_tensor(picture) for picture in pictures]), boxes, classes


def dataloader(path, transform, threads):
    import torch

    class Rows(torch.utils.data.Dataset):
        def __init__(self):
            self.rows = list(rows(path))

        def __len__(self):
            return len(self.rows)

        def __getitem__(self, at):
            return transform(self.rows[at])

    def started(_):
        torch.set_num_threads(1)

    return forever(
        torch.utils.data.DataLoader(
            Rows(),
            batch_size=BATCH,
            shuffle=True,
            num_workers=threads,
            persistent_workers=True,
            drop_last=True,
            collate_fn=collate,
            worker_init_fn=started,
        )
    )


@peer("albumentations", "torch", "cv2", "albumentations")
def albumentations(path, threads):
    return dataloader(path, Albumentations(), threads)


@peer("torchvision", "torchvision.transforms.v2")
def torchvision(path, threads):
    return dataloader(path, Torchvision(), threads)


def in_grain(path, transform, threads):
    import grain

    def batched(batch):
        pictures, boxes, classes = zip(*batch)
        return np.stack(pictures), boxes, classes

    # A map dataset, because only that one spreads its work over threads.
    source = grain.MapDataset.source(list(rows(path))).seed(0).shuffle().map(transform).repeat()
    options = grain.ReadOptions(num_threads=threads, prefetch_buffer_size=2 * BATCH)
    return source.to_iter_dataset(options).batch(BATCH, batch_fn=batched)


@peer("grain", "cv2", "grain")
def grain(path, threads):
    return in_grain(path, OpenCV(), threads)


@peer("grain", "cv2", "albumentations", "grain")
def grain_albumentations(path, threads):
    return in_grain(path, Albumentations(), threads)


@peer("torch", "torch", "cv2")
def opencv(path, threads):
    return dataloader(path, OpenCV(), threads)


def check(batch):
    pictures, boxes, classes = batch
    values = np.asarray(pictures)
    assert values.shape == (BATCH, 3, HEIGHT, WIDTH), values.shape
    assert values.dtype == np.float32 and values.flags.c_contiguous, values.dtype
    assert -2.2 < values.min() and values.max() < 2.7 and values.std() > 0.1, (values.min(), values.max())
    assert len(boxes) == len(classes) == BATCH
    every = np.concatenate([np.asarray(of).reshape(-1, 4) for of in boxes])
    assert len(every) == sum(map(len, classes)) > 0
    assert (every >= 0).all() and (every <= [WIDTH, HEIGHT, WIDTH, HEIGHT]).all() and (every[:, 2:] > every[:, :2]).all()


check.rows = lambda batch: BATCH


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", choices=[*PEERS, "all"])
    parser.add_argument("data")
    parser.add_argument("--batches", type=int, default=100)
    parser.add_argument("--warmup", type=int, default=8)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    if args.name == "all":
        measure.each(PEERS)
        return
    load, package, modules = PEERS[args.name]
    measure.load_modules(modules)
    measure.loader("images", lambda: load(args.data, args.threads), check, args, version=measure.version(package))


if __name__ == "__main__":
    main()
