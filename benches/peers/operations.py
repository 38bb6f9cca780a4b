"""Job 7: one image operation at a time, on one thread.

    python operations.py NAME DATA.parquet [--images 100] [--seconds 1] [--operation NAME]
    python operations.py compare DATA.parquet [--rounds 5] [--seconds 0.3]
    python operations.py table RUNS.jsonl

NAME is a library or `all`. The photos are decoded first and stay in memory, each in the library's own form: uint8 HWC for
albumentations, a uint8 CHW tensor for torchvision, an `Image` for Pillow, an f32 [1, 3, H, W] tensor in 0..=1 for Kornia. One
JSON line an operation, with the median over rounds; operations a library does not have are left out.

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
from PIL import Image, ImageEnhance, ImageFilter, ImageOps

import measure
from photos import LEVELS, MEAN, RATIO, SCALE, SIZE, STD, box, photos

# What torchvision's and timm's training recipes (RandAugment and TrivialAugment among them), SimCLR's and DINO's, and the pipelines in
# albumentations' guides are made of.
TWENTY = [
    "horizontal_flip", "rotate", "affine", "random_resized_crop", "resize", "brightness", "contrast", "saturation", "hue", "color_jitter",
    "grayscale", "gaussian_blur", "gaussian_noise", "random_erasing", "autocontrast", "equalize", "posterize", "solarize", "sharpness", "jpeg",
]
JITTER = (0.8, 1.2)
ANGLE, SIGMA, NOISE, HUE = 15, 1.0, 0.05, 0.1
MOVED = {"translate_percent": (-0.1, 0.1), "scale": (0.8, 1.25)}
ERASED = {"scale": (0.02, 0.33), "ratio": (0.3, 3.3)}


def albumentations():
    import albumentations as A
    import cv2

    cv2.setNumThreads(1)

    def one(transform):
        transform = A.Compose([transform])
        return lambda image: transform(image=image)["image"]

    def jitter(**factors):
        still = {"brightness": (1, 1), "contrast": (1, 1), "saturation": (1, 1), "hue": (0, 0)}
        return one(A.ColorJitter(**still | factors, p=1))

    crop, normalize = one(A.CenterCrop(SIZE, SIZE)), one(A.Normalize(MEAN, STD))
    area = cv2.INTER_AREA  # OpenCV's antialiased way to make an image smaller
    return np.asarray, {
        "horizontal_flip": one(A.HorizontalFlip(p=1)),
        "center_crop": lambda image: np.ascontiguousarray(crop(image)),
        "resize": one(A.Resize(SIZE, SIZE, interpolation=area)),
        "random_resized_crop": one(A.RandomResizedCrop((SIZE, SIZE), SCALE, RATIO, interpolation=area)),
        "rotate": one(A.Rotate((ANGLE, ANGLE), border_mode=cv2.BORDER_CONSTANT, p=1)),
        "affine": one(A.Affine(rotate=(-ANGLE, ANGLE), shear={"x": (-10, 10), "y": 0}, **MOVED, p=1)),
        "brightness": jitter(brightness=JITTER),
        "contrast": jitter(contrast=JITTER),
        "saturation": jitter(saturation=JITTER),
        "color_jitter": jitter(brightness=JITTER, contrast=JITTER, saturation=JITTER),
        "gaussian_blur": one(A.GaussianBlur(blur_limit=(5, 5), sigma_limit=(SIGMA, SIGMA), p=1)),
        "gaussian_noise": one(A.GaussNoise(std_range=(NOISE, NOISE), p=1)),
        "normalize": lambda image: np.ascontiguousarray(normalize(image).transpose(2, 0, 1)),
        "random_erasing": one(A.Erasing(**ERASED, p=1)),
        "hue": jitter(hue=(-HUE, HUE)),
        "gamma": one(A.RandomGamma((80, 120), p=1)),
        "grayscale": one(A.ToGray(p=1)),
        "invert": one(A.InvertImg(p=1)),
        "posterize": one(A.Posterize(4, p=1)),
        "solarize": one(A.Solarize((0.5, 0.5), p=1)),
        "autocontrast": one(A.AutoContrast(p=1)),
        "equalize": one(A.Equalize(mode="pil", p=1)),
        "clahe": one(A.CLAHE((4, 4), p=1)),
        "channel_permutation": one(A.ChannelShuffle(p=1)),
        "sharpness": one(A.Sharpen((0.5, 0.5), p=1)),
        "box_blur": one(A.Blur((5, 5), p=1)),
        "motion_blur": one(A.MotionBlur((7, 7), allow_shifted=False, direction_range=(0, 0), p=1)),
        "shot_noise": one(A.ShotNoise((0.1, 0.1), p=1)),
        "salt_and_pepper": one(A.SaltAndPepper((0.03, 0.03), p=1)),
        "jpeg": one(A.ImageCompression(quality_range=(75, 75), p=1)),
        "simulate_low_resolution": one(
            A.Downscale((0.5, 0.5), interpolation_pair={"downscale": area, "upscale": cv2.INTER_LINEAR}, p=1)
        ),
        "coarse_dropout": one(A.CoarseDropout((2, 2), (0.1, 0.2), (0.1, 0.2), p=1)),
        "grid_dropout": one(A.GridDropout(0.5, random_offset=False, p=1)),
    }


def torchvision():
    import torch
    from torchvision.transforms import InterpolationMode, v2

    torch.set_num_threads(1)
    crop = v2.CenterCrop(SIZE)
    return lambda image: torch.from_numpy(np.array(image)).permute(2, 0, 1).contiguous(), {
        "horizontal_flip": v2.RandomHorizontalFlip(p=1),
        "center_crop": lambda image: crop(image).contiguous(),
        "resize": v2.Resize((SIZE, SIZE), antialias=True),
        "random_resized_crop": v2.RandomResizedCrop(SIZE, SCALE, RATIO, antialias=True),
        "rotate": v2.RandomRotation((ANGLE, ANGLE), InterpolationMode.BILINEAR),
        "affine": v2.RandomAffine(ANGLE, (0.1, 0.1), (0.8, 1.25), 10, InterpolationMode.BILINEAR),
        "brightness": v2.ColorJitter(brightness=JITTER),
        "contrast": v2.ColorJitter(contrast=JITTER),
        "saturation": v2.ColorJitter(saturation=JITTER),
        "color_jitter": v2.ColorJitter(brightness=JITTER, contrast=JITTER, saturation=JITTER),
        "gaussian_blur": v2.GaussianBlur(5, SIGMA),
        "gaussian_noise": v2.GaussianNoise(sigma=NOISE),
        "normalize": v2.Compose([v2.ToDtype(torch.float32, scale=True), v2.Normalize(MEAN, STD)]),
        "random_erasing": v2.RandomErasing(p=1, **ERASED),
        "hue": v2.ColorJitter(hue=HUE),
        "gamma": lambda image: v2.functional.adjust_gamma(image, np.random.uniform(0.8, 1.2)),
        "grayscale": v2.Grayscale(3),
        "invert": v2.RandomInvert(p=1),
        "posterize": v2.RandomPosterize(4, p=1),
        "solarize": v2.RandomSolarize(128, p=1),
        "autocontrast": v2.RandomAutocontrast(p=1),
        "equalize": v2.RandomEqualize(p=1),
        "channel_permutation": v2.RandomChannelPermutation(),
        "photometric_distort": v2.RandomPhotometricDistort(p=1),
        "sharpness": v2.RandomAdjustSharpness(2, p=1),
        "jpeg": v2.JPEG(75),
    }


def pillow():
    def factor():
        return np.random.uniform(*JITTER)

    def cropped(image):
        x, y, w, h = box(*image.size)
        return image.resize((SIZE, SIZE), Image.BILINEAR, box=(x, y, x + w, y + h))

    def center(image):
        x, y = (image.width - SIZE) // 2, (image.height - SIZE) // 2
        return image.crop((x, y, x + SIZE, y + SIZE))

    def brightness(image):
        return ImageEnhance.Brightness(image).enhance(factor())

    def contrast(image):
        return ImageEnhance.Contrast(image).enhance(factor())

    def saturation(image):
        return ImageEnhance.Color(image).enhance(factor())

    def gamma(image):
        power = np.random.uniform(0.8, 1.2)
        return image.point([round(255 * (level / 255) ** power) for level in range(256)] * 3)

    def jpeg(image):
        file = io.BytesIO()
        image.save(file, "JPEG", quality=75)
        return Image.open(file).convert("RGB")

    def low(image):
        small = image.resize((image.width // 2, image.height // 2), Image.BOX)
        return small.resize(image.size, Image.BILINEAR)

    def normalize(image):
        levels = (np.asarray(image, np.float32) - LEVELS[0]) / LEVELS[1]
        return np.ascontiguousarray(levels.transpose(2, 0, 1))

    return Image.fromarray, {
        "horizontal_flip": ImageOps.mirror,
        "center_crop": center,
        "resize": lambda image: image.resize((SIZE, SIZE), Image.BILINEAR),
        "random_resized_crop": cropped,
        "rotate": lambda image: image.rotate(ANGLE, Image.BILINEAR),
        "brightness": brightness,
        "contrast": contrast,
        "saturation": saturation,
        "color_jitter": lambda image: saturation(contrast(brightness(image))),
        "gaussian_blur": lambda image: image.filter(ImageFilter.GaussianBlur(SIGMA)),
        "normalize": normalize,
        "gamma": gamma,
        "grayscale": lambda image: image.convert("L").convert("RGB"),
        "invert": ImageOps.invert,
        "posterize": lambda image: ImageOps.posterize(image, 4),
        "solarize": lambda image: ImageOps.solarize(image, 128),
        "autocontrast": ImageOps.autocontrast,
        "equalize": ImageOps.equalize,
        "sharpness": lambda image: ImageEnhance.Sharpness(image).enhance(2),
        "box_blur": lambda image: image.filter(ImageFilter.BoxBlur(2)),
        "jpeg": jpeg,
        "simulate_low_resolution": low,
    }


def kornia():
    import kornia.augmentation as K
    import torch

    torch.set_num_threads(1)
    mean, std = torch.tensor(MEAN), torch.tensor(STD)

    def form(image):
        return torch.from_numpy(np.array(image)).permute(2, 0, 1)[None].float().div(255)

    return form, {
        "horizontal_flip": K.RandomHorizontalFlip(p=1),
        "center_crop": K.CenterCrop(SIZE),
        "resize": K.Resize((SIZE, SIZE), antialias=True),
        "random_resized_crop": K.RandomResizedCrop((SIZE, SIZE), SCALE, RATIO),
        "rotate": K.RandomRotation((ANGLE, ANGLE), p=1),
        "affine": K.RandomAffine(ANGLE, (0.1, 0.1), (0.8, 1.25), 10.0, p=1),
        "brightness": K.ColorJitter(brightness=JITTER, p=1),
        "contrast": K.ColorJitter(contrast=JITTER, p=1),
        "saturation": K.ColorJitter(saturation=JITTER, p=1),
        "color_jitter": K.ColorJitter(brightness=JITTER, contrast=JITTER, saturation=JITTER, p=1),
        "gaussian_blur": K.RandomGaussianBlur((5, 5), (SIGMA, SIGMA), p=1),
        "gaussian_noise": K.RandomGaussianNoise(std=NOISE, p=1),
        "normalize": K.Normalize(mean, std),
        "random_erasing": K.RandomErasing(**ERASED, p=1),
        "hue": K.ColorJitter(hue=HUE, p=1),
        "gamma": K.RandomGamma((0.8, 1.2), p=1),
        "grayscale": K.RandomGrayscale(p=1),
        "invert": K.RandomInvert(p=1),
        "posterize": K.RandomPosterize((4, 4), p=1),
        "solarize": K.RandomSolarize((0.5, 0.5), p=1),
        "autocontrast": K.RandomAutoContrast(p=1),
        "equalize": K.RandomEqualize(p=1),
        "clahe": K.RandomClahe((4, 4), p=1),
        "channel_permutation": K.RandomChannelShuffle(p=1),
        "sharpness": K.RandomSharpness((1, 1), p=1),
        "box_blur": K.RandomBoxBlur((5, 5), p=1),
        "motion_blur": K.RandomMotionBlur(7, (0, 360), 0.0, p=1),
        "salt_and_pepper": K.RandomSaltAndPepperNoise((0.03, 0.03), p=1),
        "jpeg": K.RandomJPEG((75, 75), p=1),
    }


LIBRARIES = {
    "albumentations": albumentations,
    "torchvision": torchvision,
    "pillow": pillow,
    "kornia": kornia,
}


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


def once(operation, images):
    start = time.perf_counter()
    for image in images:
        operation(image)
    return (time.perf_counter() - start) / len(images) * 1e6


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
            once(operation, images[:5])
        except Exception as error:  # One operation that fails does not end the others.
            measure.report(peer=args.name, operation=name, error=str(error))
            continue
        end = time.perf_counter() + args.seconds
        rounds = [once(operation, images)]
        while time.perf_counter() < end:
            rounds.append(once(operation, images))
        measure.report(
            peer=args.name,
            version=measure.version(args.name),
            operation=name,
            us_per_image=statistics.median(rounds),
            rounds=len(rounds),
        )


if __name__ == "__main__":
    main()
