"""What torchvision makes of a photo that is moved: tests/fixtures/motions.

torchvision 0.29, torch 2.15, Pillow 13.0. photo.png is a part of fixtures/preprocessing/photo.jpg at a third of its size, 96 x 72 pixels; NAME.png
is the photo moved, bilinear, by the functions below. The last line that is printed is the matrix of `affine`, from the photo to the result, which the test
of src/image/motions/affine.rs holds.
"""

import math
import pathlib

import numpy as np
import torch
from PIL import Image
from torchvision.transforms import InterpolationMode
from torchvision.transforms.v2 import functional as F
from torchvision.transforms.v2.functional._geometry import _get_inverse_affine_matrix

FIXTURES = pathlib.Path(__file__).parent.parent / "fixtures"
FOLDER = FIXTURES / "motions"
BILINEAR = {"interpolation": InterpolationMode.BILINEAR}
ANGLE, SHIFT, SCALE, SHEAR = 10.0, (3, -2), 1.2, (8.0, -5.0)
CORNERS = [[0, 0], [96, 0], [96, 72], [0, 72]]
ENDS = [[7, 4], [90, 9], [94, 66], [2, 71]]


def bent(photo):
    height, width = photo.shape[-2:]
    y, x = torch.meshgrid(torch.arange(height, dtype=torch.float64), torch.arange(width, dtype=torch.float64), indexing="ij")
    across, down = 2 * torch.sin(y / 9), 1.5 * torch.cos(x / 7)
    field = torch.stack([across * 2 / width, down * 2 / height], -1)[None].float()
    return F.elastic(photo, field, **BILINEAR)


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    photo = Image.open(FIXTURES / "preprocessing" / "photo.jpg").convert("RGB")
    photo = photo.resize((96, 72), Image.LANCZOS, box=(16, 12, 304, 228))
    photo.save(FOLDER / "photo.png", optimize=True)
    pixels = torch.from_numpy(np.array(photo)).permute(2, 0, 1)
    made = {
        "rotate": F.rotate(pixels, 17.0, **BILINEAR),
        "rotate_filled": F.rotate(pixels, -140.0, fill=[114.0, 20.0, 200.0], **BILINEAR),
        "affine": F.affine(pixels, ANGLE, list(SHIFT), SCALE, list(SHEAR), **BILINEAR),
        "perspective": F.perspective(pixels, CORNERS, ENDS, **BILINEAR),
        "elastic": bent(pixels),
    }
    for name, result in made.items():
        Image.fromarray(result.permute(1, 2, 0).numpy()).save(FOLDER / f"{name}.png", optimize=True)
    inverse = _get_inverse_affine_matrix([0.0, 0.0], ANGLE, [0.0, 0.0], SCALE, list(SHEAR))
    matrix = np.linalg.inv(np.array(inverse + [0, 0, 1]).reshape(3, 3))
    print(matrix[:2, :2].ravel().tolist())
