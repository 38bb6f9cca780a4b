"""Makes tests/fixtures/auto_augment.json: spaces, defaults and policies of torchvision's automatic augmentations, and the names and strengths of
transforms; and auto_augment.png: what these make of the photo in fixtures/operations, one below the other.

Run from the repository's root with torchvision at hand: python3 tests/scripts/make_auto_augment.py
"""

import inspect
import json
import math
import re

import numpy as np
import torch
import torchvision
from PIL import Image
from torchvision.transforms import v2

WIDTH, HEIGHT = 200, 331


def snake(name):
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def space(policy, table, bins):
    """For each transform: whether a coin decides the side, and the magnitudes of all bins, of which some are cut to whole numbers."""
    made = []
    for name, (magnitudes, signed) in getattr(policy, table).items():
        values = magnitudes(bins, HEIGHT, WIDTH)
        made.append([snake(name), signed, None if values is None else [float(value) for value in values]])
    return made


def defaults(policy):
    parameters = inspect.signature(policy.__init__).parameters.values()
    plain = [p for p in parameters if isinstance(p.default, (int, float)) and not isinstance(p.default, v2.AutoAugmentPolicy)]
    return {p.name: p.default for p in plain}


photo = np.array(Image.open("tests/fixtures/operations/photo.png").convert("RGB"))
picture = torch.from_numpy(photo).permute(2, 0, 1)
base = v2.RandAugment(interpolation="bilinear")


def applied(name, magnitude):
    made = base._apply_image_or_video_transform(picture, name, magnitude, interpolation=base.interpolation, fill=base._fill)
    return made.permute(1, 2, 0).numpy()


samples = [
    ("ShearX", 0.2), ("ShearY", -0.2), ("TranslateX", 5.7), ("TranslateY", -4.2), ("Rotate", 20.0), ("Brightness", 0.4),
    ("Color", -0.6), ("Contrast", 0.5), ("Sharpness", 0.9), ("Posterize", 3.0), ("Solarize", 0.5), ("AutoContrast", 0.0),
    ("Equalize", 0.0), ("Invert", 0.0), ("Identity", 0.0),
]
auto = v2.AutoAugment()
policies = {
    policy.value: [[[snake(name), p, bin] for name, p, bin in pair] for pair in auto._get_policies(policy)]
    for policy in v2.AutoAugmentPolicy
}
made = {
    "torchvision": torchvision.__version__,
    "width": WIDTH,
    "height": HEIGHT,
    "rand_augment": {"defaults": defaults(v2.RandAugment), "space": space(v2.RandAugment, "_AUGMENTATION_SPACE", 31)},
    "trivial_augment_wide": {
        "defaults": defaults(v2.TrivialAugmentWide),
        "space": space(v2.TrivialAugmentWide, "_AUGMENTATION_SPACE", 31),
    },
    "auto_augment": {"policies": policies, "space": space(v2.AutoAugment, "_AUGMENTATION_SPACE", 10)},
    "aug_mix": {
        "defaults": defaults(v2.AugMix),
        "space": space(v2.AugMix, "_AUGMENTATION_SPACE", 10),
        "partial": space(v2.AugMix, "_PARTIAL_AUGMENTATION_SPACE", 10),
    },
    "applied": [[snake(name), magnitude] for name, magnitude in samples],
}
with open("tests/fixtures/auto_augment.json", "w") as file:
    json.dump(made, file)
    file.write("\n")
Image.fromarray(np.concatenate([applied(*sample) for sample in samples])).save("tests/fixtures/auto_augment.png", optimize=True)
