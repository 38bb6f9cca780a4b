//! What `explain()` says of resamples where operations inside of others change values as well as move pixels.

use millstream::image::{
    Affine, AugMix, AutoAugment, ByClass, Gamma, Identity, Image, OneOf, Operation, Padding, RandAugment, RandomApply,
    RandomOrder, Rotate, Sequential, SomeOf, TrivialAugmentWide,
};

/// The lines on resamples.
fn said_of(image: &Image) -> Vec<String> {
    let plan = image.plan().to_string();
    let lines = plan.lines();
    let lines = lines.filter_map(|line| line.find("one resample").map(|at| line[at..].to_owned()));
    lines.collect()
}

fn crop() -> Image {
    Image::new(24).random_resized_crop(0.5..=1.0, 1.0..=1.0)
}

fn gamma() -> Gamma {
    Gamma::new(0.5..=2.0)
}

fn affine() -> Affine {
    Affine::new(40.0)
}

/// The one line of an operation, behind which nothing else moves.
fn of(operation: impl Operation) -> String {
    let said = said_of(&crop().with(operation));
    assert_eq!(said.len(), 1, "{said:?}");
    said.concat()
}

fn once(name: &str) -> String {
    format!("one resample for random_resized_crop, {name}")
}

fn again(name: &str) -> String {
    format!(
        "{}; motions of {name} behind a change of values in it are resampled again",
        once(name)
    )
}

#[test]
fn motions_behind_a_change_inside_of_the_same_operation_are_resampled_again() {
    let both = || (gamma(), affine());
    assert_eq!(of(SomeOf::new(2..=2, both())), again("some_of"));
    assert_eq!(of(SomeOf::new(1..=2, both())), again("some_of"));
    assert_eq!(of(RandomOrder::new(both())), again("random_order"));
    assert_eq!(of(RandomApply::new(0.5, both())), again("random_apply"));
    assert_eq!(of(ByClass::new(["a"], both())), again("by_class"));
    assert_eq!(of(OneOf::new(Sequential::new(both()))), again("one_of"));
    // In another order, or alone, they are not.
    let other = || (affine(), gamma());
    assert_eq!(of(SomeOf::new(1..=1, both())), once("some_of"));
    assert_eq!(of(SomeOf::new(2..=2, other())), once("some_of"));
    assert_eq!(of(SomeOf::new(2..=2, other()).random_order(true)), again("some_of"));
    assert_eq!(of(OneOf::new(both())), once("one_of"));
    assert_eq!(of(RandomApply::new(0.5, other())), once("random_apply"));
    assert_eq!(of(ByClass::new(["a"], gamma()).otherwise(affine())), once("by_class"));
}

#[test]
fn policies_move_and_change() {
    assert_eq!(of(RandAugment::new()), again("rand_augment"));
    assert_eq!(of(RandAugment::new().num_ops(1)), once("rand_augment"));
    assert_eq!(of(AutoAugment::new()), again("auto_augment"));
    assert_eq!(of(TrivialAugmentWide::new()), once("trivial_augment_wide"));
    assert!(said_of(&crop().with(RandAugment::new().num_ops(0))).is_empty());
    // What it mixes is moved inside of a change of values.
    assert!(said_of(&crop().with(AugMix::new())).is_empty());
}

#[test]
fn what_follows_is_said_with_what_may_come_between() {
    let behind = |name: &str, changed: &str| {
        format!("one resample for {name} where {changed} changes values before, else together with the one above")
    };
    let one = OneOf::new((gamma(), affine()));
    assert_eq!(
        said_of(&crop().with(one).rotate(5.0).horizontal_flip(0.5)),
        [once("one_of"), behind("rotate, horizontal_flip", "one_of")]
    );
    let two = crop().gaussian_blur(0.1..=1.0).with(gamma()).rotate(5.0);
    assert_eq!(
        said_of(&two),
        [
            "one resample for random_resized_crop".to_owned(),
            behind("rotate", "gaussian_blur or gamma")
        ]
    );
    // All of a sequence come as they stand.
    assert_eq!(
        said_of(&crop().with(Sequential::new((affine(), gamma(), affine())))),
        [
            once("sequential.affine"),
            behind("sequential.affine#2", "sequential.gamma")
        ]
    );
    // Nothing changes nothing.
    let nothing = OneOf::new((Identity::new(), affine()));
    assert_eq!(said_of(&crop().with(nothing).rotate(5.0)), [once("one_of, rotate")]);
}

#[test]
fn motions_that_show_something_else_beyond_are_said_to_be_apart() {
    let of = |padding: Padding| {
        let moved = affine().padding_mode(Padding::Reflect);
        let image = crop().with(moved).one_of(Rotate::new(5.0).padding_mode(padding));
        image.plan().to_string().contains("(padding_mode) are resampled apart")
    };
    assert!(of(Padding::Edge) && !of(Padding::Reflect));
}
