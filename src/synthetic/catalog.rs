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

/// Specs whose generator is fitted by a function of context, rows, labels and spec, and which columns they read.
macro_rules! fitted {
    ($($spec:ident => $fit:path, $reads:expr;)*) => {$(
        impl GeneratorSpec for $spec {
            fn fit<'a>(
                &'a self,
                cx: &'a Context,
                rows: Arc<dyn Stable>,
                labels: &'a Arc<Labels>,
            ) -> BoxFuture<'a, Result<Arc<dyn Generator>>> {
                Box::pin(async move {
                    let generator = $fit(cx, rows, labels, self.clone()).await?;
                    Ok(Arc::new(generator) as Arc<dyn Generator>)
                })
            }

            fn reads(&self) -> Vec<String> {
                $reads(self)
            }
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

fitted! {
    SmoteSpec => Smote::new, |spec: &Self| either(&spec.column, &spec.columns);
    SmoteNcSpec => SmoteNc::fit, |spec: &Self| [&*spec.columns, &*spec.categorical_features].concat();
    BorderlineSmoteSpec => BorderlineSmote::fit, |spec: &Self| either(&spec.column, &spec.columns);
    AdasynSpec => Adasyn::fit, |spec: &Self| either(&spec.column, &spec.columns);
    JitterSpec => Jitter::fit, |spec: &Self| either(&spec.column, &spec.columns);
    CalibratedSpec => Calibrated::fit, |spec: &Self| vec![spec.column.clone()];
    ResidualsSpec => Residuals::fit, |spec: &Self| vec![spec.column.clone()];
    ScenesSpec => Scenes::open, |spec: &Self| vec![spec.column.clone()];
}

impl GeneratorSpec for BlendSpec {
    fn fit<'a>(
        &'a self,
        _: &'a Context,
        rows: Arc<dyn Stable>,
        labels: &'a Arc<Labels>,
    ) -> BoxFuture<'a, Result<Arc<dyn Generator>>> {
        Box::pin(async move {
            let blend = Blend::new(rows, labels, &self.column, self.elastic.clone())?;
            Ok(Arc::new(blend) as Arc<dyn Generator>)
        })
    }

    fn reads(&self) -> Vec<String> {
        vec![self.column.clone()]
    }
}

impl GeneratorSpec for BankSpec {
    fn fit<'a>(
        &'a self,
        cx: &'a Context,
        rows: Arc<dyn Stable>,
        labels: &'a Arc<Labels>,
    ) -> BoxFuture<'a, Result<Arc<dyn Generator>>> {
        Box::pin(async move {
            let bank = Bank::open(cx, self, &rows, labels).await?;
            Ok(Arc::new(bank) as Arc<dyn Generator>)
        })
    }
}

impl GeneratorSpec for CopulaSpec {
    fn fit<'a>(
        &'a self,
        cx: &'a Context,
        rows: Arc<dyn Stable>,
        labels: &'a Arc<Labels>,
    ) -> BoxFuture<'a, Result<Arc<dyn Generator>>> {
        Box::pin(async move {
            let copula = Copula::fit(cx, rows, labels, self).await?;
            Ok(Arc::new(copula) as Arc<dyn Generator>)
        })
    }
}

impl GeneratorSpec for TableSpec {
    fn fit<'a>(
        &'a self,
        _: &'a Context,
        rows: Arc<dyn Stable>,
        labels: &'a Arc<Labels>,
    ) -> BoxFuture<'a, Result<Arc<dyn Generator>>> {
        Box::pin(async move {
            let simulated = SimulatedRows::new(self.clone(), &rows, labels)?;
            Ok(Arc::new(simulated) as Arc<dyn Generator>)
        })
    }
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
