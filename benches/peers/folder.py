"""Job 10: photos in the folders of their classes to batches for training, by torchvision's ImageFolder.

    python folder.py NAME FOLDER [--batches 100] [--warmup 8] [--threads 2]

NAME is `pillow` (ImageFolder as it is: Pillow decodes) or `tensor` (`decode_jpeg` and transforms on tensors). One JSON line.
"""

import argparse

import numpy as np

import measure

BATCH, SIZE = 64, 224
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def augmented(first):
    import torch
    from torchvision.transforms import v2

    return v2.Compose([
        *first,
        v2.RandomResizedCrop(SIZE, (0.08, 1.0), (3 / 4, 4 / 3), antialias=True),
        v2.RandomHorizontalFlip(),
        v2.ToImage(),
        v2.ToDtype(torch.float32, scale=True),
        v2.Normalize(MEAN, STD),
    ])


def pillow(folder):
    from torchvision.datasets import ImageFolder

    return ImageFolder(folder, augmented([]))


def decoded(path):
    from torchvision.io import ImageReadMode, decode_image, read_file

    return decode_image(read_file(path), ImageReadMode.RGB)


def tensor(folder):
    from torchvision.datasets import ImageFolder

    return ImageFolder(folder, augmented([]), loader=decoded)


def forever(dataset, threads):
    import torch

    loader = torch.utils.data.DataLoader(
        dataset, batch_size=BATCH, shuffle=True, num_workers=threads, persistent_workers=True, drop_last=True
    )
    while True:
        for pictures, _labels in loader:
            yield pictures


def check(batch):
    values = np.asarray(batch)
    assert values.shape == (BATCH, 3, SIZE, SIZE) and values.dtype == np.float32, (values.shape, values.dtype)
    assert -2.2 < values.min() and values.max() < 2.7 and values.std() > 0.1, (values.min(), values.max())


check.rows = lambda batch: BATCH


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", choices=["pillow", "tensor"])
    parser.add_argument("data")
    parser.add_argument("--batches", type=int, default=100)
    parser.add_argument("--warmup", type=int, default=8)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    made = {"pillow": pillow, "tensor": tensor}[args.name]
    measure.load_modules(["torch", "torchvision.datasets", "torchvision.transforms.v2"])
    measure.loader(
        "images", lambda: forever(made(args.data), args.threads), check, args, version=measure.version("torchvision")
    )


if __name__ == "__main__":
    main()
