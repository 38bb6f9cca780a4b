"""Pictures of 16 bits and of f32, and what torchvision makes of them: tests/fixtures/depth.

    python make_depth.py

`NAME.png` and `NAME.tif` are files; `OF.f32` are values of `[channels, height, width]`, f32 with the lowest byte first. The pictures have 24 x 20
pixels. Checked with torchvision 0.29 and Pillow 13.
"""

import struct
import zlib
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torchvision.io import ImageReadMode, decode_image
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional as F

TO = Path(__file__).resolve().parent.parent / "fixtures" / "depth"
WIDTH, HEIGHT = 24, 20
# What the operations of tests/images/depth.rs draw, the factor to 0.00002.
FACTOR = 1.25
SIGMA = 1.25
TURN = 0.15
# Pixels in a row or a line, and degrees.
BOX, LINE, ANGLE = 5, 7, 25.0


def png(levels):
    """16 bits of 1, 2, 3 or 4 channels, which Pillow does not write."""
    height, width, channels = levels.shape
    color = {1: 0, 2: 4, 3: 2, 4: 6}[channels]

    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in levels)
    head = struct.pack(">IIBBBBB", width, height, 16, color, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def tiff(values, order="<", planar=False, deflate=False, photometric=None, extra=None):
    """One strip a plane of u2 or f4; f4 in Deflate have differences of their bytes (predictor 3)."""
    height, width, channels = values.shape
    floats = values.dtype == np.float32
    planes = [values[..., at : at + 1] for at in range(channels)] if planar else [values]

    def strip(plane):
        if not (deflate and floats):
            data = plane.astype(order + ("f4" if floats else "u2")).tobytes()
            return zlib.compress(data) if deflate else data
        rows = []
        samples = plane.shape[2]
        for row in plane:
            of = np.frombuffer(row.astype(">f4").tobytes(), np.uint8).reshape(-1, 4).T.reshape(-1).astype(np.int64)
            of[samples:] = of[samples:] - of[:-samples].copy()
            rows.append((of & 255).astype(np.uint8).tobytes())
        return zlib.compress(b"".join(rows))

    strips = [strip(plane) for plane in planes]
    bits = 32 if floats else 16
    tags = {
        256: (4, [width]),
        257: (4, [height]),
        258: (3, [bits] * channels),
        259: (3, [8 if deflate else 1]),
        262: (3, [photometric if photometric is not None else (2 if channels >= 3 else 1)]),
        277: (3, [channels]),
        278: (4, [height]),
        284: (3, [2 if planar else 1]),
        339: (3, [3 if floats else 1] * channels),
    }
    if deflate and floats:
        tags[317] = (3, [3])
    if extra is not None:
        tags[338] = (3, [extra])
    tags[273] = (4, [0] * len(strips))
    tags[279] = (4, [len(data) for data in strips])
    size = {3: 2, 4: 4}
    head = 8 + 2 + 12 * len(tags) + 4
    spill = sum(n for kind, list_ in tags.values() if (n := size[kind] * len(list_)) > 4)
    at, offsets = head + spill, []
    for data in strips:
        offsets.append(at)
        at += len(data)
    tags[273] = (4, offsets)
    entries, spilled = b"", b""
    for tag, (kind, list_) in sorted(tags.items()):
        data = struct.pack(order + {3: "H", 4: "I"}[kind] * len(list_), *list_)
        if len(data) <= 4:
            field = data.ljust(4, b"\0")
        else:
            field = struct.pack(order + "I", head + len(spilled))
            spilled += data
        entries += struct.pack(order + "HHI", tag, kind, len(list_)) + field
    magic = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", 8)
    return magic + struct.pack(order + "H", len(tags)) + entries + bytes(4) + spilled + b"".join(strips)


def mean_of(photo, size, taps):
    """The mean of each pixel's neighbours at `taps`, column and row in a square of `size` about it; edges are reflected."""
    half = size // 2
    height, width = photo.shape[1:]
    around = np.pad(photo.numpy().astype(np.float64), [(0, 0), (half, half), (half, half)], mode="reflect")
    parts = [around[:, y : y + height, x : x + width] for x, y in taps]
    return torch.from_numpy(np.mean(parts, axis=0))


def main():
    TO.mkdir(exist_ok=True)
    rng = np.random.default_rng(17)
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    waves = [0.5 + 0.4 * np.sin(x / (3 + at) + y / (5 - at) + at) for at in range(4)]
    rgba = np.stack(waves, -1) + rng.normal(0, 0.03, (HEIGHT, WIDTH, 4))
    rgba = (np.clip(rgba, 0, 1) * 65535).round().astype(np.uint16)
    rgba[0, 0], rgba[0, 1] = 0, 65535
    rgb, grey = rgba[..., :3].copy(), rgba[..., :1].copy()

    def write(name, data):
        (TO / name).write_bytes(data)

    def values(name, tensor):
        write(f"{name}.f32", tensor.to(torch.float32).contiguous().numpy().astype("<f4").tobytes())

    def shares(levels):
        return torch.from_numpy(levels.astype(np.int64)).permute(2, 0, 1).to(torch.float32) / 65535

    write("grey.png", png(grey))
    write("grey-alpha.png", png(rgba[..., [0, 3]]))
    write("rgb.png", png(rgb))
    write("rgba.png", png(rgba))
    Image.fromarray(grey[..., 0]).save(TO / "grey.tif")
    Image.fromarray(grey[..., 0]).save(TO / "grey-lzw.tif", compression="tiff_lzw")
    write("grey-white-is-0.tif", tiff(65535 - grey, photometric=0))
    write("rgb.tif", tiff(rgb))
    write("rgb-big-endian-planar.tif", tiff(rgb, ">", planar=True))
    write("rgba.tif", tiff(rgba, extra=2))

    # PNG as torchvision reads it.
    to_float = v2.ToDtype(torch.float32, scale=True)
    for name, levels in [("grey", grey), ("rgb", rgb), ("rgba", rgba)]:
        data = bytearray((TO / f"{name}.png").read_bytes())
        read = decode_image(torch.frombuffer(data, dtype=torch.uint8), ImageReadMode.UNCHANGED)
        assert read.dtype == torch.uint16
        # Times 1 / 65535, where we divide.
        assert (to_float(read) - shares(levels)).abs().max() < 1e-7, name
        values(name, to_float(read))

    # TIFF as Pillow reads it.
    for name in ["grey", "grey-lzw"]:
        assert np.array_equal(np.asarray(Image.open(TO / f"{name}.tif")), grey[..., 0])

    # Elevations, say: below 0 and far above 1.
    heights = (rng.normal(0, 300, (HEIGHT, WIDTH, 1)) + 40 * x[..., None]).astype(np.float32)
    Image.fromarray(heights[..., 0]).save(TO / "floats.tif")
    write("floats-predictor.tif", tiff(heights, deflate=True))
    write("floats-big-endian.tif", tiff(heights, ">"))
    assert np.array_equal(np.asarray(Image.open(TO / "floats-predictor.tif")), heights[..., 0])
    assert np.array_equal(np.asarray(Image.open(TO / "floats-big-endian.tif")), heights[..., 0])
    values("floats", torch.from_numpy(heights).permute(2, 0, 1))
    colors = (rgb.astype(np.float32) / 65535 * 2 - 0.5).astype(np.float32)
    write("rgb-floats-predictor.tif", tiff(colors, deflate=True))
    values("rgb-floats", torch.from_numpy(colors).permute(2, 0, 1))

    y, x = np.mgrid[:30, :40] + 0.5
    Image.fromarray((0.2 + 0.011 * x + 0.017 * y).astype(np.float32)).save(TO / "plane.tif")
    hole = heights.copy()
    hole[7, 5] = np.nan
    write("hole.tif", tiff(hole))

    # What torchvision makes of the RGB.
    photo = shares(rgb)
    values("smaller", F.resize(photo, [11, 9], antialias=True))
    values("larger", F.resize(photo, [37, 50], antialias=True))
    values("bicubic", F.resize(photo, [11, 9], F.InterpolationMode.BICUBIC, antialias=True))
    values("brightness", F.adjust_brightness(photo, FACTOR))
    values("contrast", F.adjust_contrast(photo, FACTOR))
    values("saturation", F.adjust_saturation(photo, FACTOR))
    values("gamma", F.adjust_gamma(photo, 1.7))
    values("invert", F.invert(photo))
    values("grayscale", F.rgb_to_grayscale(photo, 3))
    values("gaussian_blur", F.gaussian_blur(photo, [9, 9], [SIGMA, SIGMA]))
    values("grey-brightness", F.adjust_brightness(shares(grey), FACTOR))
    values("grey-contrast", F.adjust_contrast(shares(grey), FACTOR))

    # The same RGB, to the last bit that operations with thresholds see.
    photo = torch.from_numpy(np.fromfile(TO / "rgb.f32", "<f4").reshape(3, HEIGHT, WIDTH))
    values("hue", F.adjust_hue(photo, TURN))
    values("sharpness", F.adjust_sharpness(photo, 1.9))
    values("softness", F.adjust_sharpness(photo, 0.25))
    values("solarize", F.solarize(photo, 96 / 255))
    # The photo has black and white in all channels.
    values("autocontrast", F.autocontrast(photo.clamp(0.2, 0.7)))
    values("equalize", F.equalize(photo))
    values("posterize", F.posterize(photo, 3))
    distorted = F.adjust_saturation(F.adjust_contrast(F.adjust_brightness(photo, 1.1), 0.8), 1.3)
    values("distorted", F.adjust_hue(distorted, 0.1))
    values("box", mean_of(photo, BOX, [(x, y) for x in range(BOX) for y in range(BOX)]))
    half, angle = LINE // 2, np.radians(ANGLE)
    line = {(round(half + np.cos(angle) * at), round(half + np.sin(angle) * at)) for at in range(-half, half + 1)}
    values("line", mean_of(photo, LINE, line))
    # Means of 2 x 2 pixels, and linear between their middles.
    small = torch.nn.functional.avg_pool2d(photo[None], 2)
    values("low", torch.nn.functional.interpolate(small, size=(HEIGHT, WIDTH), mode="bilinear", align_corners=False)[0])


if __name__ == "__main__":
    main()
