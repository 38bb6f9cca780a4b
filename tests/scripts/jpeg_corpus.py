"""Our JPEG decoder beside libjpeg-turbo, over any folder of files.

    python3 tests/scripts/jpeg_corpus.py FOLDER

Writes what Pillow decodes beside each JPEG as NAME.expected.png (where there is none yet) and runs the ignored test that
compares: whole and cropped, the ten worst, and what is refused. CARGO may name another command than `cargo`.

Files of every kind that the unit tests make:

    MILLSTREAM_JPEGS_OUT=FOLDER cargo test --release --lib files_for_the_corpus -- --ignored
"""

import os
import shlex
import subprocess
import sys
from pathlib import Path

from PIL import Image, ImageOps

Image.MAX_IMAGE_PIXELS = None


def main(folder):
    refused = 0
    for path in sorted(folder.iterdir()):
        expected = path.with_suffix(".expected.png")
        if path.suffix == ".png" or expected.exists() or path.read_bytes()[:2] != b"\xff\xd8":
            continue
        try:
            with Image.open(path) as picture:
                pixels = ImageOps.exif_transpose(picture).convert("RGB")
        except (OSError, SyntaxError, ValueError) as error:
            print(f"Pillow does not read {path.name}: {error}") if refused < 10 else None
            refused += 1
            continue
        pixels.save(expected, compress_level=1)
    cargo = shlex.split(os.environ.get("CARGO", "cargo"))
    test = ["test", "--release", "--test", "images", "jpeg::a_corpus", "--", "--ignored", "--nocapture"]
    return subprocess.run(cargo + test, env={**os.environ, "MILLSTREAM_JPEGS": str(folder.resolve())}).returncode


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
