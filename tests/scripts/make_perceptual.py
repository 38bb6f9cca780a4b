"""Writes tests/fixtures/perceptual.json: pHash and dHash of pictures of the repository, and of them turned and mirrored.

Run in the root of the repository with ImageHash 4.3.2, Pillow 13 and pyarrow: python3 tests/scripts/make_perceptual.py

Symmetry s of a picture p: bit 0 mirrors left and right, bit 1 above and below, and bit 2 then exchanges lines and columns.
"""

import io
import json

import imagehash
import pyarrow.parquet as pq
from PIL import Image

FASHION = "examples/data/fashion-mnist-test.parquet"
FILES = ["tests/fixtures/rgb.png", "tests/fixtures/pillow-50.png", "tests/fixtures/pillow-jpg.png"]
ROWS = [0, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144]


def turned(picture, symmetry):
    if symmetry & 1:
        picture = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    if symmetry & 2:
        picture = picture.transpose(Image.Transpose.FLIP_TOP_BOTTOM)
    if symmetry & 4:
        picture = picture.transpose(Image.Transpose.TRANSPOSE)
    return picture


def hashes(picture):
    every = [turned(picture, symmetry) for symmetry in range(8)]
    return {
        "phash": [str(imagehash.phash(one)) for one in every],
        "dhash": [str(imagehash.dhash(one)) for one in every],
    }


images = pq.read_table(FASHION).column("image").to_pylist()
out = [{"file": file, **hashes(Image.open(file))} for file in FILES]
for row in ROWS:
    picture = Image.open(io.BytesIO(images[row]["bytes"]))
    out.append({"file": FASHION, "row": row, **hashes(picture)})
with open("tests/fixtures/perceptual.json", "w") as file:
    file.write("[\n" + ",\n".join(json.dumps(one) for one in out) + "\n]\n")
