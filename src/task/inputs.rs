//! How pictures become inputs: as the weights expect, so far as this crate can make them so.

use crate::image;
use crate::model::{CropMode, Interpolation, Preprocessing, Pretrained};

/// What is done for the weights of `pretrained`, with pictures of `size` pixels where one is given.
///
/// What a `config.json` says is done, but for what [`Image`] cannot do. Where there is none, mean, deviation and size are those of the
/// network's first published weights, and the whole picture is squashed to a square by bilinear interpolation.
pub(super) fn preprocessing(pretrained: &Pretrained, size: Option<u32>) -> Preprocessing {
    let expected = pretrained.preprocessing;
    let squashed = Preprocessing {
        size: size.map_or(expected.size, |size| size as usize),
        interpolation: Interpolation::Bilinear,
        crop: 1.0,
        crop_mode: CropMode::Squash,
        ..expected
    };
    if !pretrained.is_configured() {
        return squashed;
    }
    let cropped = match expected.crop_mode {
        CropMode::Center => Preprocessing {
            crop: expected.crop,
            crop_mode: CropMode::Center,
            ..squashed
        },
        CropMode::Squash | CropMode::Border => squashed,
    };
    match antialiased(expected.interpolation) {
        Some(_) => Preprocessing {
            interpolation: expected.interpolation,
            ..cropped
        },
        None => cropped,
    }
}

/// The interpolation of the image stage; none where it has no such.
pub(super) fn antialiased(interpolation: Interpolation) -> Option<image::Interpolation> {
    match interpolation {
        Interpolation::Bilinear => Some(image::Interpolation::Bilinear),
        Interpolation::Bicubic => Some(image::Interpolation::Bicubic),
        Interpolation::Box => Some(image::Interpolation::Box),
        Interpolation::Hamming => Some(image::Interpolation::Hamming),
        Interpolation::Lanczos => Some(image::Interpolation::Lanczos),
        Interpolation::Nearest | Interpolation::Random => None,
    }
}

#[cfg(test)]
mod tests {
    use crate::task::{Classify, Detect, Finetune, Segment};

    #[test]
    fn weights_without_a_config_are_taken_for_the_published_ones() {
        let run = Finetune::default()
            .backbone("resnet18")
            .weights("resnet18-f37072fd.pth");
        let said = [
            "no config.json is beside these weights: they are taken to expect what the first published ones of resnet18 do",
            "the weights expect the middle 0.875 of the picture with its aspect ratio; here it is the whole picture squashed to a square",
        ];
        assert_eq!(
            run.preprocessing_notes(&Classify::default())
                .expect("there is a resnet18"),
            said
        );
    }

    #[cfg(feature = "weights")]
    #[test]
    fn the_carried_weights_see_the_whole_picture() {
        let notes = Finetune::default().preprocessing_notes(&Classify::default());
        let notes = notes.expect("they are carried");
        let said = [
            "the weights expect pictures resized by bicubic interpolation; here it is bilinear",
            "the weights expect the middle 0.875 of the picture with its aspect ratio; here it is the whole picture squashed to a square",
        ];
        assert_eq!(notes, said);
    }

    #[cfg(feature = "weights")]
    #[test]
    fn what_is_done_is_said_by_task_and_by_both_sides() {
        let run = Finetune::default().size(320).height(240);
        let [size, _, whole] = run
            .preprocessing_notes(&Detect::default())
            .expect("they are carried")
            .try_into()
            .expect("three");
        assert_eq!(
            size,
            "the weights expect pictures of 224 x 224 pixels; here they have 320 x 240"
        );
        let expected =
            "the weights expect the middle 0.875 of the picture with its aspect ratio; here it is the whole picture";
        assert_eq!(
            whole,
            format!("{expected} with its aspect ratio and borders to 320 x 240")
        );
        let last = |run: &Finetune, task: &dyn crate::task::Task| {
            let notes = run.preprocessing_notes(task).expect("they are carried");
            notes.last().cloned().unwrap_or_default()
        };
        assert_eq!(
            last(&run, &Classify::default()),
            format!("{expected} squashed to 320 x 240")
        );
        let square = Finetune::default();
        assert_eq!(
            last(&square, &Segment::default()),
            format!("{expected} with its aspect ratio and borders to a square")
        );
    }
}
