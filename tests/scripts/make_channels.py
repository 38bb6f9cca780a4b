"""Files with alpha of every format, and what Pillow 13 makes of them: tests/fixtures/channels.

    python make_channels.py

For each file `NAME.EXT` there is `NAME.EXT.png`, its `convert("RGBA")`. All have 16 x 16 pixels.
"""

import io
import struct
from pathlib import Path

import numpy as np
from PIL import Image

TO = Path(__file__).resolve().parent.parent / "fixtures" / "channels"


def bitmap(levels, header):
    """32 bits with masks for all four, which only headers of 56 bytes and more have."""
    height, width = levels.shape[:2]
    data = levels[::-1, :, [2, 1, 0, 3]].tobytes()
    masks = struct.pack("<IIII", 0xFF0000, 0xFF00, 0xFF, 0xFF000000)
    info = struct.pack("<IiiHHIIiiII", header, width, height, 1, 32, 3, len(data), 2835, 2835, 0, 0) + masks
    info += bytes(header - len(info))
    return struct.pack("<2sIHHI", b"BM", 14 + len(info) + len(data), 0, 0, 14 + len(info)) + info + data


def icon(levels):
    """24 bits and a mask."""
    height, width = levels.shape[:2]
    data = levels[::-1, :, [2, 1, 0]].tobytes()
    clear = np.packbits(levels[::-1, :, 3] < 128, axis=1)
    mask = b"".join(row.tobytes().ljust(4, b"\0") for row in clear)
    info = struct.pack("<IiiHHIIiiII", 40, width, 2 * height, 1, 24, 0, 0, 0, 0, 0, 0)
    body = info + data + mask
    return struct.pack("<HHH", 0, 1, 1) + struct.pack("<BBBBHHII", width, height, 0, 0, 1, 24, len(body), 22) + body


def main():
    TO.mkdir(exist_ok=True)
    rng = np.random.default_rng(5)
    levels = rng.integers(0, 256, (16, 16, 4), np.uint8)
    levels[:4, :, 3], levels[4:6, :, 3] = 0, 255
    image = Image.fromarray(levels)
    palette = image.convert("RGB").quantize(16)

    def save(name, image, **options):
        image.save(TO / name, **options)

    save("rgba.png", image)
    save("grey-alpha.png", image.convert("LA"))
    save("palette.png", palette, transparency=bytes(range(0, 256, 16)))
    save("key.png", Image.fromarray(levels[..., :3] // 64 * 64), transparency=(64, 64, 64))
    save("lossless.webp", image, lossless=True, exact=True)
    save("transparent.gif", palette, transparency=3)
    save("opaque.gif", palette)
    save("alpha.tif", image)
    save("grey-alpha.tif", image.convert("LA"))
    save("deflate.tif", image, compression="tiff_adobe_deflate")
    save("opaque.tif", image.convert("RGB"))
    save("opaque.bmp", image.convert("RGB"))
    save("32.ico", image, sizes=[(16, 16)], bitmap_format="bmp")
    save("png.ico", image, sizes=[(16, 16)])
    (TO / "masks.bmp").write_bytes(bitmap(levels, 108))
    (TO / "mask.ico").write_bytes(icon(levels))
    for file in sorted(TO.iterdir()):
        if file.name.count(".") == 1:
            with Image.open(io.BytesIO(file.read_bytes())) as opened:
                opened.convert("RGBA").save(TO / f"{file.name}.png")


if __name__ == "__main__":
    main()
