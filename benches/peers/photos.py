"""Job 1: photos from disk to batches for training.

    python photos.py NAME DATA.parquet [--batches 100] [--warmup 8] [--threads 2]

NAME is one of the peers below, `all`, or `prepare`, which converts DATA for the peers that need a format of their own
(never timed; the copy lies beside DATA). Each peer runs in a process of its own and prints one JSON line.
"""

import argparse
import glob
import io
import itertools
import math
import os
import random
import shutil
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")
os.environ.setdefault("HF_DATASETS_OFFLINE", "1")

import numpy as np
import pyarrow.parquet as pq

import measure

BATCH, SIZE, BUFFER, SHARDS = 64, 224, 1000, 8
SCALE, RATIO = (0.08, 1.0), (3 / 4, 4 / 3)
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
LEVELS = np.float32([255 * m for m in MEAN]), np.float32([255 * s for s in STD])

PEERS = {}  # name: (function, package, modules)
RUST = ["burn", "dataloader-rs"]  # built from the folder rust


def peer(package, *modules):
    """`package` gives the version; `modules` are loaded before the clock starts."""

    def add(function):
        PEERS[function.__name__] = function, package, modules
        return function

    return add


# Rows


def groups(path):
    return pq.ParquetFile(path).metadata.num_row_groups


def photos(path, parts=None):
    """The encoded photos of some row groups, in the order given."""
    file = pq.ParquetFile(path)
    for part in range(file.metadata.num_row_groups) if parts is None else parts:
        column = file.read_row_group(part, columns=["image"])["image"].combine_chunks()
        column = column.field("bytes") if hasattr(column, "field") else column
        for photo in column:
            yield photo.as_py()


def shuffled(path, worker=0, workers=1):
    """A worker's share of an epoch: row groups in random order, rows through a buffer of 1000."""
    parts = list(range(groups(path)))[worker::workers]
    random.shuffle(parts)
    buffer = []
    for photo in photos(path, parts):
        if len(buffer) < BUFFER:
            buffer.append(photo)
            continue
        at = random.randrange(BUFFER)
        yield buffer[at]
        buffer[at] = photo
    random.shuffle(buffer)
    yield from buffer


def forever(epochs):
    while True:
        yield from epochs


# One photo to f32 CHW


class Albumentations:
    """OpenCV decodes and albumentations does the rest. Made on first use, in the worker."""

    transform = None

    def __call__(self, photo):
        import albumentations as A
        import cv2

        if self.transform is None:
            cv2.setNumThreads(0)
            self.transform = A.Compose([
                A.RandomResizedCrop((SIZE, SIZE), scale=SCALE, ratio=RATIO),
                A.HorizontalFlip(p=0.5),
                A.Normalize(MEAN, STD),
            ])
        picture = cv2.imdecode(np.frombuffer(photo, np.uint8), cv2.IMREAD_COLOR_RGB)
        return np.ascontiguousarray(self.transform(image=picture)["image"].transpose(2, 0, 1))


class Torchvision:
    """torchvision decodes to a tensor and its v2 transforms do the rest."""

    transform = None

    def __call__(self, photo):
        import torch
        from torchvision.io import ImageReadMode, decode_jpeg
        from torchvision.transforms import v2

        if self.transform is None:
            self.transform = v2.Compose([
                v2.RandomResizedCrop(SIZE, SCALE, RATIO, antialias=True),
                v2.RandomHorizontalFlip(),
                v2.ToDtype(torch.float32, scale=True),
                v2.Normalize(MEAN, STD),
            ])
        return self.transform(decode_jpeg(torch.frombuffer(bytearray(photo), dtype=torch.uint8), ImageReadMode.RGB))


class Pillow:
    """Pillow decodes; torchvision's transforms crop, resize and flip with Pillow."""

    transform = None

    def __call__(self, photo):
        import torch
        from PIL import Image
        from torchvision.transforms import v2

        if self.transform is None:
            self.transform = v2.Compose([
                v2.RandomResizedCrop(SIZE, SCALE, RATIO),
                v2.RandomHorizontalFlip(),
                v2.ToImage(),
                v2.ToDtype(torch.float32, scale=True),
                v2.Normalize(MEAN, STD),
            ])
        return self.transform(Image.open(io.BytesIO(photo)).convert("RGB"))


# PyTorch's DataLoader over Parquet


def dataloader(dataset, threads, **more):
    import torch

    return forever(
        torch.utils.data.DataLoader(
            dataset, batch_size=BATCH, num_workers=threads, persistent_workers=True, drop_last=True, **more
        )
    )


def over_parquet(path, transform, threads):
    import torch

    class Rows(torch.utils.data.IterableDataset):
        def __iter__(self):
            info = torch.utils.data.get_worker_info()
            return map(transform, shuffled(path, info.id, info.num_workers))

    return dataloader(Rows(), threads)


@peer("torchvision", "torchvision.transforms.v2")
def torchvision(path, threads):
    return over_parquet(path, Torchvision(), threads)


@peer("albumentations", "torch", "cv2", "albumentations")
def albumentations(path, threads):
    return over_parquet(path, Albumentations(), threads)


@peer("pillow", "torchvision.transforms.v2")
def pillow(path, threads):
    return over_parquet(path, Pillow(), threads)


# Loaders with readers and pipelines of their own


@peer("datasets", "torch", "cv2", "albumentations", "datasets")
def hf(path, threads):
    from datasets import Image, load_dataset

    transform = Albumentations()
    rows = load_dataset("parquet", data_files=path, split="train", streaming=True)
    if isinstance(rows.features["image"], Image):
        rows = rows.cast_column("image", Image(decode=False))
    # Row groups as shards: a worker reads whole shards, and there is one file only.
    rows = rows.reshard().shuffle(seed=0, buffer_size=BUFFER).select_columns(["image"])

    def picture(row):
        return {"image": transform(row["image"]["bytes"] if isinstance(row["image"], dict) else row["image"])}

    return dataloader(rows.map(picture, features=None), threads, collate_fn=stack)


def stack(rows):
    import torch

    return torch.from_numpy(np.stack([np.asarray(row["image"], np.float32) for row in rows]))


@peer("webdataset", "torch", "cv2", "albumentations", "webdataset")
def webdataset(path, threads):
    import webdataset as wds

    transform = Albumentations()
    rows = wds.WebDataset(sorted(glob.glob(f"{beside(path, 'tar')}/*.tar")), shardshuffle=SHARDS)
    return dataloader(rows.shuffle(BUFFER).map(lambda row: transform(row["jpg"])), threads)


@peer("mosaicml-streaming", "torch", "cv2", "albumentations", "streaming")
def mosaic(path, threads):
    from streaming import StreamingDataset
    from streaming.base.util import clean_stale_shared_memory

    transform = Albumentations()

    class Rows(StreamingDataset):
        def __getitem__(self, at):
            return transform(super().__getitem__(at)["image"])

    clean_stale_shared_memory()
    return dataloader(Rows(local=beside(path, "mds"), shuffle=True, batch_size=BATCH), threads)


@peer("grain", "cv2", "albumentations", "grain")
def grain(path, threads):
    import grain

    # A map dataset, because only that one spreads its work over threads: the encoded photos are read up front.
    rows = grain.MapDataset.source(list(photos(path))).seed(0).shuffle().map(Albumentations()).repeat()
    return rows.to_iter_dataset(grain.ReadOptions(num_threads=threads, prefetch_buffer_size=2 * BATCH)).batch(BATCH)


@peer("spdl", "torch", "spdl.io", "spdl.pipeline")
def spdl(path, threads):
    import spdl.io
    import torch
    from spdl.pipeline import PipelineBuilder

    torch.set_num_threads(1)
    mean, std = (torch.from_numpy(levels).view(1, 3, 1, 1) for levels in LEVELS)

    def decode(photo):
        packets = spdl.io.demux_image(photo)
        x, y, w, h = box(packets.codec.width, packets.codec.height)
        flip = "hflip," if random.random() < 0.5 else ""
        crop = f"crop={w}:{h}:{x}:{y}:exact=1,scale={SIZE}:{SIZE}:flags=bilinear,{flip}format=rgb24"
        return spdl.io.decode_packets(packets, filter_desc=crop)

    def batch(frames):
        levels = torch.from_numpy(spdl.io.to_numpy(spdl.io.convert_frames(frames)))
        return levels.permute(0, 3, 1, 2).to(torch.float32, memory_format=torch.contiguous_format).sub_(mean).div_(std)

    pipeline = (
        PipelineBuilder()
        .add_source(photo for _ in itertools.count() for photo in shuffled(path))
        .pipe(decode, concurrency=threads)
        .aggregate(BATCH)
        .pipe(batch)
        .add_sink(2)
        .build(num_threads=threads)
    )
    with pipeline.auto_stop():
        yield from pipeline


def box(width, height):
    """torchvision's RandomResizedCrop: left, top, width, height."""
    for _ in range(10):
        area = width * height * random.uniform(*SCALE)
        ratio = math.exp(random.uniform(*map(math.log, RATIO)))
        w, h = round(math.sqrt(area * ratio)), round(math.sqrt(area / ratio))
        if 0 < w <= width and 0 < h <= height:
            return random.randint(0, width - w), random.randint(0, height - h), w, h
    side = min(width, height)
    return (width - side) // 2, (height - side) // 2, side, side


@peer("tensorflow-cpu", "tensorflow")
def tfdata(path, threads):
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)

    def picture(record):
        photo = tf.io.parse_single_example(record, {"image": tf.io.FixedLenFeature([], tf.string)})["image"]
        begin, size, _ = tf.image.sample_distorted_bounding_box(
            tf.image.extract_jpeg_shape(photo),
            tf.zeros([1, 0, 4]),
            min_object_covered=0.0,
            aspect_ratio_range=RATIO,
            area_range=SCALE,
            max_attempts=10,
            use_image_if_no_bounding_boxes=True,
        )
        window = tf.concat([begin[:2], size[:2]], 0)
        levels = tf.image.resize(tf.io.decode_and_crop_jpeg(photo, window, channels=3), [SIZE, SIZE])
        levels = tf.image.random_flip_left_right(levels)
        return tf.transpose((levels - LEVELS[0]) / LEVELS[1], [2, 0, 1])

    options = tf.data.Options()
    options.threading.private_threadpool_size = threads
    files = tf.data.Dataset.list_files(f"{beside(path, 'tfrecord')}/*.tfrecord", shuffle=True)
    rows = files.interleave(tf.data.TFRecordDataset, cycle_length=2, num_parallel_calls=threads).shuffle(BUFFER)
    rows = rows.map(picture, num_parallel_calls=threads, deterministic=False).batch(BATCH, drop_remainder=True)
    return rows.repeat().prefetch(2).with_options(options).as_numpy_iterator()


@peer("nvidia-dali-cuda120", "nvidia.dali.fn")
def dali(path, threads):
    from nvidia.dali import fn, pipeline_def, types

    tars = sorted(glob.glob(f"{beside(path, 'tar')}/*.tar"))

    @pipeline_def(batch_size=BATCH, num_threads=threads, device_id=None, prefetch_queue_depth=2)
    def pipeline():
        photo = fn.readers.webdataset(
            paths=tars,
            index_paths=[f"{tar[:-4]}.idx" for tar in tars],
            ext=["jpg"],
            random_shuffle=True,
            initial_fill=BUFFER,
            missing_component_behavior="error",
        )
        levels = fn.decoders.image_random_crop(photo, random_area=SCALE, random_aspect_ratio=RATIO, num_attempts=10)
        levels = fn.resize(levels, size=(SIZE, SIZE), interp_type=types.INTERP_LINEAR, antialias=True)
        mirror = fn.random.coin_flip()
        mean, std = (list(map(float, values)) for values in LEVELS)
        return fn.crop_mirror_normalize(
            levels, mirror=mirror, mean=mean, std=std, dtype=types.FLOAT, output_layout="CHW"
        )

    built = pipeline()
    built.build()
    while True:
        yield built.run()[0].as_tensor()


# Formats of their own


def beside(path, kind):
    return f"{path.removesuffix('.parquet')}.{kind}"


def fresh(path, kind):
    folder = beside(path, kind)
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    return folder


def to_tar(path):
    import tarfile

    folder = fresh(path, "tar")
    tars = [tarfile.open(f"{folder}/{shard:02}.tar", "w", format=tarfile.USTAR_FORMAT) for shard in range(SHARDS)]
    indexes = [[] for _ in tars]
    for at, photo in enumerate(photos(path)):
        tar, index = tars[at % SHARDS], indexes[at % SHARDS]
        info = tarfile.TarInfo(f"{at:06}.jpg")
        info.size = len(photo)
        index.append(f"jpg {tar.offset + tarfile.BLOCKSIZE} {info.size} {info.name}\n")
        tar.addfile(info, io.BytesIO(photo))
    for shard, (tar, index) in enumerate(zip(tars, indexes)):
        tar.close()
        with open(f"{folder}/{shard:02}.idx", "w") as file:  # DALI's index
            file.write(f"v1.2 {len(index)}\n")
            file.writelines(index)


def to_mds(path):
    from streaming import MDSWriter

    with MDSWriter(out=fresh(path, "mds"), columns={"image": "bytes"}, size_limit=1 << 23) as writer:
        for photo in photos(path):
            writer.write({"image": photo})


def to_tfrecord(path):
    import tensorflow as tf

    folder = fresh(path, "tfrecord")
    writers = [tf.io.TFRecordWriter(f"{folder}/{shard:02}.tfrecord") for shard in range(SHARDS)]
    for at, photo in enumerate(photos(path)):
        feature = tf.train.Feature(bytes_list=tf.train.BytesList(value=[photo]))
        example = tf.train.Example(features=tf.train.Features(feature={"image": feature}))
        writers[at % SHARDS].write(example.SerializeToString())
    for writer in writers:
        writer.close()


def prepare(path):
    for convert in to_tar, to_mds, to_tfrecord:
        try:
            convert(path)
            print(f"{convert.__name__}: done", file=sys.stderr)
        except ImportError as error:
            print(f"{convert.__name__}: left out: {error}", file=sys.stderr)


def check(batch):
    values = np.asarray(batch)
    assert values.shape == (BATCH, 3, SIZE, SIZE), values.shape
    assert values.dtype == np.float32, values.dtype
    assert values.flags.c_contiguous
    assert -2.2 < values.min() and values.max() < 2.7 and values.std() > 0.1, (values.min(), values.max())


check.rows = lambda batch: BATCH


def rust(args):
    here = os.path.dirname(os.path.abspath(__file__))
    program = os.path.join(os.environ.get("CARGO_TARGET_DIR", f"{here}/rust/target"), "release", "photos")
    os.execv(program, [program, args.name, args.data, *map(str, (args.batches, args.warmup, args.threads))])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", choices=[*PEERS, *RUST, "all", "prepare"])
    parser.add_argument("data")
    parser.add_argument("--batches", type=int, default=100)
    parser.add_argument("--warmup", type=int, default=8)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    if args.name == "prepare":
        prepare(args.data)
    elif args.name == "all":
        measure.each([*PEERS, *RUST])
    elif args.name in RUST:
        rust(args)
    else:
        load, package, modules = PEERS[args.name]
        measure.load_modules(modules)
        measure.loader("images", lambda: load(args.data, args.threads), check, args, version=measure.version(package))


if __name__ == "__main__":
    main()
