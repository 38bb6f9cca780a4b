"""Job 7: one image operation at a time, on one thread.

    python operations.py NAME DATA.parquet [--images 100] [--seconds 1] [--operation NAME]
    python operations.py compare DATA.parquet [--rounds 5] [--seconds 0.3]
    python operations.py table RUNS.jsonl

The operations are in libraries.py. NAME is a library or `all`. The photos are decoded first and stay in memory, each in the library's own form: uint8 HWC for
albumentations, a uint8 CHW tensor for torchvision, an `Image` for Pillow, an f32 [1, 3, H, W] tensor in 0..=1 for Kornia. One
JSON line an operation, with the median over rounds; operations a library does not have are left out. What mixes rows is timed on a batch of 64 pictures of
224x224, whose time is divided by 64.

`compare` runs Millstream's bench (`cargo bench --bench operations`, from the repository) and all libraries that are installed, in turn, round
after round, keeps their lines in operations.jsonl and prints the table: first the twenty operations that recipes use most, then the rest.

RUNS.jsonl holds such lines and those of `cargo bench --bench operations`, from one or more runs in turn. The table has the
median over runs, and how many times faster Millstream is than the fastest of the others, run by run.
"""

import argparse
import io
import itertools
import json
import os
import statistics
import subprocess
import sys
import time

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

import numpy as np
from PIL import Image

import measure
from libraries import LIBRARIES, Batch
from photos import photos

# What torchvision's and timm's training recipes (RandAugment and TrivialAugment among them), SimCLR's and DINO's, and the pipelines in
# albumentations' guides are made of.
TWENTY = [
    "horizontal_flip", "rotate", "affine", "random_resized_crop", "resize", "brightness", "contrast", "saturation", "hue", "color_jitter",
    "grayscale", "gaussian_blur", "gaussian_noise", "random_erasing", "autocontrast", "equalize", "posterize", "solarize", "sharpness", "jpeg",
]


def compare(args):
    ours = ["cargo", "bench", "--bench", "operations", "--", os.path.abspath(args.data)]
    theirs = [[sys.executable, __file__, name, args.data, "--seconds", str(args.seconds)] for name in LIBRARIES]
    if args.operation:
        ours.append(args.operation)
        theirs = [[*command, "--operation", args.operation] for command in theirs]
    with open("operations.jsonl", "w") as lines:
        for _ in range(args.rounds):
            for command in [ours, *theirs]:
                done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
                if done.returncode:
                    print(f"left out, exit status {done.returncode}: {' '.join(command)}", file=sys.stderr)
                lines.writelines(line + "\n" for line in done.stdout.splitlines() if line.startswith("{"))
                lines.flush()
    table("operations.jsonl")


def table(path):
    runs = {}
    with open(path) as lines:
        for line in map(json.loads, lines):
            if "us_per_image" in line:
                runs.setdefault(line["operation"], {}).setdefault(line["peer"], []).append(line["us_per_image"])
    names = ["millstream", *LIBRARIES]
    print("| operation |", " | ".join(names), "| times faster than the fastest of them |")
    print("|---" * (len(names) + 2) + "|")
    for operation in [*TWENTY, *(other for other in runs if other not in TWENTY)]:
        of = runs.get(operation, {})
        ours = of.pop("millstream", None)
        if ours is None:
            continue
        medians = {name: statistics.median(times) for name, times in {"millstream": ours, **of}.items()}
        cells = [f"{medians[name]:.0f}" if name in medians else "" for name in names]
        ratios = sorted(min(theirs) / our for our, *theirs in zip(ours, *of.values()))
        ratio = f"{statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})" if of else ""
        print(f"| `{operation}` |", " | ".join(cells), f"| {ratio} |")


def prepared(operation, images):
    """What runs the operation once on all of its pictures, and how many these are."""
    if isinstance(operation, Batch):
        rows = operation.prepare(images)
        return lambda: operation.run(rows), len(rows)

    def run():
        for image in images:
            operation(image)

    return run, len(images)


def once(run, count):
    start = time.perf_counter()
    run()
    return (time.perf_counter() - start) / count * 1e6


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", choices=[*LIBRARIES, "all", "compare", "table"])
    parser.add_argument("data")
    parser.add_argument("--images", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--rounds", type=int, default=5, help="of `compare`")
    parser.add_argument("--operation", help="only this one")
    args = parser.parse_args()
    if args.name == "all":
        return measure.each(LIBRARIES)
    if args.name == "compare":
        return compare(args)
    if args.name == "table":
        return table(args.data)
    form, operations = LIBRARIES[args.name]()
    encoded = itertools.islice(photos(args.data), args.images)
    images = [form(np.asarray(Image.open(io.BytesIO(photo)).convert("RGB"))) for photo in encoded]
    for name, operation in operations.items():
        if args.operation not in (None, name):
            continue
        try:
            once(*prepared(operation, images[:5]))
        except Exception as error:  # One operation that fails does not end the others.
            measure.report(peer=args.name, operation=name, error=str(error))
            continue
        work = prepared(operation, images)
        end = time.perf_counter() + args.seconds
        rounds = [once(*work)]
        while time.perf_counter() < end:
            rounds.append(once(*work))
        measure.report(
            peer=args.name,
            version=measure.version(args.name),
            operation=name,
            us_per_image=statistics.median(rounds),
            rounds=len(rounds),
        )


if __name__ == "__main__":
    main()
