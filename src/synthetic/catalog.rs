//! Generators by name: those of this crate, and how one of a user's own is made one of them.

use super::Generator;
use super::bank::{Bank, BankSpec};
use super::generator_fn::GeneratorFnSpec;
use super::interpolate::{
    Adasyn, AdasynSpec, Blend, BlendSpec, BorderlineSmote, BorderlineSmoteSpec, Jitter, JitterSpec, Smote, SmoteNc,
    SmoteNcSpec, SmoteSpec,
};
use super::rules::{Scenes, ScenesSpec, SimulatedRows};
use super::statistical::{Copula, CopulaSpec};
use super::transfer::{Calibrated, CalibratedSpec, Residuals, ResidualsSpec};
use crate::dataset::Stable;
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::rows::Labels;
use crate::source::TableSpec;
use crate::spec::{Catalog, Describe, Kind, Spec, read};
use futures::future::BoxFuture;
use std::fmt;
use std::sync::Arc;

/// A [`Spec`] that makes a [`Generator`] of training rows: `{ smote = { column = "features", k = 5 } }`.
pub trait GeneratorSpec: Describe + fmt::Debug + Send + Sync + 'static {
    /// The generator, fitted on `rows`, which are training rows alone, and their `labels`.
    ///
    /// # Errors
    ///
    /// Those of the generator: `Schema` for a column of another type, `Config` for parameters out of range.
    fn fit<'a>(
        &'a self,
        cx: &'a Context,
        rows: Arc<dyn Stable>,
        labels: &'a Arc<Labels>,
    ) -> BoxFuture<'a, Result<Arc<dyn Generator>>>;

    /// The columns that it names, by which a run refuses one before anything is computed. Defaults to none, which is refused by [`fit`](Self::fit) alone.
    fn reads(&self) -> Vec<String> {
        Vec::new()
    }

    /// Whether it makes pictures, of the first of the columns that it [reads](Self::reads): where its rows are written to a file, it is fitted on these columns and the label, else on
    /// all columns of a table. Defaults to a table.
    fn makes_pictures(&self) -> bool {
        false
    }
}

/// The generators of this crate, by name.
pub fn generators() -> Catalog<dyn GeneratorSpec> {
    Catalog::new("generator")
        .generator::<SmoteSpec>()
        .generator::<SmoteNcSpec>()
        .generator::<BorderlineSmoteSpec>()
        .generator::<AdasynSpec>()
        .generator::<JitterSpec>()
        .generator::<CalibratedSpec>()
        .generator::<ResidualsSpec>()
        .generator::<BlendSpec>()
        .generator::<ScenesSpec>()
        .generator::<BankSpec>()
        .generator::<GeneratorFnSpec>()
        .generator::<CopulaSpec>()
        .generator::<TableSpec>()
}

impl Kind for dyn GeneratorSpec {
    fn catalog() -> Catalog<Self> {
        generators()
    }
}

impl Catalog<dyn GeneratorSpec> {
    /// With the generator `G`, one of a user's own.
    #[must_use]
    pub fn generator<G: GeneratorSpec + Spec>(self) -> Self {
        self.with::<G>(|from| Ok(Box::new(read::<G, _>(from)?)))
    }
}

/// Specs, what their generator is for context, rows, labels and spec, which columns they read, and whether they make pictures.
macro_rules! fitted {
    ($($of:ident => |$cx:ident, $rows:ident, $labels:ident, $spec:ident| $fit:expr, $reads:expr $(, pictures: $pictures:literal)?;)*) => {$(
        impl GeneratorSpec for $of {
            fn fit<'a>(
                &'a self,
                $cx: &'a Context,
                $rows: Arc<dyn Stable>,
                $labels: &'a Arc<Labels>,
            ) -> BoxFuture<'a, Result<Arc<dyn Generator>>> {
                Box::pin(async move {
                    let $spec = self;
                    let generator = $fit?;
                    Ok(Arc::new(generator) as Arc<dyn Generator>)
                })
            }

            fn reads(&self) -> Vec<String> {
                let of: fn(&Self) -> Vec<String> = $reads;
                of(self)
            }

            $(
                fn makes_pictures(&self) -> bool {
                    $pictures
                }
            )?
        }
    )*};
}

/// `columns`, or `column` where there are none.
fn either(column: &str, columns: &[String]) -> Vec<String> {
    match columns {
        [] => vec![column.to_owned()],
        columns => columns.to_vec(),
    }
}

/// Nothing that is named.
fn none<S>(_: &S) -> Vec<String> {
    Vec::new()
}

fitted! {
    SmoteSpec => |cx, rows, labels, spec| Smote::fit(cx, rows, labels, spec.clone()).await, |spec| either(&spec.column, &spec.columns);
    SmoteNcSpec => |cx, rows, labels, spec| SmoteNc::fit(cx, rows, labels, spec.clone()).await,
        |spec| [&*spec.columns, &*spec.categorical_features].concat();
    BorderlineSmoteSpec => |cx, rows, labels, spec| BorderlineSmote::fit(cx, rows, labels, spec.clone()).await,
        |spec| either(&spec.column, &spec.columns);
    AdasynSpec => |cx, rows, labels, spec| Adasyn::fit(cx, rows, labels, spec.clone()).await, |spec| either(&spec.column, &spec.columns);
    JitterSpec => |cx, rows, labels, spec| Jitter::fit(cx, rows, labels, spec.clone()).await, |spec| either(&spec.column, &spec.columns);
    CalibratedSpec => |cx, rows, labels, spec| Calibrated::fit(cx, rows, labels, spec.clone()).await, |spec| vec![spec.column.clone()];
    ResidualsSpec => |cx, rows, labels, spec| Residuals::fit(cx, rows, labels, spec.clone()).await, |spec| vec![spec.column.clone()];
    ScenesSpec => |cx, rows, labels, spec| Scenes::open(cx, rows, labels, spec.clone()).await,
        |spec| [spec.column.clone()].into_iter().chain(spec.mask.clone()).collect(), pictures: true;
    BlendSpec => |_cx, rows, labels, spec| Blend::new(rows, labels, spec.clone()), |spec| vec![spec.column.clone()], pictures: true;
    BankSpec => |cx, rows, labels, spec| Bank::open(cx, spec, &rows, labels).await, none;
    CopulaSpec => |cx, rows, labels, spec| Copula::fit(cx, rows, labels, spec.clone()).await, none;
    TableSpec => |_cx, rows, labels, spec| SimulatedRows::new(&rows, labels, spec.clone()), |spec| spec.columns.keys().cloned().collect();
}

impl GeneratorSpec for GeneratorFnSpec {
    fn fit<'a>(
        &'a self,
        _: &'a Context,
        _: Arc<dyn Stable>,
        _: &'a Arc<Labels>,
    ) -> BoxFuture<'a, Result<Arc<dyn Generator>>> {
        Box::pin(async move {
            Err(Error::config(format!(
                "function: {:?} is a closure of a program, so nothing else can run it: register a generator that does the same",
                self.name
            )))
        })
    }
}
