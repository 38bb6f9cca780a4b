"""Reference values of operations at a fixed draw: tests/fixtures/operations/drawn. The tests look for a row with this draw.

    pip install torchvision albumentations==2.0.8 opencv-python-headless && python tests/scripts/make_drawn_operations.py

torchvision 0.29, torch 2.15, albumentations 2.0.8, Pillow 13. Of ../photo.png (48 x 40 pixels): `value` and `region` change values, `place` moves the
photo and resamples it. `part` are of its upper left 16 x 12 pixels, which move without a resample. `grey-` are results of its luma.
"""

from pathlib import Path

import albumentations as A
import numpy as np
import torch
from PIL import Image
from torchvision.transforms.v2 import functional as F

PHOTO = Path(__file__).resolve().parent.parent / "fixtures" / "operations" / "photo.png"
TO = PHOTO.parent / "drawn"
COLOUR = (124, 116, 104)
# Left, top, width and height.
ERASED = (17, 9, 12, 10)


def tensor(image):
    levels = np.array(image)
    levels = levels[None] if levels.ndim == 2 else levels.transpose(2, 0, 1)
    return torch.from_numpy(np.ascontiguousarray(levels))


def image_of(levels):
    levels = levels.numpy()
    return Image.fromarray(levels[0] if levels.shape[0] == 1 else np.ascontiguousarray(levels.transpose(1, 2, 0)))


def distorted(levels):
    levels = F.adjust_brightness(levels, 1.2)
    levels = F.adjust_contrast(levels, 0.7)
    levels = F.adjust_saturation(levels, 1.4)
    levels = F.adjust_hue(levels, 0.05)
    return F.permute_channels(levels, [1, 2, 0])


def erased(levels):
    left, top, width, height = ERASED
    return F.erase(levels, top, left, height, width, torch.tensor(COLOUR, dtype=torch.uint8)[:, None, None])


def dropped(levels):
    """Of the left 40 x 40 pixels, which whole units fill: others it stretches until they do."""
    grid = A.GridDropout(0.4, unit_size_range=(10, 11), random_offset=False, shift_xy=(3, 5), fill=COLOUR, p=1)
    return tensor(grid(image=np.array(image_of(levels[..., :40])))["image"])


def blurred(sigma):
    """The kernel reaches three deviations to either side."""
    return lambda levels: F.gaussian_blur(levels, [2 * int(np.ceil(3 * sigma)) + 1] * 2, [sigma] * 2)


def zoomed_out(levels):
    """On black of twice the sides, from 20, 14 on; and back to the size."""
    ground = F.pad(levels, [20, 14, 28, 26], fill=0)
    return F.resize(ground, [40, 48], antialias=True)


def jittered(levels):
    """Of twice the size the part from 11, 17 on."""
    return F.crop(F.resize(levels, [80, 96], antialias=True), 17, 11, 40, 48)


def letterboxed(levels):
    """30 x 25 in the middle of 30 x 31."""
    return F.pad(F.resize(levels, [25, 30], antialias=True), [0, 3, 0, 3], fill=list(COLOUR))


def mosaic(image):
    """Of the photo, its mirror image, it upside down, and both, about 12, 10: each as large as covers its quarter, with a corner at the centre."""
    right, below = Image.Transpose.FLIP_LEFT_RIGHT, Image.Transpose.FLIP_TOP_BOTTOM
    rows = [image, image.transpose(right), image.transpose(below), image.transpose(right).transpose(below)]
    whole = Image.new("RGB", (48, 40))
    for at, row in enumerate(rows):
        behind = (at % 2 == 1, at // 2 == 1)
        size = [side - middle if beyond else middle for side, middle, beyond in zip((48, 40), (12, 10), behind)]
        scale = max(size[0] / 48, size[1] / 40)
        seen = [own / scale for own in size]
        start = [0 if beyond else side - part for side, part, beyond in zip((48, 40), seen, behind)]
        box = (start[0], start[1], start[0] + seen[0], start[1] + seen[1])
        quarter = row.resize(size, Image.BILINEAR, box=box)
        whole.paste(quarter, tuple(middle if beyond else 0 for middle, beyond in zip((12, 10), behind)))
    return whole


values = {
    "brightness-1.4": lambda levels: F.adjust_brightness(levels, 1.4),
    "brightness-0.6": lambda levels: F.adjust_brightness(levels, 0.6),
    "contrast-1.5": lambda levels: F.adjust_contrast(levels, 1.5),
    "contrast-0.5": lambda levels: F.adjust_contrast(levels, 0.5),
    "gaussian-blur-1.2": blurred(1.2),
    "gaussian-blur-0.5": blurred(0.5),
}
colours = {
    "saturation-1.6": lambda levels: F.adjust_saturation(levels, 1.6),
    "saturation-0.3": lambda levels: F.adjust_saturation(levels, 0.3),
    "distorted": distorted,
    "permuted": lambda levels: F.permute_channels(levels, [1, 2, 0]),
    "erased": erased,
    "dropped": dropped,
    "zoomed-out": zoomed_out,
    "jittered": jittered,
    "letterboxed": letterboxed,
}
sides = [5, 3, 7, 4]
parts = {
    "part-mirrored": F.horizontal_flip,
    "part-upside-down": F.vertical_flip,
    "part-transposed": lambda levels: levels.transpose(1, 2),
    "part-crop": lambda levels: F.crop(levels, 3, 4, 7, 9),
    "part-crop-padded": lambda levels: F.crop(F.pad(levels, [5] * 4, fill=0), 9, 2, 12, 16),
    "part-constant": lambda levels: F.pad(levels, sides, fill=list(COLOUR)),
    "part-edge": lambda levels: F.pad(levels, sides, padding_mode="edge"),
    "part-reflect": lambda levels: F.pad(levels, sides, padding_mode="reflect"),
    "part-symmetric": lambda levels: F.pad(levels, sides, padding_mode="symmetric"),
}

if __name__ == "__main__":
    TO.mkdir(exist_ok=True)
    photo = Image.open(PHOTO).convert("RGB")
    of = {
        "": (photo, values | colours),
        "grey-": (photo.convert("L"), values),
    }
    for prefix, (image, made) in of.items():
        for name, run in made.items():
            image_of(run(tensor(image))).save(TO / f"{prefix}{name}.png", optimize=True)
    for name, run in parts.items():
        image_of(run(tensor(photo.crop((0, 0, 16, 12))))).save(TO / f"{name}.png", optimize=True)
    mosaic(photo).save(TO / "mosaic.png", optimize=True)
