//! What users call: every adapter as a method.

use crate::dataset::{Dataset, Stable};
use crate::error::Result;
use crate::exec::Context;
use crate::image::{Image, ImageColumn};
use crate::loader::LoaderBuilder;
use crate::mix::{Balance, Target};
use crate::order::{Buckets, Lengths, Sampler, Select, Shuffle};
use crate::rows::{
    AnyLabels, ClassEncoded, CutMix, Draws, Map, MixStage, MixUp, Mixed, Out, Row, Rule, Stage, Transformed,
};
use std::sync::Arc;

/// The adapters, as methods of every dataset.
pub trait DatasetExt: Dataset + Sized {
    /// Rows in a random order: blocks are permuted, then rows inside a window of 16 blocks.
    fn shuffle(self) -> Shuffle<Self> {
        self.shuffle_window(Shuffle::<Self>::WINDOW)
    }

    /// As [`shuffle`](Self::shuffle), with `window` blocks open at once: a larger one mixes better and holds more bytes.
    fn shuffle_window(self, window: usize) -> Shuffle<Self> {
        Shuffle::new(self, window)
    }

    /// Decodes, augments and normalises the encoded images in `column`, in one pass, into an f32 tensor column of shape
    /// `[3, size, size]`.
    ///
    /// # Errors
    ///
    /// `Schema` where the column is missing or holds no bytes; `Config` for parameters out of range.
    fn image(self, column: &str, image: Image) -> Result<Transformed<Self>> {
        self.stage(ImageColumn::new(column, image))
    }

    /// Runs a stage over each row: its outputs take the place of the columns of their names, all others stay.
    ///
    /// # Errors
    ///
    /// What the stage says when it looks at the columns; `Config` for one that needs other rows besides its own.
    fn stage(self, stage: impl Stage) -> Result<Transformed<Self>> {
        Transformed::new(self, Arc::new(stage))
    }

    /// A closure over each row, for a user who writes no trait: `map` says which columns it reads and writes.
    ///
    /// ```
    /// use arrow::array::{ArrayRef, AsArray, Float32Array, RecordBatch};
    /// use arrow::datatypes::Float32Type;
    /// use millstream::rows::{DType, Map, Output, Read};
    /// use millstream::source::Memory;
    /// use millstream::{Context, Dataset, DatasetExt, Result};
    /// # use std::sync::Arc;
    ///
    /// # fn main() -> Result<()> {
    /// let x: ArrayRef = Arc::new(Float32Array::from(vec![1.0, 2.0]));
    /// let rows = Memory::new(vec![RecordBatch::try_from_iter([("x", x)])?])?;
    /// let map = Map::new("squares")
    ///     .reads(Read::values("x", DType::F32))
    ///     .writes(Output::fixed("powers", DType::F32, [2]));
    /// let rows = rows.map(map, |row, _, out| {
    ///     let x = row.values::<f32>(0)?[0];
    ///     out.fixed::<f32>(0).copy_from_slice(&[x, x * x]);
    ///     Ok(())
    /// })?;
    /// let cx = Context::with(1, 1 << 20)?;
    /// let second = cx.block_on(rows.take(&cx, &[1]))?["powers"].as_fixed_size_list().value(0);
    /// assert_eq!(second.as_primitive::<Float32Type>().values(), &[2.0, 4.0]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// `Schema` where a column is missing or of another type.
    fn map<F>(self, map: Map, closure: F) -> Result<Transformed<Self>>
    where
        F: Fn(&Row<'_>, Draws<'_>, &mut Out<'_>) -> Result<()> + Send + Sync + 'static,
    {
        self.stage(map.with(closure))
    }

    /// Runs a stage that needs other rows of this dataset besides each row's own: its [partners](crate::rows::Partners).
    ///
    /// # Errors
    ///
    /// As [`stage`](Self::stage); `Config` for one that needs none.
    fn mix_with(self, stage: impl Stage) -> Result<Mixed<Self>> {
        Mixed::new(self, Arc::new(stage))
    }

    /// Blends the tensors in `column` with those of other rows and makes the labels in `label` soft: f32 class
    /// probabilities of shape `[classes]` ([`tensor::floats::<2>`](crate::sink::tensor::floats) makes `[batch, classes]` of
    /// a batch). `label` holds class numbers, as [`classes`](Self::classes) and [`balance`](Self::balance) make them, or
    /// probabilities already.
    ///
    /// Which rows are blended, with which others and by how much follows from the position: partners come from the same
    /// aligned window of 64 positions, each row is the partner of one other. Best the last stage before the loader.
    ///
    /// ```
    /// use arrow::array::{Array, AsArray};
    /// use arrow::datatypes::Float32Type;
    /// use millstream::image::Image;
    /// use millstream::source::Parquet;
    /// use millstream::synthetic::MixUp;
    /// use millstream::{Context, DatasetExt, Result};
    ///
    /// fn main() -> Result<()> {
    ///     let cx = Context::new()?;
    ///     let rows = cx.block_on(Parquet::open(&cx, "examples/data/fashion-mnist-train.parquet"))?;
    ///     let rows = cx.block_on(rows.classes(&cx, "label"))?;
    ///     let images = rows.shuffle().image("image", Image::new(32))?;
    ///     let mixed = images.mixup("image", "label", MixUp::new(0.2))?;
    ///     let batch = mixed.loader(&cx).batch_size(64).blocking()?.next().unwrap()?;
    ///     let first = batch.rows()["label"].as_fixed_size_list().value(0);
    ///     let shares = first.as_primitive::<Float32Type>().values();
    ///     assert_eq!(shares.len(), 10);
    ///     assert!((shares.iter().sum::<f32>() - 1.0).abs() < 1e-6);
    ///     Ok(())
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// `Schema` where a column is missing or holds something else; `Config` for parameters out of range, and where the number
    /// of classes is not known.
    fn mixup(self, column: &str, label: &str, mixup: MixUp) -> Result<Mixed<Self>> {
        self.mix_with(MixStage {
            column: column.to_owned(),
            label: label.to_owned(),
            rule: Rule::MixUp(mixup),
        })
    }

    /// As [`mixup`](Self::mixup), but a box of the partner is pasted into the row, whose tensor has the shape
    /// `[.., height, width]`, and the label is blended by the area.
    ///
    /// ```
    /// # use millstream::{Dataset, DatasetExt, Result, image::Image, synthetic::CutMix};
    /// # fn mixed(rows: impl Dataset) -> Result<impl Dataset> {
    /// let images = rows.image("image", Image::new(224))?;
    /// images.cutmix("image", "label", CutMix::new(1.0).p(0.5))
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`mixup`](Self::mixup); `Schema` also for tensors of fewer than two dimensions.
    fn cutmix(self, column: &str, label: &str, cutmix: CutMix) -> Result<Mixed<Self>> {
        self.mix_with(MixStage {
            column: column.to_owned(),
            label: label.to_owned(),
            rule: Rule::CutMix(cutmix),
        })
    }

    /// The last step: how batches are cut.
    fn loader(self, cx: &Context) -> LoaderBuilder {
        LoaderBuilder::new(Arc::new(self), cx)
    }

    /// The rows `rows`, in that order, in every view.
    ///
    /// Needs a dataset with a fixed order, so this does not compile:
    ///
    /// ```compile_fail
    /// # use millstream::{Dataset, DatasetExt, Stable};
    /// fn wrong(rows: impl Stable) {
    ///     rows.shuffle().select(vec![0]);
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// `Config` for no rows, and for a row that there is not.
    fn select(self, rows: Vec<u64>) -> Result<Select<Self>>
    where
        Self: Stable,
    {
        Select::new(self, rows)
    }

    /// The label column as class numbers, under names that a scan of that column alone finds: `Int64`, or `List<Int64>` for a
    /// column of lists (multi-label), whose rows are sets then: ascending, a class that a list has twice comes once, and an empty
    /// list is a row without a class.
    ///
    /// ```
    /// use arrow::array::{ArrayRef, AsArray, ListBuilder, RecordBatch, StringBuilder};
    /// use arrow::datatypes::Int64Type;
    /// use millstream::source::Memory;
    /// use millstream::{Context, Dataset, DatasetExt, Result};
    /// use std::sync::Arc;
    ///
    /// let mut tags = ListBuilder::new(StringBuilder::new());
    /// for row in [vec!["sea", "sky"], vec![], vec!["sky"]] {
    ///     tags.append_value(row.into_iter().map(Some));
    /// }
    /// let tags: ArrayRef = Arc::new(tags.finish());
    /// let rows = Memory::new(vec![RecordBatch::try_from_iter([("tags", tags)])?])?;
    /// let cx = Context::with(2, 1 << 20)?;
    /// let rows = cx.block_on(rows.classes(&cx, "tags"))?;
    /// assert_eq!(rows.labels().names(), ["sea", "sky"]);
    /// assert_eq!(rows.labels().counts(), [1, 2]);
    /// let taken = cx.block_on(rows.take(&cx, &[0]))?;
    /// let first = taken["tags"].as_list::<i32>().value(0);
    /// assert_eq!(first.as_primitive::<Int64Type>().values(), &[0, 1]);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `Schema` for a column that holds no classes: numbers (regression targets) are used as they are; `Data` for a null and for a
    /// label outside the class names, with its place.
    fn classes(self, cx: &Context, column: &str) -> impl Future<Output = Result<ClassEncoded<Self>>> + Send
    where
        Self: Stable,
    {
        async move {
            let labels = AnyLabels::scan(cx, &self, column).await?;
            ClassEncoded::new(self, labels)
        }
    }

    /// The label column as class numbers under labels that are known already: [`Labels`](crate::rows::Labels),
    /// [`MultiLabels`](crate::rows::MultiLabels) or [`AnyLabels`].
    ///
    /// # Errors
    ///
    /// `Config` where there is not one label for each row.
    fn with_labels(self, labels: impl Into<AnyLabels>) -> Result<ClassEncoded<Self>>
    where
        Self: Stable,
    {
        ClassEncoded::new(self, labels.into())
    }

    /// Rows in exact class proportions. Scans the label column alone, so the counts are known before training.
    ///
    /// # Errors
    ///
    /// `Schema` for a column without classes and for one of lists: a row with several classes counts for each of them, so that
    /// their shares cannot be chosen freely. As [`classes`](Self::classes) and [`Target::shares`] for the rest.
    fn balance(self, cx: &Context, column: &str, target: Target) -> impl Future<Output = Result<Balance<Self>>> + Send
    where
        Self: Stable,
    {
        Balance::scan(cx, self, column, target)
    }

    /// Batches of `batch_size` rows of like length, so that little of them is padding. The lengths are those of `column`, which is
    /// scanned once ([`Lengths::scan`]). Stands right above a shuffle, a balance or a dataset with a fixed order, and below the stages;
    /// give the loader the same batch size.
    ///
    /// ```
    /// use arrow::array::{ArrayRef, ListArray, RecordBatch};
    /// use arrow::datatypes::Int32Type;
    /// use millstream::source::Memory;
    /// use millstream::{Context, DatasetExt, Result};
    /// # use std::sync::Arc;
    ///
    /// # fn main() -> Result<()> {
    /// let cx = Context::new()?;
    /// let tokens = (0..1000).map(|row| Some(vec![Some(row); 1 + row as usize * 7 % 90]));
    /// let tokens: ArrayRef = Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>(tokens));
    /// let rows = Memory::new(vec![RecordBatch::try_from_iter([("tokens", tokens)])?])?;
    /// let rows = cx.block_on(rows.shuffle().buckets(&cx, "tokens", 20))?;
    /// let (here, below) = rows.padding(&cx, 0);
    /// assert!(here < 0.02 && below > 0.4, "{here} {below}");
    /// let loader = rows.loader(&cx).batch_size(20).blocking()?;
    /// # drop(loader);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Lengths::scan`] and [`Buckets::new`].
    fn buckets(self, cx: &Context, column: &str, batch_size: u64) -> impl Future<Output = Result<Buckets<Self>>> + Send
    where
        Self: Sampler,
    {
        async move {
            let lengths = Lengths::scan(cx, self.base(), column).await?;
            Buckets::new(self, lengths, batch_size)
        }
    }
}

impl<D: Dataset> DatasetExt for D {}
