//! Sources by name: those of this crate, and how one of a user's own is made one of them.

use super::burn::BurnSpec;
use super::folder::{Folder, FolderSpec};
use super::listing::{Listing, ListingSpec};
use super::memory::MemorySpec;
use super::parquet::{Parquet, ParquetSpec};
use super::table::{Table, TableSpec};
use crate::dataset::Stable;
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::spec::{Catalog, Describe, Kind, Spec, read};
use futures::future::BoxFuture;
use std::fmt;
use std::sync::Arc;

/// A [`Spec`] that opens a source: `{ parquet = { path = "data", split = "train" } }`.
///
/// For sources of one's own see [`Registry::source`](crate::registry::Registry::source).
pub trait SourceSpec: Describe + fmt::Debug + Send + Sync + 'static {
    /// Opens the source.
    ///
    /// # Errors
    ///
    /// Those of the source: `Config` for parameters that make no sense together, `Io` and `Data` for files.
    fn open<'a>(&'a self, cx: &'a Context) -> BoxFuture<'a, Result<Arc<dyn Stable>>>;
}

/// The sources of this crate, by name.
///
/// What a program has in memory is known by its name, and opening it says that it lies in no file.
pub fn sources() -> Catalog<dyn SourceSpec> {
    Catalog::new("source")
        .source::<ParquetSpec>()
        .source::<FolderSpec>()
        .source::<ListingSpec>()
        .source::<MemorySpec>()
        .source::<BurnSpec>()
        .source::<TableSpec>()
}

impl Kind for dyn SourceSpec {
    fn catalog() -> Catalog<Self> {
        sources()
    }
}

impl Catalog<dyn SourceSpec> {
    /// With the source `S`, one of a user's own.
    #[must_use]
    pub fn source<S: SourceSpec + Spec>(self) -> Self {
        self.with::<S>(|from| Ok(Box::new(read::<S, _>(from)?)))
    }
}

impl SourceSpec for ParquetSpec {
    fn open<'a>(&'a self, cx: &'a Context) -> BoxFuture<'a, Result<Arc<dyn Stable>>> {
        Box::pin(async move { Ok(Arc::new(Parquet::open_spec(cx, self).await?) as Arc<dyn Stable>) })
    }
}

impl SourceSpec for FolderSpec {
    fn open<'a>(&'a self, cx: &'a Context) -> BoxFuture<'a, Result<Arc<dyn Stable>>> {
        Box::pin(async move { Ok(Arc::new(Folder::open_spec(cx, self).await?) as Arc<dyn Stable>) })
    }
}

impl SourceSpec for ListingSpec {
    fn open<'a>(&'a self, cx: &'a Context) -> BoxFuture<'a, Result<Arc<dyn Stable>>> {
        Box::pin(async move { Ok(Arc::new(Listing::open_spec(cx, self).await?) as Arc<dyn Stable>) })
    }
}

impl SourceSpec for MemorySpec {
    fn open<'a>(&'a self, _: &'a Context) -> BoxFuture<'a, Result<Arc<dyn Stable>>> {
        let why = "memory: these rows are in the memory of a program, so nothing else can open them: register a source that makes them";
        Box::pin(async move { Err(Error::config(why)) })
    }
}

impl SourceSpec for BurnSpec {
    fn open<'a>(&'a self, _: &'a Context) -> BoxFuture<'a, Result<Arc<dyn Stable>>> {
        Box::pin(async move {
            Err(Error::config(format!(
                "burn: the dataset {:?} is an object of a program, so nothing else can open it: register a source that makes it",
                self.dataset
            )))
        })
    }
}

impl SourceSpec for TableSpec {
    fn open<'a>(&'a self, _: &'a Context) -> BoxFuture<'a, Result<Arc<dyn Stable>>> {
        Box::pin(async move { Ok(Arc::new(Table::new(self)?) as Arc<dyn Stable>) })
    }
}
