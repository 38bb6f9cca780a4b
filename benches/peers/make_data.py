"""Makes the files that every loader is measured on.

    python make_data.py OUT [--photos DIR] [--rows 1000000]

OUT/trashnet.parquet    copies of TrashNet (320x240, about 15 kB a photo) up to 4,000 photos
OUT/large.parquet       2,000 photos of 500x400, about 110 kB each
OUT/numbers/LAYOUT/     40 files: 64 f32 and two integers a row; layouts list-plain, list-zstd, flat-plain, flat-zstd

DIR holds `trashnet-*.parquet` in Hugging Face's image layout (`image: struct<bytes, path>`, `label: int64`). Without it only
the numbers are made. The same call gives the same rows.
"""

import argparse
import glob
import io
import itertools
import os

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

GROUP = 7 << 20  # bytes of photos in a row group: 8 of them in trashnet.parquet, 4 for each of two workers
FILES = 40
ROWS_OF_GROUP = 5_000
WIDTH = 64
# Upscaled photos are smoother than a camera's. Grain of this deviation, then this quality, make about 110 kB of 500x400.
GRAIN, QUALITY = 8, 96


def write_photos(path, photos):
    """`photos` gives (bytes, label)."""
    image = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    schema = pa.schema([("image", image), ("label", pa.int64())])
    rows, held, written = [], 0, []

    with pq.ParquetWriter(path, schema, compression="none", use_dictionary=False) as writer:

        def flush():
            images = [{"bytes": photo, "path": None} for photo, _ in rows]
            labels = [label for _, label in rows]
            writer.write_table(pa.table({"image": images, "label": labels}, schema=schema))
            written.extend(len(photo) for photo, _ in rows)
            rows.clear()

        for photo, label in photos:
            rows.append((photo, label))
            held += len(photo)
            if held >= GROUP:
                flush()
                held = 0
        if rows:
            flush()
    groups = pq.ParquetFile(path).metadata.num_row_groups
    print(f"{path}: {len(written)} photos, {np.mean(written) / 1000:.1f} kB each, {groups} row groups")


def enlarge(photo, seed):
    picture = Image.open(io.BytesIO(photo)).convert("RGB").resize((500, 400), Image.BICUBIC)
    grain = np.random.default_rng(seed).normal(0, GRAIN, (400, 500, 1))
    levels = np.clip(np.rint(np.asarray(picture) + grain), 0, 255).astype(np.uint8)
    out = io.BytesIO()
    Image.fromarray(levels).save(out, "JPEG", quality=QUALITY)
    return out.getvalue()


def make_photos(folder, out):
    table = pa.concat_tables(pq.read_table(path) for path in sorted(glob.glob(f"{folder}/trashnet-*.parquet")))
    photos = list(zip((row["bytes"] for row in table["image"].to_pylist()), table["label"].to_pylist()))
    write_photos(f"{out}/trashnet.parquet", itertools.islice(itertools.cycle(photos), 4_000))
    large = ((enlarge(photo, seed), label) for seed, (photo, label) in enumerate(photos[:2_000]))
    write_photos(f"{out}/large.parquet", large)


def make_numbers(rows, out):
    names = [f"f{i:02}" for i in range(WIDTH)]
    layouts = list(itertools.product(("list", "flat"), ("plain", "zstd")))
    for layout in layouts:
        os.makedirs(f"{out}/numbers/{'-'.join(layout)}", exist_ok=True)
    cuts = [rows * i // FILES for i in range(FILES + 1)]
    for file, (start, end) in enumerate(itertools.pairwise(cuts)):
        rng = np.random.default_rng(file)
        # Steps of 1/256, so that zstd finds something.
        values = (np.rint(rng.normal(0, 256, (end - start, WIDTH))) / 256).astype(np.float32)
        integers = [np.arange(start, end), rng.integers(0, 10, end - start)]
        for shape, codec in layouts:
            if shape == "list":
                columns = [pa.FixedSizeListArray.from_arrays(values.ravel(), WIDTH)]
                table = pa.table([*columns, *integers], names=["features", "id", "label"])
            else:
                columns = list(np.ascontiguousarray(values.T))
                table = pa.table([*columns, *integers], names=[*names, "id", "label"])
            pq.write_table(
                table,
                f"{out}/numbers/{shape}-{codec}/part-{file:02}.parquet",
                compression={"plain": "none"}.get(codec, codec),
                use_dictionary=False,
                row_group_size=ROWS_OF_GROUP,
            )
    for shape, codec in layouts:
        folder = f"{out}/numbers/{shape}-{codec}"
        size = sum(entry.stat().st_size for entry in os.scandir(folder))
        print(f"{folder}: {rows} rows, {FILES} files, {size / 1e6:.0f} MB")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out")
    parser.add_argument("--photos", help="folder with trashnet-*.parquet")
    parser.add_argument("--rows", type=int, default=1_000_000, help="rows of the number files (0: none)")
    args = parser.parse_args()
    os.makedirs(args.out, exist_ok=True)
    if args.photos:
        make_photos(args.photos, args.out)
    if args.rows:
        make_numbers(args.rows, args.out)


if __name__ == "__main__":
    main()
