"""Job 2: rows of numbers from disk to shuffled batches.

    python rows.py NAME FOLDER [--batches 2000] [--warmup 20] [--batch 256] [--threads 2]

NAME is one of the peers below or `all`. FOLDER is one layout of the number files. A batch is f32 [batch, 64] and two arrays
of integers. Each peer runs in a process of its own and prints one JSON line.
"""

import argparse
import glob
import itertools
import os
import random

os.environ.setdefault("HF_DATASETS_OFFLINE", "1")

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

import measure

WIDTH, BUFFER, WINDOW = 64, 1000, 4
NAMES = [f"f{i:02}" for i in range(WIDTH)]


def arrays(columns):
    """A batch of numpy columns as (features, id, label)."""
    if "features" in columns:
        features = columns["features"]
    else:
        features = np.stack([columns[name] for name in NAMES], axis=1)
    return np.ascontiguousarray(features, np.float32), columns["id"], columns["label"]


def columns(batch):
    """A record batch or table of Arrow as numpy columns."""
    return {name: column(batch[name]) for name in batch.schema.names}


def column(values):
    if isinstance(values, pa.ChunkedArray):
        values = values.combine_chunks()
    if pa.types.is_fixed_size_list(values.type):
        return values.flatten().to_numpy().reshape(-1, WIDTH)
    return values.to_numpy()


def epochs(make):
    return itertools.chain.from_iterable(make() for _ in itertools.count())


def hf(paths, batch, threads):
    """Streaming with a shuffle buffer of 1000, split over the workers of PyTorch's DataLoader."""
    import torch
    from datasets import load_dataset

    rows = load_dataset("parquet", data_files=paths, split="train", streaming=True)
    rows = rows.shuffle(seed=0, buffer_size=BUFFER).with_format("numpy").batch(batch, drop_last_batch=True)
    loader = torch.utils.data.DataLoader(rows, batch_size=None, num_workers=threads, persistent_workers=True)
    return map(arrays, epochs(lambda: loader))


def grain(paths, batch, threads):
    """Grain's Parquet source, a window shuffle of 1000, on threads that each have a share of the files."""
    import grain

    def make():
        rows = grain.experimental.ParquetIterDataset(paths)
        rows = grain.experimental.WindowShuffleIterDataset(rows, window_size=BUFFER, seed=random.getrandbits(31))
        return grain.experimental.multithread_prefetch(rows.batch(batch, drop_remainder=True), threads, 4)

    return map(arrays, epochs(make))


def pyarrow(paths, batch, threads):
    """A bare read in the order of the files, not shuffled: what reading alone costs."""
    pa.set_cpu_count(threads)

    def make():
        for path in paths:
            for part in pq.ParquetFile(path, pre_buffer=True).iter_batches(batch_size=batch):
                if len(part) == batch:
                    yield arrays(columns(part))

    return epochs(make)


def torch(paths, batch, threads):
    """A DataLoader over windows of four row groups, each window shuffled and cut into whole batches by a worker."""
    import torch

    class Windows(torch.utils.data.IterableDataset):
        def __iter__(self):
            info = torch.utils.data.get_worker_info()
            pa.set_cpu_count(1)
            files = [pq.ParquetFile(path) for path in paths[info.id :: info.num_workers]]
            parts = [(file, group) for file in files for group in range(file.metadata.num_row_groups)]
            random.shuffle(parts)
            for at in range(0, len(parts), WINDOW):
                tables = [file.read_row_group(group, use_threads=False) for file, group in parts[at : at + WINDOW]]
                rows = arrays(columns(pa.concat_tables(tables)))
                order = np.random.permutation(len(rows[0]))
                for start in range(0, len(order) - batch + 1, batch):
                    chosen = order[start : start + batch]
                    yield tuple(torch.from_numpy(values[chosen]) for values in rows)

    loader = torch.utils.data.DataLoader(Windows(), batch_size=None, num_workers=threads, persistent_workers=True)
    return epochs(lambda: loader)


# The function, the package that gives the version, and the modules that are loaded before the clock starts.
PEERS = {
    "hf": (hf, "datasets", ["torch", "datasets"]),
    "grain": (grain, "grain", ["grain"]),
    "pyarrow": (pyarrow, "pyarrow", []),
    "torch": (torch, "torch", ["torch"]),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", choices=[*PEERS, "all"])
    parser.add_argument("data", metavar="folder")
    parser.add_argument("--batches", type=int, default=2000)
    parser.add_argument("--warmup", type=int, default=20)
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    if args.name == "all":
        return measure.each(PEERS)
    paths = sorted(glob.glob(f"{args.data}/*.parquet"))

    def check(batch):
        features, *integers = map(np.asarray, batch)
        assert features.shape == (args.batch, WIDTH) and features.dtype == np.float32, (features.shape, features.dtype)
        assert all(values.shape == (args.batch,) and values.dtype == np.int64 for values in integers)
        assert abs(features.std() - 1) < 0.1

    check.rows = lambda batch: len(batch[1])
    load, package, modules = PEERS[args.name]
    measure.load_modules(modules)
    measure.loader(
        "rows",
        lambda: load(paths, args.batch, args.threads),
        check,
        args,
        version=measure.version(package),
        layout=os.path.basename(os.path.normpath(args.data)),
    )


if __name__ == "__main__":
    main()
