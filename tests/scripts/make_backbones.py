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
from timm.layers.grn import GlobalResponseNorm
from timm.models import mobilenetv3, save_for_hf

HERE = pathlib.Path(__file__).resolve().parent.parent / "fixtures" / "backbones"

# Name, arguments that make it tiny, and indices of `features_only` for strides 8, 16 and 32.
NETWORKS = [
    ("resnet18", {"channels": (8, 8, 16, 24)}, (2, 3, 4)),
    ("resnet34", {"channels": (4, 4, 8, 8)}, (2, 3, 4)),
    ("resnet50", {"channels": (4, 4, 8, 8)}, (2, 3, 4)),
    ("mobilenetv3_small_100", {"channel_multiplier": 0.1}, (2, 3, 4)),
    ("mobilenetv3_large_100", {"channel_multiplier": 0.1}, (2, 3, 4)),
    ("convnext_tiny", {"depths": (1, 1, 2, 1), "dims": (8, 8, 16, 24)}, (1, 2, 3)),
    ("convnextv2_tiny", {"depths": (1, 1, 2, 1), "dims": (8, 8, 16, 24)}, (1, 2, 3)),
    # Positions of 2 x 2 patches become those of 3 x 4; of 37 x 37, those of 4 x 5.
    ("deit_tiny_patch16_224", {"img_size": 32, "embed_dim": 24, "depth": 2, "num_heads": 3}, None),
    ("vit_small_patch14_dinov2", {"embed_dim": 24, "depth": 2, "num_heads": 3}, None),
    ("vit_small_patch14_reg4_dinov2", {"embed_dim": 24, "depth": 2, "num_heads": 3}, None),
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
        elif isinstance(module, (torch.nn.LayerNorm, GlobalResponseNorm)):
            torch.nn.init.uniform_(module.weight, 0.5, 1.5)
            torch.nn.init.uniform_(module.bias, -0.5, 0.5)
    for name, parameter in model.named_parameters():
        if "gamma" in name:  # LayerScale
            torch.nn.init.uniform_(parameter, 0.2, 1.0)
        elif "token" in name or "embed" in name and parameter.dim() == 3:
            torch.nn.init.normal_(parameter, 0.0, 0.5)


def create(name, arguments, **more):
    if name.startswith("mobilenet"):  # timm's own function for its other widths
        return mobilenetv3._gen_mobilenet_v3(name, **arguments, **more).eval()
    return timm.create_model(name, pretrained=False, **arguments, **more).eval()


def make(name, arguments, levels):
    torch.manual_seed(sum(name.encode()))
    if levels is None:
        arguments |= {"dynamic_img_size": True, "dynamic_img_pad": True}
    model = create(name, arguments, num_classes=CLASSES)
    randomise(model)
    state = {key: value.half().float() if value.is_floating_point() else value for key, value in model.state_dict().items()}
    model.load_state_dict(state)

    folder = HERE / name
    save_for_hf(model, folder, model_args=dict(arguments), safe_serialization=True)
    halves = {key: value.half() if value.is_floating_point() else value for key, value in state.items()}
    save_file(halves, folder / "model.safetensors")

    images = torch.randn(2, 3, 43, 61)
    with torch.no_grad():
        if levels is None:
            size = model.patch_embed.patch_size[0]
            maps = {size: model.forward_intermediates(images, indices=1, norm=True, intermediates_only=True)[0]}
        else:
            pyramid = create(name, arguments, features_only=True, out_indices=levels)
            theirs = pyramid.state_dict()
            renamed = {key.replace(".", "_", 1) if key.replace(".", "_", 1) in theirs else key: state[key] for key in state}
            pyramid.load_state_dict({key: renamed[key] for key in theirs})
            maps = dict(zip((8, 16, 32), pyramid(images)))
        features = model.forward_head(model.forward_features(images), pre_logits=True)
        expected = {"images": images, "logits": model(images), "features": features}
    expected |= {f"stride{stride}": map for stride, map in maps.items()}
    save_file({key: value.contiguous() for key, value in expected.items()}, folder / "expected.safetensors")
    size = sum(path.stat().st_size for path in folder.iterdir())
    print(name, {key: list(value.shape) for key, value in expected.items()}, f"{size} bytes")
    print(json.dumps(json.loads((folder / "config.json").read_text())))


if __name__ == "__main__":
    for network in NETWORKS:
        if len(sys.argv) < 2 or network[0] in sys.argv[1:]:
            make(*network)
