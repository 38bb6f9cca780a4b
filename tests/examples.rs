//! The examples that a reader starts from, run.
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
