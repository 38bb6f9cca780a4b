"""Pictures of every format and orientation, and what Pillow makes of them: tests/cases/pictures/{formats,orientation}.

Pillow 13.0. NAME.expected.png is `ImageOps.exif_transpose(picture).convert("RGB")` of the first picture; of grey with more than
eight bits, which Pillow cuts at 255, it is the upper eight bits.
"""

import io
import pathlib
import struct
import zlib

import numpy as np
from PIL import Image, ImageOps

HERE = pathlib.Path(__file__).parent.parent / "cases" / "pictures"
FORMATS = HERE / "formats"
ORIENTATION = HERE / "orientation"


def photo(width, height, channels=3):
    """Waves with a bright corner: no two rows, columns or channels are alike."""
    y, x = np.mgrid[0:height, 0:width]
    planes = [127 + 90 * np.sin(x / (5 + 2 * c) + c) * np.cos(y / (7 + c)) + 30 * (x + y < 12) for c in range(channels)]
    return np.clip(np.stack(planes, -1), 0, 255).astype(np.uint8)


def upright(data):
    return ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB")


def keep(name, data, expected=None, folder=FORMATS):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data)
    expected = upright(data) if expected is None else Image.fromarray(expected)
    expected.save(folder / f"{name}.expected.png", optimize=True)


def written(image, format, **options):
    out = io.BytesIO()
    image.save(out, format, **options)
    return out.getvalue()


def tiff(tags, chunks, order="<", big=False, tiled=False):
    """A TIFF of the given tags (number: (type, values)) and strips or tiles."""
    head = b"II" if order == "<" else b"MM"
    sizes = {1: "B", 3: "H", 4: "I", 16: "Q"}
    word = "Q" if big else "I"
    length = struct.calcsize(order + word)
    start = 16 if big else 8
    offsets = []
    body = b""
    for chunk in chunks:
        offsets.append(start + len(body))
        body += chunk + b"\0" * (len(chunk) % 2)
    tags = dict(tags)
    tags[324 if tiled else 273] = (4, offsets)
    tags[325 if tiled else 279] = (4, [len(chunk) for chunk in chunks])
    entries = b""
    for tag, (kind, values) in sorted(tags.items()):
        data = struct.pack(order + sizes[kind] * len(values), *values)
        if len(data) > length:
            place = struct.pack(order + word, start + len(body))
            body += data + b"\0" * (len(data) % 2)
        else:
            place = data.ljust(length, b"\0")
        entries += struct.pack(order + "HH" + word, tag, kind, len(values)) + place
    ifd = struct.pack(order + ("Q" if big else "H"), len(tags)) + entries + b"\0" * length
    if big:
        return head + struct.pack(order + "HHHQ", 43, 8, 0, start + len(body)) + body + ifd
    return head + struct.pack(order + "HI", 42, start + len(body)) + body + ifd


def base(width, height, photometric, bits, samples, **more):
    tags = {256: (4, [width]), 257: (4, [height]), 258: (3, [bits] * samples), 259: (3, [1])}
    tags |= {262: (3, [photometric]), 277: (3, [samples]), 278: (4, [height])}
    return tags | {int(tag[1:]): value for tag, value in more.items()}


def packed(values, bits):
    """Rows of values of a few bits each, the highest first."""
    out = b""
    for row in values:
        text = "".join(format(int(value), f"0{bits}b") for value in row)
        text += "0" * (-len(text) % 8)
        out += bytes(int(text[at : at + 8], 2) for at in range(0, len(text), 8))
    return out


def make_tiff():
    rgb = Image.fromarray(photo(21, 17))
    grey = rgb.convert("L")
    alpha = Image.fromarray(photo(21, 17, 4)[..., 3])
    modes = {
        "1": rgb.convert("1"),
        "L": grey,
        "P": rgb.quantize(40),
        "RGB": rgb,
        "CMYK": Image.fromarray(photo(21, 17, 4), "CMYK"),
        "YCbCr": rgb.convert("YCbCr"),
    }
    for mode in ["LA", "RGBA"]:
        image = rgb.convert(mode)
        image.putalpha(alpha)
        modes[mode] = image
    modes["PA"] = modes["P"].convert("PA")
    modes["RGBX"] = rgb.convert("RGBX")
    for mode, image in modes.items():
        keep(f"{mode}.tif", written(image, "TIFF"))
    for mode in ["L", "RGB", "P", "CMYK", "1"]:
        for compression in ["packbits", "tiff_lzw", "tiff_adobe_deflate"]:
            keep(f"{mode}_{compression}.tif", written(modes[mode], "TIFF", compression=compression))
    keep("1_group4.tif", written(modes["1"], "TIFF", compression="group4"))
    for mode in ["L", "RGB", "YCbCr"]:
        keep(f"{mode}_jpeg.tif", written(modes[mode], "TIFF", compression="jpeg", quality=90))
    for mode in ["L", "RGB", "RGBA"]:
        keep(f"{mode}_lzw_differences.tif", written(modes[mode], "TIFF", compression="tiff_lzw", tiffinfo={317: 2}))
    keep("RGB_strips.tif", written(rgb, "TIFF", compression="tiff_lzw", tiffinfo={278: 4}))
    keep("RGB_jpeg_strips.tif", written(rgb.resize((40, 37)), "TIFF", compression="jpeg", strip_size=16 * 40 * 3, quality=92))
    keep("RGB_big.tif", written(rgb, "TIFF", big_tiff=True))
    keep("pages.tif", written(rgb, "TIFF", save_all=True, append_images=[grey]))

    # What Pillow does not write, or not in this way.
    array, plain = np.array(rgb), np.array(grey)
    w, h = 21, 17
    keep("white_is_zero.tif", tiff(base(w, h, 0, 8, 1), [plain.tobytes()]))
    for bits in [1, 2, 4]:
        few = plain >> (8 - bits)
        keep(f"grey_{bits}.tif", tiff(base(w, h, 1, bits, 1), [packed(few, bits)]))
        keep(f"white_is_zero_{bits}.tif", tiff(base(w, h, 0, bits, 1), [packed(few, bits)]))
        colors = np.random.default_rng(bits).integers(0, 65536, 3 << bits).tolist()
        keep(f"palette_{bits}.tif", tiff(base(w, h, 3, bits, 1, _320=(3, colors)), [packed(few, bits)]))
    turned = bytes(int(format(byte, "08b")[::-1], 2) for byte in packed(plain >> 7, 1))
    keep("fill_order.tif", tiff(base(w, h, 1, 1, 1, _266=(3, [2])), [turned]))
    deep = (plain.astype(np.uint16) << 8) + 77
    grey_of = lambda values: np.repeat((values >> 8).astype(np.uint8)[..., None], 3, -1)
    keep("grey_16.tif", tiff(base(w, h, 1, 16, 1), [deep.astype("<u2").tobytes()]), grey_of(deep))
    keep("grey_16_big_endian.tif", tiff(base(w, h, 1, 16, 1), [deep.astype(">u2").tobytes()], ">"), grey_of(deep))
    keep("grey_12.tif", tiff(base(w, h, 1, 12, 1), [packed(deep >> 4, 12)]), grey_of(deep))
    changes = np.diff(deep, axis=1, prepend=np.uint16(0)).astype("<u2").tobytes()
    tags = base(w, h, 1, 16, 1, _259=(3, [8]), _317=(3, [2]))
    keep("grey_16_differences.tif", tiff(tags, [zlib.compress(changes)]), grey_of(deep))
    rich = (array.astype(np.uint16) << 8) + 99
    keep("RGB_16.tif", tiff(base(w, h, 2, 16, 3), [rich.astype("<u2").tobytes()]))
    keep("RGB_16_big_endian.tif", tiff(base(w, h, 2, 16, 3), [rich.astype(">u2").tobytes()], ">"))
    wide = (photo(w, h, 4).astype(np.uint16) << 8) + 99
    keep("CMYK_16.tif", tiff(base(w, h, 5, 16, 4), [wide.astype("<u2").tobytes()]))
    planes = [array[..., c].tobytes() for c in range(3)]
    keep("RGB_planes.tif", tiff(base(w, h, 2, 8, 3, _284=(3, [2])), planes))
    strips = [array[top : top + 5, :, c].tobytes() for c in range(3) for top in range(0, h, 5)]
    keep("RGB_planes_strips.tif", tiff(base(w, h, 2, 8, 3, _284=(3, [2]), _278=(4, [5])), strips))
    padded = np.zeros((32, 32, 3), np.uint8)
    padded[:h, :w] = array
    tiles = [padded[top : top + 16, left : left + 16].tobytes() for top in (0, 16) for left in (0, 16)]
    tags = base(w, h, 2, 8, 3, _322=(3, [16]), _323=(3, [16]))
    del tags[278]
    keep("RGB_tiles.tif", tiff(tags, tiles, tiled=True))
    tags[259] = (3, [8])
    keep("RGB_tiles_deflate.tif", tiff(tags, [zlib.compress(tile) for tile in tiles], tiled=True))
    four = photo(w, h, 4)
    four[..., :3] = four[..., :3].astype(int) * four[..., 3:] // 255
    four[2:5, 2:5] = 0
    keep("RGB_associated.tif", tiff(base(w, h, 2, 8, 4, _338=(3, [1])), [four.tobytes()]))
    keep("RGB_unspecified.tif", tiff(base(w, h, 2, 8, 4, _338=(3, [0])), [four.tobytes()]))


def make_gif():
    rgb = Image.fromarray(photo(21, 17))
    few = rgb.quantize(7)
    keep("P.gif", written(few, "GIF"))
    keep("L.gif", written(rgb.convert("L"), "GIF"))
    keep("P_interlaced.gif", written(rgb.quantize(200), "GIF", interlace=1))
    keep("P_plain.gif", written(rgb.quantize(200), "GIF", interlace=0))
    keep("P_transparent.gif", written(few, "GIF", transparency=3))
    keep("moving.gif", written(few, "GIF", save_all=True, append_images=[few.rotate(90)], duration=50))
    for name, data in [("P", written(few, "GIF", interlace=0)), ("clear", written(few, "GIF", transparency=3, interlace=0))]:
        # A larger screen with the picture off its corner, and a smaller one that the picture leaves.
        at = data.index(b"\x2c\0\0\0\0\x15\0\x11\0")
        moved = bytearray(data)
        moved[at + 1 : at + 5] = struct.pack("<HH", 4, 3)
        moved[6:10] = struct.pack("<HH", 30, 25)
        keep(f"{name}_inside.gif", bytes(moved))
        moved[6:10] = struct.pack("<HH", 10, 9)
        keep(f"{name}_outside.gif", bytes(moved))
    # One picture with a palette of its own, one with none at all: levels of grey.
    data = written(few, "GIF", interlace=0)
    size = 6 << (data[10] & 7)
    palette = data[13 : 13 + size]
    body = bytearray(data[13 + size :])
    at = body.index(b"\x2c")
    none = bytearray(data[:13]) + body
    none[10] &= 0x70
    keep("no_palette.gif", bytes(none))
    body[at + 9] |= 0x80 | (data[10] & 7)
    own = none[:13] + body[: at + 10] + palette + body[at + 10 :]
    keep("own_palette.gif", bytes(own))


def bmp(width, height, bits, compression, data, palette=b"", masks=b"", colors=0, header=40):
    if header == 12:
        info = struct.pack("<IHHHH", 12, width, height, 1, bits)
    else:
        info = struct.pack("<IiiHHIIiiII", 40, width, height, 1, bits, compression, len(data), 0, 0, colors, 0)
    offset = 14 + len(info) + len(masks) + len(palette)
    return b"BM" + struct.pack("<IHHI", offset + len(data), 0, 0, offset) + info + masks + palette + data


def make_bmp():
    array = photo(21, 17)
    rgb = Image.fromarray(array)
    for mode in ["1", "L", "P", "RGB", "RGBA"]:
        keep(f"{mode}.bmp", written(rgb.quantize(90) if mode == "P" else rgb.convert(mode), "BMP"))
    few = rgb.quantize(16)
    indices = np.array(few)[::-1]
    colors = np.array(few.getpalette()[:48], np.uint8).reshape(16, 3)[:, ::-1]
    palette = b"".join(bytes(color) + b"\0" for color in colors)
    rows = lambda data: b"".join(row + b"\0" * (-len(row) % 4) for row in data)
    nibbles = rows([packed([row], 4) for row in indices])
    keep("P_4.bmp", bmp(21, 17, 4, 0, nibbles, palette))
    keep("P_4_few.bmp", bmp(21, 17, 4, 0, rows([packed([row % 9], 4) for row in indices]), palette[:36], colors=9))
    os2 = b"".join(bytes(color) for color in colors)
    keep("P_4_os2.bmp", bmp(21, 17, 4, 0, nibbles, os2, header=12))
    b, g, r = (array[::-1, :, c].astype(np.uint16) for c in (2, 1, 0))
    row = lambda values: rows([line.astype("<u2").tobytes() for line in values])
    keep("RGB_555.bmp", bmp(21, 17, 16, 0, row((r >> 3) << 10 | (g >> 3) << 5 | b >> 3)))
    masks = struct.pack("<III", 0xF800, 0x7E0, 0x1F)
    keep("RGB_565.bmp", bmp(21, 17, 16, 3, row((r >> 3) << 11 | (g >> 2) << 5 | b >> 3), masks=masks))
    wide = np.concatenate([array[::-1], np.full((17, 21, 1), 9, np.uint8)], -1)
    masks = struct.pack("<III", 0xFF000000, 0xFF0000, 0xFF00)
    keep("RGB_masks.bmp", bmp(21, 17, 32, 3, wide[..., ::-1].tobytes(), masks=masks))
    top = rows([line[:, ::-1].tobytes() for line in array])
    keep("RGB_top_down.bmp", bmp(21, -17, 24, 0, top))

    def runs(line, four):
        out, at = b"", 0
        while at < len(line):
            count = 1
            while at + count < len(line) and line[at + count] == line[at]:
                count += 1
            out += bytes([count, line[at] * 17 if four else line[at]])
            at += count
        return out

    for bits, compression in [(8, 1), (4, 2)]:
        data = b"".join(runs(line, bits == 4) + b"\0\0" for line in indices) + b"\0\1"
        keep(f"P_rle{bits}.bmp", bmp(21, 17, bits, compression, data, palette, colors=16))
    # Five literal indices, a jump of 3 to the right and 2 up, which leaves the first colour, and runs to the end.
    data = b"\0\5\1\2\3\4\5\0" + b"\0\2\3\2" + b"\4\6" + b"\x09\7" + b"\0\0" + b"\x15\2\0\0" * 14 + b"\0\1"
    keep("P_rle8_jump.bmp", bmp(21, 17, 8, 1, data, palette, colors=16))


def make_ico():
    big = Image.fromarray(photo(32, 32))
    four = Image.fromarray(photo(32, 32, 4), "RGBA")
    for mode, image in [("RGBA", four), ("RGB", big), ("P", big.quantize(20)), ("L", big.convert("L")), ("1", big.convert("1"))]:
        keep(f"{mode}.ico", written(image, "ICO", sizes=[(32, 32)]))
        keep(f"{mode}_bitmap.ico", written(image, "ICO", sizes=[(32, 32)], bitmap_format="bmp"))
    keep("sizes.ico", written(four, "ICO", sizes=[(16, 16), (32, 32), (24, 24)]))


def make_png():
    rgb = Image.fromarray(photo(21, 17))
    clear = rgb.quantize(12)
    clear.info["transparency"] = 4
    keep("P_transparent.png", written(clear, "PNG"))
    for bits in [1, 2, 4]:
        keep(f"P_{bits}.png", written(rgb.quantize(1 << bits), "PNG", bits=bits))
    keep("moving.png", written(rgb, "PNG", save_all=True, append_images=[rgb.rotate(90)], duration=50))
    keep("moving.webp", written(rgb, "WEBP", save_all=True, append_images=[rgb.rotate(90)], duration=50, lossless=True))
    four = Image.fromarray(photo(21, 17, 4), "RGBA")
    keep("RGBA.webp", written(four, "WEBP", lossless=True, exact=True))
    deep = (np.array(rgb.convert("L")).astype(np.uint16) << 8) + 77
    grey_of = lambda values: np.repeat((values >> 8).astype(np.uint8)[..., None], 3, -1)
    keep("grey_16.png", written(Image.fromarray(deep), "PNG"), grey_of(deep))
    low = deep >> 4
    keep("grey_16_low.png", written(Image.fromarray(low), "PNG"), grey_of(low))


def make_orientation():
    image = Image.fromarray(photo(45, 30))
    for number in range(1, 9):
        exif = Image.Exif()
        exif[274] = number
        for kind, format, options in [
            ("jpg", "JPEG", dict(quality=92, subsampling=2)),
            ("png", "PNG", {}),
            ("webp", "WEBP", dict(lossless=True, exact=True)),
            ("tif", "TIFF", dict(compression="tiff_lzw")),
        ]:
            data = written(image, format, exif=exif, **options)
            (ORIENTATION / f"{number}.{kind}").write_bytes(data)
            if kind in ("jpg", "png"):
                upright(data).save(ORIENTATION / f"{number}.{kind}.expected.png", optimize=True)


if __name__ == "__main__":
    ORIENTATION.mkdir(parents=True, exist_ok=True)
    make_tiff()
    make_gif()
    make_bmp()
    make_ico()
    make_png()
    make_orientation()
