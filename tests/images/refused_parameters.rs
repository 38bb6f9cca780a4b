//! Parameters that cannot be meant: the message says which of them it is, and what it has to be.

use millstream::image::{Brightness, Image, IouCrop, Keypoints, Mosaic, Pad, RandomCrop, Resize};
use millstream::spec::Spec;

fn refused(image: &Image, part: &str) {
    let error = image.check().unwrap_err().to_string();
    assert!(error.contains(part), "{error}");
}

#[test]
fn a_mean_and_a_deviation_are_told_apart() {
    refused(
        &Image::new(8).normalize([f32::NAN; 3], [1.0; 3]),
        "mean is [NaN, NaN, NaN], but its numbers have to be finite",
    );
    refused(
        &Image::new(8).normalize([0.0; 3], [0.0; 3]),
        "std is [0.0, 0.0, 0.0], but its numbers have to be finite and above 0",
    );
}

#[test]
fn ends_and_infinity_are_named() {
    let error = Mosaic::new().center(0.0..=1.0).check().unwrap_err().to_string();
    assert!(
        error.contains("center is 0.0..=1.0, but has to be a range above 0 and below 1"),
        "{error}"
    );
    let error = Brightness::new(f32::INFINITY).check().unwrap_err().to_string();
    assert!(
        error.contains("factor is inf, but has to be a finite number of at least 0"),
        "{error}"
    );
}

#[test]
fn whole_numbers_are_printed_as_they_are_given() {
    let said = |checked: millstream::Result<()>| checked.unwrap_err().to_string();
    let most = u32::MAX;
    assert_eq!(
        said(Pad::new([0, most, 0, 0]).check()),
        "padding is 4294967295, but has to lie in 0..=8192"
    );
    assert_eq!(
        said(RandomCrop::new().padding(most).check()),
        "padding is 4294967295, but has to lie in 0..=8192"
    );
    assert_eq!(
        said(RandomCrop::new().size([8, most]).check()),
        "size is 4294967295, but has to lie in 1..=8192"
    );
    assert_eq!(
        said(Resize::new([most, 8]).check()),
        "size is 4294967295, but has to lie in 1..=8192"
    );
}

#[test]
fn parts_of_a_crop_have_an_end() {
    let crop = IouCrop {
        trials: 4_000_000_000,
        ..IouCrop::default()
    };
    refused(
        &Image::new(8).random_iou_crop(crop),
        "trials is 4000000000, but has to lie in 1..=1000",
    );
}

#[test]
fn a_pair_in_a_mirror_is_of_two_and_stands_alone() {
    let points = |pairs: &[[usize; 2]]| Image::new(8).keypoints(Keypoints::new("points").mirror_pairs(pairs));
    refused(&points(&[[0, 0]]), "mirror_pairs: the pairs [[0, 0]] name 0 twice");
    refused(&points(&[[0, 1], [1, 2]]), "name 1 twice");
    assert!(points(&[[0, 1], [2, 3]]).check().is_ok());
    let labels = |pairs: &[[i64; 2]]| Image::new(8).mask("mask").mirror_labels("mask", pairs);
    refused(
        &labels(&[[4, 4]]),
        "mirror_labels: \"mask\": the pairs [[4, 4]] name 4 twice",
    );
    refused(&labels(&[[4, 5]]).mirror_labels("mask", &[[5, 6]]), "name 5 twice");
    assert!(labels(&[[4, 5], [6, 7]]).check().is_ok());
}
