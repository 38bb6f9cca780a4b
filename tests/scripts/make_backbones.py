"""Makes tests/fixtures/backbones: tiny random networks of timm, and what timm makes of an image.

    pip install torch timm          # written with torch 2.15.0 and timm 1.0.31
    python tests/scripts/make_backbones.py

One folder for each network, as timm saves it: config.json (by timm's own `save_for_hf`) and model.safetensors, in f16. Beside them
expected.safetensors, in f32: `images` (two of 3 x 43 x 61, so that no stride divides them), `logits`, `features`, and the maps of
strides 8, 16 and 32. They are computed by timm in f32 on the weights as they were rounded.
"""

import json
import pathlib
import sys

import timm
import torch
from safetensors.torch import save_file
from timm.models import save_for_hf

HERE = pathlib.Path(__file__).resolve().parent.parent / "fixtures" / "backbones"

# Name, arguments that make it tiny, indices of `features_only` for strides 8, 16 and 32.
NETWORKS = [
    ("resnet18", {"channels": (8, 8, 16, 24)}, (2, 3, 4)),
    ("resnet34", {"channels": (4, 4, 8, 8)}, (2, 3, 4)),
    ("resnet50", {"channels": (4, 4, 8, 8)}, (2, 3, 4)),
]
CLASSES = 5


def randomise(model):
    """Statistics and shifts that a fresh network does not have, so that none of them is taken for another."""
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.weight, 0.5, 1.5)
            torch.nn.init.uniform_(module.bias, -0.5, 0.5)
            torch.nn.init.uniform_(module.running_mean, -0.5, 0.5)
            torch.nn.init.uniform_(module.running_var, 0.5, 2.0)
        elif isinstance(module, torch.nn.Linear):
            torch.nn.init.normal_(module.weight, 0.0, 0.2)
            if module.bias is not None:
                torch.nn.init.normal_(module.bias, 0.0, 0.2)


def make(name, arguments, levels):
    torch.manual_seed(sum(name.encode()))
    model = timm.create_model(name, pretrained=False, num_classes=CLASSES, **arguments).eval()
    randomise(model)
    state = {key: value.half().float() if value.is_floating_point() else value for key, value in model.state_dict().items()}
    model.load_state_dict(state)

    folder = HERE / name
    save_for_hf(model, folder, model_args=dict(arguments), safe_serialization=True)
    halves = {key: value.half() if value.is_floating_point() else value for key, value in state.items()}
    save_file(halves, folder / "model.safetensors")

    pyramid = timm.create_model(name, pretrained=False, features_only=True, out_indices=levels, **arguments).eval()
    pyramid.load_state_dict(state, strict=False)
    images = torch.randn(2, 3, 43, 61)
    with torch.no_grad():
        maps = pyramid(images)
        features = model.forward_head(model.forward_features(images), pre_logits=True)
        expected = {"images": images, "logits": model(images), "features": features}
    expected |= {f"stride{stride}": map for stride, map in zip((8, 16, 32), maps)}
    save_file({key: value.contiguous() for key, value in expected.items()}, folder / "expected.safetensors")
    size = sum(path.stat().st_size for path in folder.iterdir())
    print(name, {key: list(value.shape) for key, value in expected.items()}, f"{size} bytes")
    print(json.dumps(json.loads((folder / "config.json").read_text())))


if __name__ == "__main__":
    for network in NETWORKS:
        if len(sys.argv) < 2 or network[0] in sys.argv[1:]:
            make(*network)
