"""Reference values of operations that change values: tests/fixtures/operations.

    python make_operations.py photo TRASHNET.parquet   # pyarrow, Pillow: the part of a photo that all others start from
    python make_operations.py results                  # torchvision 0.29, Pillow 13, OpenCV 5, numpy: one file for each result

Photos have 48 x 40 pixels; `grey-` are results of their luma.
"""

import io
import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

TO = Path(__file__).resolve().parent.parent / "fixtures" / "operations"


def photo(path):
    import pyarrow.parquet as pq

    file = pq.ParquetFile(path).read_row_group(0, columns=["image"])["image"][3].as_py()
    image = Image.open(io.BytesIO(file["bytes"] if isinstance(file, dict) else file)).convert("RGB")
    # A third of the size, so that there is much to see in few pixels.
    image = image.resize((image.width // 3, image.height // 3), Image.BOX)
    left, top = (image.width - 48) // 2, (image.height - 40) // 2
    TO.mkdir(exist_ok=True)
    image.crop((left, top, left + 48, top + 40)).save(TO / "photo.png")


def lab_clahe(levels, limit, tiles):
    """CLAHE of L*, as albumentations has it, but with a* and b* that are not rounded, and L* that moves by what its rounding moves."""
    import cv2

    light = levels.astype(np.float64) / 255
    light = np.where(light <= 0.04045, light / 12.92, ((light + 0.055) / 1.055) ** 2.4)
    to_xyz = np.array([[0.412453, 0.357580, 0.180423], [0.212671, 0.715160, 0.072169], [0.019334, 0.119193, 0.950227]])
    white = np.array([0.950456, 1, 1.088754])
    xyz = light @ to_xyz.T / white
    root = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    rounded = np.rint((116 * root[..., 1] - 16) * 2.55).astype(np.uint8)
    changed = cv2.createCLAHE(limit, tiles).apply(rounded)
    root += ((changed.astype(np.float64) - rounded) / 2.55 / 116)[..., None]
    xyz = np.where(root > 0.206893, root**3, (root - 16 / 116) / 7.787) * white
    light = np.clip(xyz @ np.linalg.inv(to_xyz).T, 0, 1)
    levels = np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)
    return np.rint(levels * 255).astype(np.uint8)


def motion_kernel(size, degrees):
    """create_motion_kernel of albumentations 2.0.8, with direction 0 and not shifted."""
    kernel, middle = np.zeros((size, size), np.float32), size // 2
    along = np.linspace(-middle, middle, size)
    x = np.round(middle + np.cos(np.deg2rad(degrees)) * along).astype(int)
    y = np.round(middle + np.sin(np.deg2rad(degrees)) * along).astype(int)
    kernel[y, x] = 1
    return kernel / kernel.sum()


def results():
    import cv2
    import torch
    from torchvision.transforms.v2 import functional as F

    def tensor(function):
        def run(image):
            levels = np.array(image)
            levels = levels[None] if levels.ndim == 2 else levels.transpose(2, 0, 1)
            done = function(torch.from_numpy(np.ascontiguousarray(levels))).numpy()
            return Image.fromarray(done[0] if done.shape[0] == 1 else done.transpose(1, 2, 0))

        return run

    def array(function):
        return lambda image: Image.fromarray(function(np.array(image)))

    def low(scale):
        def run(image):
            small = image.resize((int(image.width * scale), int(image.height * scale)), Image.BOX)
            return small.resize(image.size, Image.BILINEAR)

        return run

    def half(levels):
        """What albumentations' Downscale does with INTER_AREA and INTER_LINEAR."""
        size = levels.shape[1::-1]
        small = cv2.resize(levels, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
        return cv2.resize(small, size, interpolation=cv2.INTER_LINEAR)

    def jpeg(quality):
        def run(image):
            file = io.BytesIO()
            image.save(file, "JPEG", quality=quality)
            return Image.open(file).convert(image.mode)

        return run

    def clahe(limit, tiles):
        def run(levels):
            return cv2.createCLAHE(limit, tiles).apply(levels) if levels.ndim == 2 else lab_clahe(levels, limit, tiles)

        return array(run)

    both = {
        "invert": tensor(F.invert),
        "posterize-3": tensor(lambda t: F.posterize(t, 3)),
        "solarize-100": tensor(lambda t: F.solarize(t, 100)),
        "autocontrast": ImageOps.autocontrast,
        "equalize": tensor(F.equalize),
        "gamma-0.5": tensor(lambda t: F.adjust_gamma(t, 0.5)),
        "gamma-2": tensor(lambda t: F.adjust_gamma(t, 2.0)),
        "sharpness-0": tensor(lambda t: F.adjust_sharpness(t, 0.0)),
        "sharpness-3": tensor(lambda t: F.adjust_sharpness(t, 3.0)),
        "clahe-2": clahe(2.0, (8, 8)),
        "clahe-4": clahe(4.0, (5, 3)),
        "box-5": array(lambda levels: cv2.blur(levels, (5, 5), borderType=cv2.BORDER_REFLECT_101)),
        "motion-7-30": array(
            lambda levels: cv2.filter2D(levels, -1, motion_kernel(7, 30), borderType=cv2.BORDER_REFLECT_101)
        ),
        "motion-9-100": array(
            lambda levels: cv2.filter2D(levels, -1, motion_kernel(9, 100), borderType=cv2.BORDER_REFLECT_101)
        ),
        "jpeg-30": jpeg(30),
        "jpeg-90": jpeg(90),
        "low-0.5": low(0.5),
        "low-0.7": low(0.7),
        "low-half": array(half),
    }
    colour = {
        "grayscale": lambda image: image.convert("L").convert("RGB"),
        "hue+0.1": tensor(lambda t: F.adjust_hue(t, 0.1)),
        "hue-0.4": tensor(lambda t: F.adjust_hue(t, -0.4)),
    }
    image = Image.open(TO / "photo.png").convert("RGB")
    for name, run in (both | colour).items():
        run(image).save(TO / f"{name}.png", optimize=True)
    for name, run in both.items():
        run(image.convert("L")).save(TO / f"grey-{name}.png", optimize=True)


if __name__ == "__main__":
    photo(*sys.argv[2:]) if sys.argv[1] == "photo" else results()
