//! What other libraries call operations is pointed to ours.

use millstream::image::operations;
use serde_json::Value;

fn refused(name: &str) -> String {
    let read = operations().read_json(&Value::from(name).to_string());
    read.err().map_or_else(String::new, |error| error.to_string())
}

#[test]
fn names_of_torchvision_and_albumentations_lead_to_ours() {
    for (name, ours) in [
        ("random_rotation", "rotate"),
        ("RandomAffine", "affine"),
        ("random_perspective", "perspective"),
        ("RandomHorizontalFlip", "horizontal_flip"),
        ("horizontalflip", "horizontal_flip"),
        ("hflip", "horizontal_flip"),
        ("vflip", "vertical_flip"),
        ("to_gray", "grayscale"),
        ("random_brightness_contrast", "color_jitter"),
        ("RandomAdjustSharpness", "sharpness"),
        ("RandomChoice", "one_of"),
        ("Compose", "sequential"),
        ("ChannelShuffle", "channel_permutation"),
        ("CutOut", "coarse_dropout"),
        ("GridMask", "grid_dropout"),
        ("Downscale", "simulate_low_resolution"),
        ("GaussNoise", "gaussian_noise"),
        ("ImageCompression", "jpeg"),
        ("NoOp", "identity"),
        ("InvertImg", "invert"),
        ("PadIfNeeded", "pad"),
        ("ShiftScaleRotate", "affine"),
        ("Erasing", "random_erasing"),
        ("TrivialAugment", "trivial_augment_wide"),
        ("Equalise", "equalize"),
    ] {
        let error = refused(name);
        let said = format!("unknown operation {name:?}: do you mean {ours:?}?");
        assert!(error.starts_with(&said), "{error}");
    }
    for (name, why) in [
        (
            "normalize",
            "pictures are normalised behind all operations, in a run as the model says",
        ),
        ("ToTensor", "pictures become tensors by themselves"),
        (
            "random_resized_crop",
            "which part of a picture is resized is no operation",
        ),
    ] {
        let error = refused(name);
        assert!(
            error.starts_with(&format!("unknown operation {name:?}: {why}")),
            "{error}"
        );
    }
}
