"""Job 8: features of a frozen EfficientNet-Lite0 in PyTorch on the processor.

    python features.py NAME [--batch 32] [--batches 20] [--threads 2]

NAME is `eager`, `channels_last`, `compile` (needs a C++ compiler) or `all`. The input is one random f32 batch of 224x224 that
lies ready, and the weights are random: neither changes the speed. Each prints one JSON line.
"""

import argparse
import time

import measure


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    modes = ["eager", "channels_last", "compile"]
    parser.add_argument("name", choices=[*modes, "all"])
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--batches", type=int, default=20)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    if args.name == "all":
        return measure.each(modes)

    import timm
    import torch

    torch.set_num_threads(args.threads)
    model = timm.create_model("tf_efficientnet_lite0", pretrained=False, num_classes=0).eval()
    images = torch.randn(args.batch, 3, 224, 224)
    if args.name == "channels_last":
        model, images = model.to(memory_format=torch.channels_last), images.to(memory_format=torch.channels_last)
    if args.name == "compile":
        model = torch.compile(model)

    with torch.inference_mode():
        for _ in range(3):
            features = model(images)
        assert features.shape == (args.batch, 1280)
        start, cpu = time.perf_counter(), measure.processor()
        for _ in range(args.batches):
            model(images)
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
