//! Adapters by name: those that need nothing but their parameters and the rows below.

use crate::dataset::Stable;
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::ext::DatasetExt;
use crate::order::{Limit, Limited, SplitSpec};
use crate::rows::{
    CachedSpec, Cast, ClassesSpec, Converted, FillNull, Filter, Map, MapBatchSpec, ObjectsSpec, Project, Projected,
};
use crate::spec::{Catalog, Describe, Kind, Spec, read};
use futures::future::BoxFuture;
use std::fmt;
use std::sync::Arc;

/// A [`Spec`] that puts an adapter over a dataset with a fixed order: `{ limit = { rows = 100 } }`.
///
/// ```
/// use millstream::registry::{Registry, adapters};
/// use millstream::source::sources;
/// use millstream::{Context, Dataset, Result};
///
/// # fn main() -> Result<()> {
/// let cx = Context::new()?;
/// let file = r#"{ "parquet": { "path": "examples/data/fashion-mnist-train.parquet" } }"#;
/// let (source, limit) = (sources().read_json(file)?, adapters().read_json(r#"{ "limit": { "rows": 100 } }"#)?);
/// let rows = cx.block_on(async { limit.over(&cx, source.open(&cx).await?).await })?;
/// assert_eq!(rows.len().finite(), Some(100));
/// # Ok(())
/// # }
/// ```
pub trait AdapterSpec: Describe + fmt::Debug + Send + Sync + 'static {
    /// The adapter over `rows`.
    ///
    /// # Errors
    ///
    /// Those of the adapter: `Schema` for a column that is missing or of another type, `Config` for parameters that do not fit.
    fn over<'a>(&'a self, cx: &'a Context, rows: Arc<dyn Stable>) -> BoxFuture<'a, Result<Arc<dyn Stable>>>;
}

/// The adapters of this crate that keep an order fixed, by name.
///
/// Closures are known by their kind, and say that a recipe cannot hold them.
pub fn adapters() -> Catalog<dyn AdapterSpec> {
    Catalog::new("adapter")
        .adapter::<Limit>()
        .adapter::<SplitSpec>()
        .adapter::<Project>()
        .adapter::<Cast>()
        .adapter::<FillNull>()
        .adapter::<ClassesSpec>()
        .adapter::<ObjectsSpec>()
        .adapter::<Filter>()
        .adapter::<Map>()
        .adapter::<MapBatchSpec>()
        .adapter::<CachedSpec>()
}

impl Kind for dyn AdapterSpec {
    fn catalog() -> Catalog<Self> {
        adapters()
    }
}

impl Catalog<dyn AdapterSpec> {
    /// With the adapter `A`, one of a user's own.
    #[must_use]
    pub fn adapter<A: AdapterSpec + Spec>(self) -> Self {
        self.with::<A>(|from| Ok(Box::new(read::<A, _>(from)?)))
    }
}

/// Adapters whose constructors look at nothing but the columns, and those that read.
macro_rules! over {
    ($($spec:ty: |$self:ident, $cx:ident, $rows:ident| $made:expr;)*) => {$(
        impl AdapterSpec for $spec {
            fn over<'a>(&'a $self, $cx: &'a Context, $rows: Arc<dyn Stable>) -> BoxFuture<'a, Result<Arc<dyn Stable>>> {
                Box::pin(async move { Ok(Arc::new($made?) as Arc<dyn Stable>) })
            }
        }
    )*};
}

over! {
    Limit: |self, _cx, rows| Limited::new(rows, self.clone());
    SplitSpec: |self, cx, rows| rows.split(cx, self).await;
    Project: |self, _cx, rows| Projected::new(rows, self.clone());
    Cast: |self, _cx, rows| Converted::new(rows, self.clone());
    FillNull: |self, _cx, rows| Converted::new(rows, self.clone());
    ClassesSpec: |self, cx, rows| rows.classes(cx, &self.column).await;
    ObjectsSpec: |self, cx, rows| rows.objects(cx, &self.column, self.boxes).await;
}

/// Adapters that need a closure, which cannot be written down.
macro_rules! closures {
    ($($spec:ty),*) => {$(
        impl AdapterSpec for $spec {
            fn over<'a>(&'a self, _: &'a Context, _: Arc<dyn Stable>) -> BoxFuture<'a, Result<Arc<dyn Stable>>> {
                let fields = self.description().fields;
                let name = fields.into_iter().find(|field| field.name == "name").map(|field| field.value);
                Box::pin(async move {
                    Err(Error::config(format!(
                        "{}: {} is a closure of a program, and a recipe holds its name alone: register an adapter of that name",
                        <$spec>::NAME,
                        name.unwrap_or_default()
                    )))
                })
            }
        }
    )*};
}

closures!(Filter, Map, MapBatchSpec, CachedSpec);
