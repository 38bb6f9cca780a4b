"""What timm makes of a photo before it goes into a network: tests/fixtures/preprocessing.

timm 1.0.31, torchvision 0.29, Pillow 13.0. photo.jpg is a photo of TrashNet (Thung and Yang, 2016; MIT), 320 x 240 pixels: row 700 of the
training file, whose path is the script's argument. SIZE_INTERPOLATION_CROP.png is `create_transform(is_training=False)` of it, without
normalisation.
"""

import io
import pathlib
import sys

import pyarrow.parquet as pq
from PIL import Image
from timm.data import create_transform

FOLDER = pathlib.Path(__file__).parent.parent / "fixtures" / "preprocessing"
CASES = [
    (96, "bilinear", 0.875),
    (96, "bicubic", 0.875),
    (96, "bicubic", 0.95),
    (96, "bicubic", 1.0),
    (96, "lanczos", 0.8),
    (48, "bicubic", 0.9),
]

if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    photo = pq.read_table(sys.argv[1]).column("image")[700]["bytes"].as_py()
    (FOLDER / "photo.jpg").write_bytes(photo)
    image = Image.open(io.BytesIO(photo)).convert("RGB")
    for size, interpolation, crop in CASES:
        transform = create_transform((3, size, size), is_training=False, interpolation=interpolation, crop_pct=crop, normalize=False)
        pixels = transform(image).permute(1, 2, 0).numpy()
        Image.fromarray(pixels).save(FOLDER / f"{size}_{interpolation}_{crop}.png", optimize=True)
