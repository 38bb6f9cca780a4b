//! What users call: every adapter as a method.
//!
//! Long because the documentation of an adapter stands on its method, with an example.

use crate::dataset::{Dataset, Stable};
use crate::error::Result;
use crate::exec::Context;
use crate::image::{CopyPaste, Image, ImageColumn, Mosaic, Paste, Quarters};
use crate::loader::LoaderBuilder;
use crate::mix::{Balance, BalanceSpec, Segments, SegmentsSpec, Target};
use crate::order::{Buckets, Lengths, Limit, Limited, Sampler, Select, Shuffle, SplitSpec};
use crate::plan::Plan;
use crate::rows::{
    AnyLabels, BoxFormat, Cast, ClassEncoded, Concat, Converted, CutMix, Draws, Fill, FillNull, Filter, Filtered,
    FlatObjects, Labels, Map, MapBatch, MixStage, MixUp, Mixed, MultiLabels, ObjectReader, Out, Project, Projected,
    Row, Rule, Stage, Transformed, Zip,
};
use crate::synthetic::Generator;
use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, SchemaRef};
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
    /// What lies in the picture is moved with it where the stage names it: boxes by [`Image::boxes`], keypoints by
    /// [`Image::keypoints`], masks by [`Image::mask`]. Other columns stay as they are stored. Where that leaves boxes behind that
    /// [`objects`](Self::objects) has made, columns of keypoints that are called so (`objects.keypoints`), or the masks `instances` of an import, `explain()` says so.
    /// A label field of boxes stays or goes with its box, and is not moved: keypoints are named with [`Image::keypoints`], too.
    ///
    /// # Errors
    ///
    /// `Schema` where the column is missing or holds no bytes; `Config` for parameters out of range, for boxes in another format than their
    /// column [says](crate::rows::BOX_FORMAT), and for operations [by class](crate::image::ByClass) where nothing below knows the class of a row, or
    /// none has the name of one that they are for.
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

    /// A closure over each row, for a user who writes no trait: `map` says which columns it reads and writes. A fixed output that it
    /// does not write is 0, a ragged one empty.
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

    /// Runs a stage that needs other rows besides each row's own, of this dataset or of
    /// [another one](crate::rows::Bound::other): its [partners](crate::rows::Partners).
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
    /// of classes is not known. Masks, boxes and keypoints that lie in the picture stay those of the row alone, which `explain()` says.
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

    /// Puts the pictures in `column` together with those of three other rows, and with them masks and boxes: see [`Mosaic`]. The tensors are
    /// those of an image stage, u8 or f32 of shape `[channels, height, width]`, and boxes are those that it left, `xyxy` in pixels.
    ///
    /// ```
    /// # use millstream::{Dataset, DatasetExt, Result, image::{Boxes, Image, Mosaic}, rows::BoxFormat};
    /// # fn train(rows: impl Dataset) -> Result<impl Dataset> {
    /// let boxes = Boxes::new("objects.bbox", BoxFormat::Xyxy).label_fields(&["objects.category"]).min_visibility(0.2);
    /// let images = rows.image("image", Image::new(320).horizontal_flip(0.5).boxes(boxes.clone()))?;
    /// images.mosaic("image", Mosaic::new().p(0.5).boxes(boxes))
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// `Schema` where a column is missing or holds something else; `Config` for parameters out of range, and where it would leave behind what the
    /// image stage has moved with the picture: boxes, their label fields, masks, keypoints (which a mosaic does not move); for lists beside the boxes that
    /// are no label fields (`objects.area` beside `objects.bbox`); and for label fields that have places in the picture of their own, which would not be moved:
    /// keypoints, a second column of boxes, a list of masks.
    fn mosaic(self, column: &str, mosaic: Mosaic) -> Result<Mixed<Self>> {
        self.mix_with(Quarters {
            column: column.to_owned(),
            mosaic,
        })
    }

    /// Pastes objects of other rows into the pictures in `column`, with their boxes: see [`CopyPaste`].
    ///
    /// ```
    /// # use millstream::{Dataset, DatasetExt, Result, image::{Boxes, CopyPaste, Image}, rows::BoxFormat};
    /// # fn train(rows: impl Dataset) -> Result<impl Dataset> {
    /// let boxes = Boxes::new("objects.bbox", BoxFormat::Xyxy).label_fields(&["objects.category"]);
    /// let images = rows.image("image", Image::new(320).horizontal_flip(0.5).boxes(boxes.clone()))?;
    /// images.copy_paste("image", CopyPaste::new(boxes).classes("objects.category", &[2]).p(0.5))
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`mosaic`](Self::mosaic); keypoints that the image stage has moved, and that are no label field of these boxes, stay those of the row alone, which
    /// `explain()` says.
    fn copy_paste(self, column: &str, copy_paste: CopyPaste) -> Result<Mixed<Self>> {
        self.mix_with(Paste {
            column: column.to_owned(),
            copy_paste,
            from: None,
        })
    }

    /// As [`copy_paste`](Self::copy_paste), of objects in rows of `from` in place of rows of the same batch: rows that have rare objects, say,
    /// after an image stage of the same size. Each row draws which of them gives it objects. Where each row of `from` has an object of the
    /// [classes](CopyPaste::classes) that are pasted, each gives one, if a place is found for it.
    ///
    /// # Errors
    ///
    /// As [`mosaic`](Self::mosaic); `Schema` where the pictures of `from` are of another shape.
    fn copy_paste_from(self, column: &str, copy_paste: CopyPaste, from: Arc<dyn Dataset>) -> Result<Mixed<Self>> {
        self.mix_with(Paste {
            column: column.to_owned(),
            copy_paste,
            from: Some(from),
        })
    }

    /// The last step: how batches are cut. The loader goes on for ever unless [`epochs`](LoaderBuilder::epochs) says otherwise.
    ///
    /// It takes the rows. An `Arc` of a dataset is a dataset, too: what is no `Clone` is wrapped to be used twice.
    ///
    /// ```
    /// # use millstream::{Context, DatasetExt, Result, Stable};
    /// # use std::sync::Arc;
    /// # fn twice(cx: &Context, rows: impl Stable) -> Result<()> {
    /// let rows = Arc::new(rows.shuffle());
    /// let (one, other) = (Arc::clone(&rows).loader(cx).seed(1), rows.loader(cx).seed(2));
    /// # Ok(())
    /// # }
    /// ```
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

    /// One part of a split of the rows, in every view: those for training, or those that are held out. At random, of each class, by
    /// group or by time: [`SplitSpec`] says which. The columns that it names are scanned once.
    ///
    /// Split stored rows first, and fit and balance on the training part alone. Synthetic rows are refused, because a synthetic row belongs where its parents
    /// are: one that was made of a training row would lie among those that are held out, and be recognised. What mixes them in has no
    /// fixed order, so this does not compile:
    ///
    /// ```compile_fail,E0277
    /// # use millstream::{Context, DatasetExt, Stable, mix::Target, order::SplitSpec};
    /// # async fn wrong(cx: &Context, rows: impl Stable) -> millstream::Result<()> {
    /// rows.balance(cx, "label", Target::Uniform).await?.split(cx, &SplitSpec::default()).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// ```
    /// use millstream::order::{Part, SplitSpec};
    /// use millstream::source::Parquet;
    /// use millstream::{Context, Dataset, DatasetExt, Result};
    ///
    /// # fn main() -> Result<()> {
    /// let cx = Context::new()?;
    /// let rows = cx.block_on(Parquet::open(&cx, "examples/data/fashion-mnist-train.parquet"))?;
    /// let train = SplitSpec { share: 0.2, seed: 7, label: Some("label".to_owned()), ..SplitSpec::default() };
    /// let valid = SplitSpec { part: Part::HeldOut, ..train.clone() };
    /// let train = cx.block_on(rows.clone().split(&cx, &train))?;
    /// let valid = cx.block_on(rows.clone().split(&cx, &valid))?;
    /// let all = [train.len(), valid.len(), rows.len()].map(|len| len.finite().unwrap_or(0));
    /// assert_eq!(all[0] + all[1], all[2]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`SplitSpec::rows`]; `Config` where no row is left.
    fn split(self, cx: &Context, split: &SplitSpec) -> impl Future<Output = Result<Select<Self>>> + Send
    where
        Self: Stable,
    {
        async move {
            let rows = split.rows(cx, &self).await?;
            Select::chosen(self, rows, Plan::of(split))
        }
    }

    /// The first `rows` rows, as `take` of Hugging Face's and TensorFlow's datasets; all where there are no more.
    ///
    /// ```
    /// # use millstream::{DatasetExt, Result, Stable, loader::Blocking, Context};
    /// # fn smoke_test(train: impl Stable, cx: &Context) -> Result<Blocking> {
    /// // A quick try of everything on little data.
    /// train.limit(100)?.shuffle().loader(cx).batch_size(10).blocking()
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// `Config` for 0 rows.
    fn limit(self, rows: u64) -> Result<Limited<Self>>
    where
        Self: Stable,
    {
        Limited::new(self, Limit::new(rows))
    }

    /// The rows for which `predicate` holds, in their order and in every view. The columns that it reads are scanned once, here;
    /// no other column is read.
    ///
    /// ```
    /// use arrow::array::{ArrayRef, Int64Array, RecordBatch};
    /// use millstream::dataset::Len;
    /// use millstream::rows::{DType, Filter, Read};
    /// use millstream::source::Memory;
    /// use millstream::{Context, Dataset, DatasetExt, Result};
    /// # use std::sync::Arc;
    ///
    /// # fn main() -> Result<()> {
    /// let len: ArrayRef = Arc::new(Int64Array::from(vec![3, 80, 12]));
    /// let rows = Memory::new(vec![RecordBatch::try_from_iter([("len", len)])?])?;
    /// let cx = Context::with(1, 1 << 20)?;
    /// let long = Filter::new("long").reads(Read::values("len", DType::I64));
    /// let rows = cx.block_on(rows.filter(&cx, long, |row| Ok(row.values::<i64>(0)?[0] > 10)))?;
    /// assert_eq!(rows.len().finite(), Some(2));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// `Schema` where a column is missing or of another type; `Config` where no row is left; what the predicate says of a row,
    /// with its place.
    fn filter<F>(
        self,
        cx: &Context,
        filter: Filter,
        predicate: F,
    ) -> impl Future<Output = Result<Filtered<Self>>> + Send
    where
        Self: Stable,
        F: Fn(&Row<'_>) -> Result<bool> + Send + Sync + 'static,
    {
        Filtered::scan(self, cx, filter, predicate)
    }

    /// The rows of this dataset, then those of `other`; [`Concat::new`] takes any number. Both need the same columns.
    ///
    /// ```
    /// use arrow::array::{ArrayRef, Int64Array, RecordBatch};
    /// use millstream::source::Memory;
    /// use millstream::{Dataset, DatasetExt, Result};
    /// # use std::sync::Arc;
    ///
    /// # fn main() -> Result<()> {
    /// let rows = |ids: Vec<i64>| -> Result<Memory> {
    ///     Memory::new(vec![RecordBatch::try_from_iter([("id", Arc::new(Int64Array::from(ids)) as ArrayRef)])?])
    /// };
    /// let all = rows(vec![1, 2])?.concat(rows(vec![3])?)?;
    /// assert_eq!(all.len().finite(), Some(3));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Concat::new`].
    fn concat(self, other: impl Stable) -> Result<Concat>
    where
        Self: Stable,
    {
        Concat::new(vec![Arc::new(self), Arc::new(other)])
    }

    /// The columns of `other` beside those of this dataset, row by row: labels from one file, features from another.
    ///
    /// ```
    /// # use millstream::{DatasetExt, Result, Stable};
    /// # fn both(pictures: impl Stable, features: impl Stable) -> Result<impl Stable> {
    /// // Both have a column "id".
    /// pictures.zip(features.project(&["embedding"])?)
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// `Schema` for a column that both have: leave it out of one with [`project`](Self::project); `Config` where the numbers of
    /// rows or views differ.
    fn zip<R: Stable>(self, other: R) -> Result<Zip<Self, R>>
    where
        Self: Stable,
    {
        Zip::new(self, other)
    }

    /// The columns `columns`, in that order.
    ///
    /// They are cut from rows that were read: [`Parquet::columns`](crate::source::Parquet::columns) reads no others in the first
    /// place, which is faster.
    ///
    /// ```
    /// use millstream::source::Parquet;
    /// use millstream::{Context, Dataset, DatasetExt, Result};
    ///
    /// # fn main() -> Result<()> {
    /// let cx = Context::new()?;
    /// let rows = cx.block_on(Parquet::open(&cx, "examples/data/fashion-mnist-train.parquet"))?;
    /// let labels = rows.project(&["label"])?;
    /// assert_eq!(labels.schema().fields().len(), 1);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// `Schema` where a column is missing; `Config` for none, and for one that is named twice.
    fn project(self, columns: &[&str]) -> Result<Projected<Self>> {
        Projected::new(self, Project::new(columns))
    }

    /// The values of `column` as `to`, exactly: a number, boolean or string that is not the same value there is an error, and
    /// only the fraction of a float is rounded to the nearest float. Strings become the numbers that they spell. Nulls stay.
    ///
    /// ```
    /// use arrow::array::{ArrayRef, AsArray, RecordBatch, StringArray};
    /// use arrow::datatypes::{DataType, Int32Type};
    /// use millstream::source::Memory;
    /// use millstream::{Context, Dataset, DatasetExt, Result};
    /// # use std::sync::Arc;
    ///
    /// # fn main() -> Result<()> {
    /// let age: ArrayRef = Arc::new(StringArray::from(vec!["31", "7"]));
    /// let rows = Memory::new(vec![RecordBatch::try_from_iter([("age", age)])?])?.cast("age", &DataType::Int32)?;
    /// let cx = Context::with(1, 1 << 20)?;
    /// let taken = cx.block_on(rows.take(&cx, &[0, 1]))?;
    /// assert_eq!(taken["age"].as_primitive::<Int32Type>().values(), &[31, 7]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// `Schema` where the column is missing or holds neither numbers, booleans nor strings; `Config` for another type. Taking a
    /// row: `Data` with the value and its row.
    fn cast(self, column: &str, to: &DataType) -> Result<Converted<Self>> {
        Converted::new(self, Cast::new(column, to))
    }

    /// A value in place of the nulls of `column`, as scikit-learn's `SimpleImputer`, fitted on the rows of this dataset:
    /// [`FillNull::fit`] with [`fill_null_with`](Self::fill_null_with). The column is not nullable any more.
    ///
    /// ```
    /// use arrow::array::{ArrayRef, AsArray, Float32Array, RecordBatch};
    /// use arrow::datatypes::Float32Type;
    /// use millstream::rows::{Fill, FillNull};
    /// use millstream::source::Memory;
    /// use millstream::{Context, Dataset, DatasetExt, Result};
    /// # use std::sync::Arc;
    ///
    /// # fn main() -> Result<()> {
    /// let rows = |ages: Vec<Option<f32>>| -> Result<Memory> {
    ///     Memory::new(vec![RecordBatch::try_from_iter([("age", Arc::new(Float32Array::from(ages)) as ArrayRef)])?])
    /// };
    /// let (train, valid) = (rows(vec![Some(20.0), None, Some(30.0)])?, rows(vec![Some(70.0), None])?);
    /// let cx = Context::with(1, 1 << 20)?;
    /// let fitted = cx.block_on(FillNull::fit(&cx, &train, "age", Fill::Median))?;
    /// let valid = valid.fill_null_with(&fitted)?; // with the median of the training rows
    /// let taken = cx.block_on(valid.take(&cx, &[0, 1]))?;
    /// assert_eq!(taken["age"].as_primitive::<Float32Type>().values(), &[70.0, 25.0]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`FillNull::fit`].
    fn fill_null(self, cx: &Context, column: &str, fill: Fill) -> impl Future<Output = Result<Converted<Self>>> + Send
    where
        Self: Stable,
    {
        async move {
            let fitted = FillNull::fit(cx, &self, column, fill).await?;
            self.fill_null_with(&fitted)
        }
    }

    /// A value that is known already in place of nulls: see [`fill_null`](Self::fill_null).
    ///
    /// # Errors
    ///
    /// `Schema` where the column is missing or of another type than numbers, booleans and strings; `Config` where the value does
    /// not go into it.
    fn fill_null_with(self, fill: &FillNull) -> Result<Converted<Self>> {
        Converted::new(self, fill.clone())
    }

    /// A closure over whole batches, for what Arrow's kernels or a model do to many rows at once; its rows have the columns of
    /// `schema`. Its name and [version](MapBatch::version) stand for it in plans.
    ///
    /// Each row must depend on itself alone, or rows would change with the batch size. The first batch of two rows or more is
    /// therefore run whole and in two halves, and a difference is refused.
    ///
    /// ```
    /// use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch};
    /// use arrow::datatypes::Int64Type;
    /// use millstream::source::Memory;
    /// use millstream::{Context, Dataset, DatasetExt, Result};
    /// # use std::sync::Arc;
    ///
    /// # fn main() -> Result<()> {
    /// let id: ArrayRef = Arc::new(Int64Array::from(vec![1, 2, 3]));
    /// let rows = Memory::new(vec![RecordBatch::try_from_iter([("id", id)])?])?;
    /// let schema = rows.schema();
    /// let tens = rows.map_batch("tens", schema, |rows| {
    ///     let ids = rows["id"].as_primitive::<Int64Type>().unary::<_, Int64Type>(|id| id * 10);
    ///     Ok(RecordBatch::try_new(rows.schema(), vec![Arc::new(ids)])?)
    /// });
    /// let cx = Context::with(1, 1 << 20)?;
    /// let taken = cx.block_on(tens.take(&cx, &[0, 2]))?;
    /// assert_eq!(taken["id"].as_primitive::<Int64Type>().values(), &[10, 30]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Taking rows: `Config` where halves of a batch give something else than the whole, and for another number of rows; `Schema`
    /// for other columns.
    fn map_batch<F>(self, name: &str, schema: SchemaRef, closure: F) -> MapBatch<Self>
    where
        F: Fn(RecordBatch) -> Result<RecordBatch> + Send + Sync + 'static,
    {
        MapBatch::new(self, name, schema, closure)
    }

    /// The label column as class numbers, under names that a scan of that column alone finds: `Int64`, or `List<Int64>` for a
    /// column of lists (multi-label), whose rows are sets then: ascending, a class that a list has twice comes once, and an empty
    /// list is a row without a class. So the classes of a row no longer stand in the order of other lists, such as its boxes.
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

    /// The objects in `column` (boxes with a class each, as Hugging Face's detection datasets store them) as columns of lists, one for
    /// each field: `objects.bbox`, lists of left, top, right and bottom (`f32`), `objects.category`, lists of class numbers
    /// with their names, and lists of every other number, such as `objects.area`. `boxes` says what the stored numbers mean: COCO's
    /// are [`BoxFormat::Xywh`]. Boxes without an area, or with a number that is not finite, are left out, and the plan says how many.
    ///
    /// Corners are in the unit that was stored: pixels, or shares of the picture's width and height where `boxes` is normalized. The column of boxes
    /// [says](crate::rows::BOX_FORMAT) which of the two it holds. An [`image`](Self::image) stage behind it moves the boxes only where it names that
    /// column with [`Image::boxes`].
    ///
    /// ```no_run
    /// use millstream::rows::BoxFormat;
    /// use millstream::source::Parquet;
    /// use millstream::{Context, DatasetExt, Result};
    ///
    /// # fn main() -> Result<()> {
    /// let cx = Context::new()?;
    /// let rows = cx.block_on(Parquet::open(&cx, "bccd-train.parquet"))?;
    /// let rows = cx.block_on(rows.objects(&cx, "objects", BoxFormat::Xywh))?;
    /// println!("{:?}: {:?}", rows.reader().names(), rows.reader().survey().objects_of_class);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`ObjectReader::scan`].
    fn objects(
        self,
        cx: &Context,
        column: &str,
        boxes: BoxFormat,
    ) -> impl Future<Output = Result<FlatObjects<Self>>> + Send
    where
        Self: Stable,
    {
        async move {
            let reader = ObjectReader::scan(cx, &self, column, boxes).await?;
            FlatObjects::new(self, reader)
        }
    }

    /// As [`objects`](Self::objects), by a reader that is there already: that of the same column, scanned with the classes of
    /// another dataset ([`ObjectReader::scan_as`]).
    ///
    /// # Errors
    ///
    /// `Schema` where the column is missing; `Config` where there are columns of the new names.
    fn objects_by(self, reader: ObjectReader) -> Result<FlatObjects<Self>> {
        FlatObjects::new(self, reader)
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
    /// The rows come in random order by themselves. A shuffle over a balance would undo the proportions in each batch: they would hold
    /// over an epoch alone, which `explain()` says.
    ///
    /// # Errors
    ///
    /// `Schema` for a column without classes and for one of lists: a row with several classes counts for each of them, so that
    /// their shares cannot be chosen freely; [`balance_rarest`](Self::balance_rarest) chooses those of the rarest. As [`classes`](Self::classes) and [`Target::shares`] for the rest.
    fn balance(self, cx: &Context, column: &str, target: Target) -> impl Future<Output = Result<Balance<Self>>> + Send
    where
        Self: Stable,
    {
        Balance::scan(cx, self, column, target)
    }

    /// As [`balance`](Self::balance), with all parameters at once: `generator` makes the synthetic rows, if the spec has a share
    /// of them.
    ///
    /// # Errors
    ///
    /// As [`balance`](Self::balance) and the methods of [`Balance`]; `Config` for a synthetic share without a generator.
    fn balance_with(
        self,
        cx: &Context,
        column: &str,
        spec: &BalanceSpec,
        generator: Option<Arc<dyn Generator>>,
    ) -> impl Future<Output = Result<Balance<Self>>> + Send
    where
        Self: Stable,
    {
        Balance::of(cx, self, column, spec, generator)
    }

    /// As [`balance_with`](Self::balance_with), by cells in place of the classes in `column`: each cell has the share that the target gives it, and the
    /// label of a row stays its class. [`BalanceSpec::by`] is the same for a key that a recipe can write; this takes labels that are known,
    /// such as those of a closure.
    ///
    /// ```
    /// use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
    /// use millstream::mix::BalanceSpec;
    /// use millstream::rows::{DType, Expression, Labels, Read};
    /// use millstream::source::Memory;
    /// use millstream::{Context, DatasetExt, Result};
    /// use std::sync::Arc;
    ///
    /// # fn main() -> Result<()> {
    /// // Of 100 rows 20 are dogs, of which 5 were seen at night, and so were 40 of the cats.
    /// let animal: ArrayRef = Arc::new(StringArray::from_iter_values((0..100).map(|row| if row < 20 { "dog" } else { "cat" })));
    /// let hour: ArrayRef = Arc::new(Int64Array::from_iter_values((0..100).map(|row| if (15..60).contains(&row) { 23 } else { 12 })));
    /// let rows = Memory::new(vec![RecordBatch::try_from_iter([("label", animal), ("hour", hour)])?])?;
    /// let cx = Context::new()?;
    /// let expression = Expression::new("time").reads(Read::values("hour", DType::I64));
    /// let time = Labels::compute(&cx, &rows, &expression, |row| {
    ///     Ok(if (7..20).contains(&row.values::<i64>(0)?[0]) { "day" } else { "night" })
    /// });
    /// let (animal, time) = (cx.block_on(Labels::scan(&cx, &rows, "label"))?, cx.block_on(time)?);
    /// let cells = Arc::new(Labels::product(&[&animal, &time])?);
    /// let rows = cx.block_on(rows.balance_cells(&cx, "label", &cells, &BalanceSpec::default()))?;
    /// let quotas: Vec<_> = rows.quotas().into_iter().map(|cell| (cell.name, cell.stored, cell.rows)).collect();
    /// assert_eq!(quotas[1], ("cat / night".to_owned(), 40, 25));
    /// assert_eq!(quotas[3], ("dog / night".to_owned(), 5, 25));
    /// assert_eq!(rows.loader(&cx).class_prior(0)?.counts(), [50.0, 50.0]); // by class
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`balance_with`](Self::balance_with); `Config` where there is not one cell for each row, and for synthetic rows, which
    /// [`fill`](Balance::fill) adds where a generator was [fitted by](crate::synthetic::ByCell) these cells.
    fn balance_cells(
        self,
        cx: &Context,
        column: &str,
        cells: &Arc<Labels>,
        spec: &BalanceSpec,
    ) -> impl Future<Output = Result<Balance<Self>>> + Send
    where
        Self: Stable,
    {
        Balance::by_cells(cx, self, column, Arc::clone(cells), spec, None)
    }

    /// As [`balance_cells`](Self::balance_cells), of rows without a class: regression targets, say, by bins of the number. The cell of a row is the
    /// new column `cell`, and the class in its provenance; all other columns stay.
    ///
    /// ```
    /// use arrow::array::{ArrayRef, Float32Array, RecordBatch};
    /// use millstream::mix::BalanceSpec;
    /// use millstream::rows::Key;
    /// use millstream::source::Memory;
    /// use millstream::{Context, DatasetExt, Result};
    /// # use std::sync::Arc;
    ///
    /// # fn main() -> Result<()> {
    /// // Nine prices in ten are below 10.
    /// let price: ArrayRef = Arc::new(Float32Array::from_iter_values((0..100).map(|row| if row % 10 == 0 { 50.0 } else { 5.0 })));
    /// let rows = Memory::new(vec![RecordBatch::try_from_iter([("price", price)])?])?;
    /// let cx = Context::new()?;
    /// let bins = cx.block_on(Key::bins("price", &[10.0, 100.0]).scan(&cx, &rows))?;
    /// assert_eq!(bins.names(), ["< 10", "10 to 100", ">= 100"]);
    /// let rows = rows.balance_cells_alone(&cx, &bins, &BalanceSpec::default())?;
    /// assert_eq!(rows.quotas().iter().map(|bin| bin.rows).collect::<Vec<_>>(), [50, 50, 0]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`balance_cells`](Self::balance_cells); `Schema` where there is a column `cell` already.
    fn balance_cells_alone(self, cx: &Context, cells: &Labels, spec: &BalanceSpec) -> Result<Balance<Self>>
    where
        Self: Stable,
    {
        Balance::by_cells_alone(cx, self, cells, spec, None)
    }

    /// As [`balance`](Self::balance), of rows with several classes: pictures with the objects in them, or texts with tags. A row
    /// counts for the rarest of its classes ([`MultiLabels::rarest`]), and rows without a class for a class of their own. `column` holds lists
    /// and stays as it is; the class that a row counts for is the new column `rarest_class`, and the class of the row's provenance.
    ///
    /// With [`Target::RepeatFactor`] it is the sampling of LVIS, without its chance: a row that is due 2.5 times an epoch comes five times
    /// in two.
    ///
    /// ```
    /// use arrow::array::{ArrayRef, ListArray, RecordBatch};
    /// use arrow::datatypes::Int32Type;
    /// use millstream::mix::Target;
    /// use millstream::source::Memory;
    /// use millstream::{Context, Dataset, DatasetExt, Result};
    /// # use std::sync::Arc;
    ///
    /// # fn main() -> Result<()> {
    /// // Of 100 pictures all have cars (class 0) and four have buses (class 1), too.
    /// let classes = (0..100).map(|row| Some(if row % 25 == 0 { vec![Some(0), Some(1)] } else { vec![Some(0)] }));
    /// let classes: ArrayRef = Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>(classes));
    /// let rows = Memory::new(vec![RecordBatch::try_from_iter([("objects", classes)])?])?;
    /// let cx = Context::new()?;
    /// // sqrt(0.25 / 0.04) = 2.5 times each picture with a bus.
    /// let rows = cx.block_on(rows.balance_rarest(&cx, "objects", Target::RepeatFactor(0.25)))?;
    /// assert_eq!(rows.len().finite(), Some(96 + 10));
    /// assert_eq!(rows.quotas()[1].rows, 10);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`MultiLabels::scan`] and [`Target::shares`]; `Schema` where there is a column `rarest_class`
    /// already.
    fn balance_rarest(
        self,
        cx: &Context,
        column: &str,
        target: Target,
    ) -> impl Future<Output = Result<Balance<Self>>> + Send
    where
        Self: Stable,
    {
        async move {
            let labels = MultiLabels::scan(cx, &self, column).await?;
            let spec = BalanceSpec {
                target,
                ..BalanceSpec::default()
            };
            Balance::rarest(cx, self, &labels, &spec, None)
        }
    }

    /// As [`balance_rarest`](Self::balance_rarest), with classes that are known already, and all parameters at once: `generator` makes the
    /// synthetic rows, if the spec has a share of them.
    ///
    /// # Errors
    ///
    /// `Config` where there is not one list of classes for each row; as [`balance_rarest`](Self::balance_rarest) and
    /// [`balance_with`](Self::balance_with) for the rest.
    fn balance_rarest_with(
        self,
        cx: &Context,
        labels: &MultiLabels,
        spec: &BalanceSpec,
        generator: Option<Arc<dyn Generator>>,
    ) -> Result<Balance<Self>>
    where
        Self: Stable,
    {
        Balance::rarest(cx, self, labels, spec, generator)
    }

    /// Rows with several classes, boxes or tags, with the rarest of each ([`MultiLabels::rarest`]) as a column of its own, `rarest_class`, and as
    /// the class of the row's provenance: what [`balance_rarest`](Self::balance_rarest) adds, in the order of the rows. Operations by class
    /// ([`ByClass`](crate::image::ByClass)) go by it. `column` holds lists, and stays as it is.
    ///
    /// ```
    /// use millstream::image::{ByClass, Classes, Image, Rotate};
    /// use millstream::rows::MultiLabels;
    /// # use millstream::{Context, DatasetExt, Result, Stable};
    ///
    /// # async fn turned(cx: &Context, rows: impl Stable) -> Result<()> {
    /// let labels = MultiLabels::scan(cx, &rows, "objects.category").await?;
    /// // Pictures with an object of a class that fewer than 200 pictures have are turned further.
    /// let image = Image::new(224)
    ///     .with(ByClass::fewer_than(200, Rotate::new(20.0)).otherwise(Rotate::new(5.0)))
    ///     .classes(Classes::of_rarest(&labels));
    /// let rows = rows.rarest_class(&labels)?.image("image", image)?;
    /// # drop(rows);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// `Config` where there is not one list of classes for each row; `Schema` where there is a column `rarest_class` already.
    fn rarest_class(self, labels: &MultiLabels) -> Result<ClassEncoded<Self>>
    where
        Self: Stable,
    {
        ClassEncoded::appended(self, labels.rarest().into())
    }

    /// Rows that come once and in order, in segments each of which has exact class proportions, without a scan of the labels: of an endless stream,
    /// or of one that is read while it is written.
    ///
    /// ```
    /// use arrow::array::{ArrayRef, RecordBatch, StringArray};
    /// use millstream::mix::SegmentsSpec;
    /// use millstream::source::Memory;
    /// use millstream::{Context, DatasetExt, Result};
    /// # use std::sync::Arc;
    ///
    /// # fn main() -> Result<()> {
    /// # let label: ArrayRef = Arc::new(StringArray::from_iter_values((0..1000).map(|row| if row % 10 == 0 { "dog" } else { "cat" })));
    /// # let stream = Memory::new(vec![RecordBatch::try_from_iter([("label", label)])?])?;
    /// let cx = Context::new()?;
    /// // Of every 100 rows, ten dogs and ten of the 90 cats.
    /// let spec = SegmentsSpec {
    ///     rows: 100,
    ///     emit: Some(20),
    ///     classes: ["cat", "dog"].map(str::to_owned).to_vec(),
    ///     ..SegmentsSpec::default()
    /// };
    /// let batch = stream.segments(&spec)?.loader(&cx).batch_size(20).blocking()?.next().unwrap()?;
    /// assert_eq!(batch.provenance().iter().filter(|row| row.class == Some(1)).count(), 10);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`SegmentsSpec`] says of its fields; `Schema` where the column is missing or holds no class a row; `Config` where the classes are not known.
    fn segments(self, spec: &SegmentsSpec) -> Result<Segments<Self>> {
        Segments::new(self, spec)
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
