"""Job 9: the last two stages of EfficientNet-Lite0 train on augmented photos in PyTorch on the processor, f32.

    python deeper.py NAME PHOTOS.parquet [--batches 30] [--warmup 5] [--threads 2] [--workers 2]

NAME is `eager`, `channels_last` or `all`. From encoded photos in memory to optimizer steps: decode, random resized crop, flip,
rotation, brightness and contrast in worker processes (torchvision v2), the frozen stages without gradients, the last block group, the
last convolution and the head with AdamW; the norms keep their statistics. Weights are random, which does not change the speed. Each
prints one JSON line, as `backbone_speed deeper` does.
"""

import argparse
import itertools
import time

import measure

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    modes = ["eager", "channels_last"]
    parser.add_argument("name", choices=[*modes, "all"])
    parser.add_argument("photos")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--batches", type=int, default=30)
    parser.add_argument("--warmup", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--workers", type=int, default=2)
    args = parser.parse_args()
    if args.name == "all":
        return measure.each(modes)

    import pyarrow.parquet as pq
    import timm
    import torch
    from torch.nn.functional import cross_entropy
    from torchvision.io import ImageReadMode, decode_jpeg
    from torchvision.transforms import v2

    torch.set_num_threads(args.threads)
    layout = torch.channels_last if args.name == "channels_last" else torch.contiguous_format
    table = pq.read_table(args.photos, columns=["image", "label"])
    encoded = [photo["bytes"] for photo in table["image"].to_pylist()]
    labels = table["label"].to_pylist()
    augment = v2.Compose(
        [
            v2.RandomResizedCrop(224, (0.5, 1.0), (0.8, 1.25), antialias=True),
            v2.RandomHorizontalFlip(),
            v2.RandomRotation(10, v2.InterpolationMode.BILINEAR),
            v2.ColorJitter(brightness=0.2, contrast=0.2),
            v2.ToDtype(torch.float32, scale=True),
            v2.Normalize(MEAN, STD),
        ]
    )

    class Photos(torch.utils.data.Dataset):
        def __len__(self):
            return len(encoded)

        def __getitem__(self, row):
            photo = decode_jpeg(torch.frombuffer(bytearray(encoded[row]), dtype=torch.uint8), ImageReadMode.RGB)
            return augment(photo), labels[row]

    def batches():
        load = torch.utils.data.DataLoader(
            Photos(), args.batch, shuffle=True, drop_last=True, num_workers=args.workers, persistent_workers=args.workers > 0
        )
        while True:
            yield from load

    model = timm.create_model("tf_efficientnet_lite0", pretrained=False, num_classes=max(labels) + 1)
    model = model.eval().requires_grad_(False).to(memory_format=layout)
    last, trained = [model.blocks[6], model.conv_head, model.classifier], []
    for part in last:
        for layer in part.modules():
            if isinstance(layer, (torch.nn.Conv2d, torch.nn.Linear)):
                trained += [parameter.requires_grad_() for parameter in layer.parameters()]
    optimizer = torch.optim.AdamW(trained, lr=1e-4, weight_decay=1e-2)

    def step(images, truth):
        with torch.no_grad():
            maps = model.bn1(model.conv_stem(images.to(memory_format=layout)))
            maps = model.blocks[:6](maps)
        maps = model.bn2(model.conv_head(model.blocks[6](maps)))
        loss = cross_entropy(model.classifier(model.global_pool(maps)), truth)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.item()

    endless = batches()
    for images, truth in itertools.islice(endless, args.warmup):
        step(images, truth)
    start, cpu = time.perf_counter(), measure.processor()
    for images, truth in itertools.islice(endless, args.batches):
        step(images, truth)
    seconds, cpu = time.perf_counter() - start, measure.processor() - cpu
    measure.report(
        peer=f"timm, {args.name}",
        version=f"timm {measure.version('timm')}, torch {torch.__version__}",
        images_per_s=args.batch * args.batches / seconds,
        cpu_s=cpu,
        peak_mb=measure.memory() / 1e6,
        images=args.batch * args.batches,
        seconds=seconds,
    )


if __name__ == "__main__":
    main()
