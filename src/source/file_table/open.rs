//! How tables of files are opened: the file system is looked through on a thread that may wait, the table is made on the pool.

use crate::error::{Error, Result};
use crate::exec::{Context, waiting};
use crate::source::place::Place;
use crate::source::split::Wanted;
use crate::spec::Spec;
use std::sync::Arc;

/// The parameters of a source whose rows are a table of files.
pub(in crate::source) trait TableSpec: Spec + Clone + Send + Sync + 'static {
    /// The source.
    type Source: Send + 'static;
    /// What is found before the table is made.
    type Found: Send + 'static;

    /// The paths that are opened.
    fn paths(&self) -> &[String];

    /// Finds the rows of `wanted` in `places`, which are the [paths](Self::paths); `most` bytes may be kept of them. Blocks on the file
    /// system.
    fn find(&self, places: &[Place], wanted: &Wanted, most: u64) -> Result<Self::Found>;

    /// The source of what was found, with the columns that are asked for.
    fn source(self, found: Self::Found, most: u64) -> Result<Self::Source>;
}

/// Opens what `spec` says, of the split `wanted`.
pub(in crate::source) async fn open<S: TableSpec>(cx: &Context, spec: &S, wanted: Wanted) -> Result<S::Source> {
    spec.check()?;
    let paths = spec.paths().to_vec();
    let places = waiting(move || Place::find_all(&paths)).await??;
    open_places(cx, spec, places.into(), wanted).await
}

/// As [`open`], where it is known already what lies at the paths.
pub(in crate::source) async fn open_places<S: TableSpec>(
    cx: &Context,
    spec: &S,
    places: Arc<[Place]>,
    wanted: Wanted,
) -> Result<S::Source> {
    spec.check()?;
    let (own, most) = (spec.clone(), cx.rows_share());
    let find = move || Ok::<_, Error>((own.find(&places, &wanted, most)?, own));
    let (found, spec) = waiting(find).await??;
    cx.compute(move || spec.source(found, most)).await
}
