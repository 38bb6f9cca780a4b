//! What torchvision and albumentations call operations, and what they have as one that is none here.

/// What is meant by a name of another library.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meant<'a> {
    /// The operation of this name.
    Name(&'a str),
    /// No operation: why, as it stands behind the name in a sentence.
    NoOperation(&'static str),
}

/// Their names without `random`, in small letters without `_`, where they are not ours; and ours.
const NAMES: [(&str, &str); 28] = [
    ("adjustsharpness", "sharpness"),
    ("affinetransform", "affine"),
    ("brightnesscontrast", "color_jitter"),
    ("channelshuffle", "channel_permutation"),
    ("choice", "one_of"),
    ("colourjitter", "color_jitter"),
    ("compose", "sequential"),
    ("cutout", "coarse_dropout"),
    ("downscale", "simulate_low_resolution"),
    ("equalise", "equalize"),
    ("erase", "random_erasing"),
    ("erasing", "random_erasing"),
    ("flip", "horizontal_flip"),
    ("gaussnoise", "gaussian_noise"),
    ("gridmask", "grid_dropout"),
    ("hflip", "horizontal_flip"),
    ("huesaturationvalue", "color_jitter"),
    ("imagecompression", "jpeg"),
    ("invertimg", "invert"),
    ("jpegcompression", "jpeg"),
    ("noop", "identity"),
    ("padifneeded", "pad"),
    ("rotation", "rotate"),
    ("saferotate", "rotate"),
    ("shiftscalerotate", "affine"),
    ("togray", "grayscale"),
    ("trivialaugment", "trivial_augment_wide"),
    ("vflip", "vertical_flip"),
];

const NORMALIZES: &str = "pictures are normalised behind all operations, in a run as the model says (`normalize` of an image stage), so leave it out";
const IS_TENSOR: &str = "pictures become tensors by themselves, so leave it out";
const IS_CROP: &str = "which part of a picture is resized is no operation, but the crop before all of them (`crop`)";

/// Those that are no operations here.
const NO_OPERATIONS: [(&str, &str); 15] = [
    ("centercrop", IS_CROP),
    ("convertimagedtype", IS_TENSOR),
    ("ioucrop", IS_CROP),
    ("letterbox", IS_CROP),
    ("normalise", NORMALIZES),
    ("normalize", NORMALIZES),
    ("piltotensor", IS_TENSOR),
    ("resizecentercrop", IS_CROP),
    ("resizedcrop", IS_CROP),
    ("sizedcrop", IS_CROP),
    ("todtype", IS_TENSOR),
    ("toimage", IS_TENSOR),
    ("totensor", IS_TENSOR),
    ("totensorv2", IS_TENSOR),
    ("whole", IS_CROP),
];

/// What `name` is called among the `known` operations, where it is a name of torchvision's or albumentations', or ours in another spelling: `RandomHorizontalFlip`,
/// `horizontalflip`, `hflip`.
pub(super) fn meant<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<Meant<'a>> {
    let squeezed = |name: &str| name.replace(['_', '-'], "").to_lowercase();
    let whole = squeezed(name);
    let short = whole.strip_prefix("random").unwrap_or(&whole);
    let known: Vec<&str> = known.collect();
    let named = |is_it: &dyn Fn(&str) -> bool| known.iter().copied().find(|&known| is_it(known));
    let in_table = |table: &[(&str, &'static str)]| {
        let own = table.iter().find(|(theirs, _)| *theirs == short);
        own.map(|(_, ours)| *ours)
    };
    // `random_crop` is one of ours, and `crop` none.
    let ours = named(&|known| squeezed(known) == whole).or_else(|| named(&|known| squeezed(known) == short));
    let theirs = || in_table(&NAMES).and_then(|ours| named(&|known| known == ours));
    let none = || in_table(&NO_OPERATIONS).map(Meant::NoOperation);
    ours.or_else(theirs).map(Meant::Name).or_else(none)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: [&str; 8] = [
        "affine",
        "color_jitter",
        "grayscale",
        "horizontal_flip",
        "perspective",
        "random_erasing",
        "rotate",
        "vertical_flip",
    ];

    #[test]
    fn names_of_other_libraries_are_known() {
        for (name, ours) in [
            ("random_rotation", "rotate"),
            ("RandomRotation", "rotate"),
            ("hflip", "horizontal_flip"),
            ("vflip", "vertical_flip"),
            ("horizontalflip", "horizontal_flip"),
            ("RandomHorizontalFlip", "horizontal_flip"),
            ("to_gray", "grayscale"),
            ("random_affine", "affine"),
            ("random_perspective", "perspective"),
            ("random_brightness_contrast", "color_jitter"),
            ("RandomErasing", "random_erasing"),
        ] {
            assert_eq!(meant(name, KNOWN.into_iter()), Some(Meant::Name(ours)), "{name}");
        }
        let none = |name: &str| match meant(name, KNOWN.into_iter()) {
            Some(Meant::NoOperation(why)) => why,
            other => panic!("{name}: {other:?}"),
        };
        assert!(none("normalize").contains("as the model says"));
        assert!(none("ToTensorV2").contains("by themselves"));
        assert!(none("random_resized_crop").contains("(`crop`)"));
        for name in ["watercolour", "rotat", "random", "blur", "noise", "grid_mask"] {
            assert_eq!(meant(name, KNOWN.into_iter()), None, "{name}");
        }
    }
}
