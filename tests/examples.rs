//! The examples that a reader starts from, run; and the README's and the crate's documentation, which show the same one.
#![allow(missing_docs, reason = "tests")]

use millstream::Result;

macro_rules! run {
    ($($(#[$if:meta])* $name:ident $path:literal;)*) => {$(
        $(#[$if])*
        #[path = $path]
        mod $name;

        $(#[$if])*
        #[test]
        fn $name() -> Result<()> {
            $name::main()
        }
    )*};
}

run! {
    image_and_mask "../examples/image_and_mask.rs";
    #[cfg(feature = "train")]
    multi_hot "../examples/multi_hot.rs";
    own_operation "../examples/own_operation.rs";
    #[cfg(feature = "train")]
    own_recipe "../examples/own_recipe.rs";
    own_source "../examples/own_source.rs";
    #[cfg(feature = "train")]
    own_task "../examples/own_task.rs";
    #[cfg(feature = "train")]
    regression "../examples/regression.rs";
    two_images "../examples/two_images.rs";
}

/// Both run it as a doctest.
#[test]
fn the_example_is_the_same_in_both() {
    let readme = include_str!("../README.md");
    let start = readme.find("```rust\n").expect("an example") + 8;
    let shown = &readme[start..start + readme[start..].find("```").expect("its end")];
    let docs = include_str!("../src/lib.rs").lines();
    let docs = docs.map(|line| line.trim_start_matches("//!").strip_prefix(' ').unwrap_or(""));
    let docs: Vec<&str> = docs.filter(|line| !line.starts_with('#')).collect();
    assert!(docs.join("\n").contains(shown.trim_end()), "they differ");
}
