//! Millstream is a streaming data loader for [Burn](https://burn.dev). It wraps a dataset (Parquet first) in layers that
//! shuffle, balance the classes, decode, augment and mix in synthetic rows, and hands batches of tensors to a trainer.
//! A row depends on the pipeline, the seed and its own position, on nothing else: the same seed gives the same rows for any
//! number of threads, and a run resumes from one integer.
//!
#![cfg_attr(feature = "train", doc = "```")]
#![cfg_attr(not(feature = "train"), doc = "```ignore (needs a backend)")]
//! # #![allow(unused_variables)]
//! use burn::tensor::Device;
//! use millstream::image::Image;
//! use millstream::mix::Target;
//! use millstream::sink::tensor;
//! use millstream::source::Parquet;
//! use millstream::{Context, DatasetExt, Result};
//!
//! fn main() -> Result<()> {
//!     let (cx, device) = (Context::new()?, Device::flex());
//!     let rows = cx.block_on(Parquet::open(&cx, "examples/data/fashion-mnist-train.parquet"))?;
//!     let rows = cx.block_on(rows.balance(&cx, "label", Target::Uniform))?;
//!     let augmented = Image::new(64).random_resized_crop(0.5..=1.0, 0.8..=1.25).horizontal_flip(0.5);
//!     let loader = rows.image("image", augmented)?.loader(&cx).batch_size(64).seed(7);
//!     println!("{}", loader.explain());
//!     for batch in loader.epochs(1).blocking()? {
//!         let batch = batch?;
//!         let images = tensor::floats::<4>(batch.rows(), "image", &device)?; // [64, 3, 64, 64]
//!         let labels = tensor::ints(batch.rows(), "label", &device)?; // [64]
//! #       assert_eq!(images.dims()[1..], [3, 64, 64]);
//!         let cursor = batch.cursor(); // `loader.resume(&cursor)` goes on after this batch
//!         let text = cursor.to_string(); // under 1 kB of JSON, for a file of your own; `text.parse::<Cursor>()?` is the cursor again
//! #       assert_eq!(cursor.position(), batch.positions()[labels.dims()[0] - 1] + 1);
//!     }
//!     Ok(())
//! }
//! ```
//!
//! `examples/train.rs` is a whole program around such a loader, with Burn's `SupervisedTraining`. Positions go down a
//! pipeline, rows come up, and only the [`Loader`] remembers anything:
//!
//! ```text
//!  trainer <- Loader { cursor }      prepares takes, spawns them, yields them in order, each batch with its cursor
//!               |  prepare([positions])       ^ rows
//!             image stage                     |  f(row, rng(seed, stage, position))
//!             balance or shuffle              |  position -> row; balance: position -> (class, which of its rows)
//!               v                             |
//!             Parquet                         |  row -> row group; bytes on tokio, decode on a CPU pool
//! ```
//!
//! # Where to look
//!
//! | module | what is there |
//! |---|---|
//! | [`dataset`] | [`Dataset`], the one trait, and its law; [`Stable`], for what has the same rows in every epoch; [`Prepared`] rows |
//! | [`DatasetExt`] | the adapters as methods of every dataset: start here |
//! | [`source`] | Parquet files, folders and lists of pictures, batches in memory, any Burn dataset, one-pass streams |
//! | [`order`] | shuffle, select, splits (random, stratified, by group, by time), batches of rows of like length |
//! | [`mix`] | balance: exact class quotas; mixes of datasets in exact proportion |
//! | [`rows`] | labels and classes, stages and closures over rows, pinned views, cached rows |
//! | [`image`] | decode, crop, resize, augment, normalise in one pass a row, and masks with it; operations of your own |
//! | [`synthetic`] | generators that fill what a class lacks: SMOTE, SMOTE-NC, Borderline-SMOTE and ADASYN on columns and features, transfer between classes, blended and deformed images; MixUp, CutMix |
//! | [`loader`] | batch size, depth, epochs, the last batch, ranks, resume; batches with their provenance |
//! | [`cursor`] | a place in a run, as JSON |
//! | [`sink`] | columns as tensors: dense, padded, ragged, multi-hot, in the type that is asked for; a `DataLoader` for Burn's trainer |
//! | [`arrow`], [`burn`] | the crates whose types are in the API, as this crate was built with them |
//! | `model` (feature `train`) | backbones (EfficientNet-Lite0, ResNet, MobileNetV3, ConvNeXt, ViT), their weights, freezing, devices by name |
//! | `train` (feature `train`) | the training loop, checkpoints, resume, a feature cache, losses that know the class prior, the choice of a balance |
//! | `generative` (feature `train`) | networks that make rows: VAE and GAN for pictures, TVAE and CTGAN for tables |
//! | `task` (feature `train`) | tasks (classification, multi-label, regression, your own), fine-tuning, predictions, replay |
//! | `ablation` (feature `train`) | ways to deal with rare classes side by side, under several seeds, with paired tests |
//! | [`import`] | any source written once as Parquet that is read fast, with smaller pictures if asked for |
//! | [`inspect`] | what lies in files, and what is wrong with it |
//! | [`report`] | confusion, recalls, COCO's figures, segmentation, tables, JSON, pictures |
//! | [`boxes`] | overlap of boxes, non-maximum suppression |
//! | [`quote`] | names as people can read them |
//! | [`exec`] | threads and the byte budget |
//! | [`rng`] | every random draw |
//! | [`spec`] | the parameters of a node: built, printed, hashed and written down from one struct |
//! | [`registry`] | operations, sources, generators and adapters by name, yours among them, for what is read from JSON and the like |
//! | [`plan`] | what `explain()` prints and the fingerprint hashes |
//! | `testing` (feature `testing`) | the law suite and damaged files, for sources and adapters of your own |
//!
//! # Two stacks
//!
//! Where the image stage stands decides how often the backbone runs. With `n` training rows and `E` epochs, **images flow**
//! through it in every epoch, `E n` forward passes, and each pass sees a row augmented anew:
//!
//! ```text
//! Parquet -> balance -> image                      -> loader -> backbone -> head
//! ```
//!
//! A *frozen* backbone gives the same features for the same picture, so they need computing once. [`views`] pins the
//! augmentation: each row as it is and in `V - 1` augmented draws. The backbone runs `V n` times in all, and balance
//! stands above the features:
//!
//! ```text
//! Parquet -> image -> views(V) -> backbone, cached -> balance -> loader -> head
//! ```
//!
//! The demo has `n` = 1,242, `V` = 4 and `E` = 40: 4,968 forward passes in place of 49,680. The price is variety: the
//! head sees 4 pictures of each row, not 40. As soon as a stage of the backbone trains, its features are stale and
//! images have to flow again. Where `V` is not below `E`, the second stack gains nothing.
//!
//! The compiler keeps the order sound. Balance needs a [`Stable`] dataset, which an image stage without `views` is not:
//!
//! ```compile_fail
//! # use millstream::{Context, DatasetExt, Stable, image::Image, mix::Target};
//! # async fn wrong(cx: &Context, rows: impl Stable) -> millstream::Result<()> {
//! rows.image("image", Image::new(64))?.balance(cx, "label", Target::Uniform).await?;
//! # Ok(())
//! # }
//! ```
//!
//! # What it does not do
//!
//! - Media other than images: there is no stage for text or audio. A [`rows::Stage`] of your own, or a closure over rows
//!   ([`DatasetExt::map`]), reads any columns of bytes, strings and numbers and writes others.
//! - Data elsewhere than on local disk. No URL is parsed.
//! - Find all damage in a JPEG: a file that was cut is an error, but damage inside the compressed data decodes to wrong
//!   pixels, as it does in libjpeg.
//!
//! # Features
//!
//! `cli` (default) builds the `millstream` program and needs `train`: fine-tuning on Burn's pure-Rust CPU backend. `wgpu` and `cuda`
//! add other devices. `weights`, which `cli` needs, puts the weights of EfficientNet-Lite0 (9 MB) into whatever is built. `testing` (default) has no dependencies. Without default features the library has no Burn backend.
//!
//! [`views`]: rows::Transformed::views

#[cfg(feature = "train")]
pub mod ablation;
pub mod boxes;
mod columns;
pub mod cursor;
pub mod dataset;
pub mod error;
pub mod exec;
mod ext;
mod forward;
#[cfg(feature = "train")]
pub mod generative;
pub mod image;
pub mod import;
pub mod inspect;
pub mod loader;
pub mod mix;
#[cfg(feature = "train")]
pub mod model;
pub mod order;
pub mod plan;
mod prepared;
pub mod quote;
pub mod registry;
pub mod report;
pub mod rng;
pub mod rows;
pub mod sink;
pub mod source;
pub mod spec;
pub mod speed;
mod stored_rows;
pub mod synthetic;
#[cfg(feature = "train")]
pub mod task;
#[cfg(feature = "testing")]
pub mod testing;
#[cfg(feature = "train")]
pub mod train;

/// Arrow, whose record batches are the rows of this crate. A program that uses it from here has no version of its own to keep equal.
pub use arrow;
/// Burn, whose tensors, devices and data loaders the [`sink`]s make: `millstream::burn::tensor::{Device, Tensor, Int, Bool}` and
/// `millstream::burn::data::dataloader::DataLoader` are the very types. A crate that derives `Module` or `Config` still depends on `burn`
/// by itself, and on the same version, since what the derives write names it.
pub use burn;
pub use cursor::Cursor;
pub use dataset::{Dataset, Stable};
pub use error::{Error, Result};
pub use exec::Context;
pub use ext::DatasetExt;
pub use loader::{Batch, Loader};
pub use prepared::{Prepared, Priority};

/// The example in the README, run as a test.
#[cfg(all(doctest, feature = "train"))]
#[doc = include_str!("../README.md")]
struct Readme;

/// The code in the guides, run as tests.
#[cfg(all(doctest, feature = "testing"))]
mod guides {
    #[doc = include_str!("../docs/guides/balance.md")]
    mod balance {}
    #[doc = include_str!("../docs/guides/split.md")]
    mod split {}
    #[cfg(feature = "train")]
    #[doc = include_str!("../docs/guides/detection.md")]
    mod detection {}
    #[doc = include_str!("../docs/guides/add-an-adapter.md")]
    struct Adapter;
    #[doc = include_str!("../docs/guides/add-an-operation.md")]
    struct Operation;
    #[doc = include_str!("../docs/guides/compose-operations.md")]
    struct Composition;
    #[doc = include_str!("../docs/guides/add-a-source.md")]
    struct Source;
    #[doc = include_str!("../docs/guides/add-a-generator.md")]
    struct Generator;
    #[cfg(feature = "train")]
    #[doc = include_str!("../docs/guides/add-a-backbone.md")]
    struct Backbone;
    #[cfg(feature = "train")]
    #[doc = include_str!("../docs/guides/add-a-task.md")]
    struct Task;
}
