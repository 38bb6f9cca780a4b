//! Generators by name: those of this crate, and how one of a user's own is made one of them.

use super::Generator;
use super::bank::{Bank, BankSpec};
use super::generator_fn::GeneratorFnSpec;
use super::interpolate::{Blend, BlendSpec, Smote, SmoteSpec};
use super::rules::{Scenes, ScenesSpec, SimulatedRows};
use super::statistical::{Copula, CopulaSpec};
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
}

/// The generators of this crate, by name.
pub fn generators() -> Catalog<dyn GeneratorSpec> {
    Catalog::new("generator")
        .generator::<SmoteSpec>()
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

impl GeneratorSpec for SmoteSpec {
    fn fit<'a>(
        &'a self,
        cx: &'a Context,
        rows: Arc<dyn Stable>,
        labels: &'a Arc<Labels>,
    ) -> BoxFuture<'a, Result<Arc<dyn Generator>>> {
        Box::pin(async move {
            Spec::check(self)?;
            let largest = self.largest.unwrap_or(u64::MAX);
            let smote = Smote::fit(cx, rows, labels, &self.column, self.k, largest).await?;
            Ok(Arc::new(smote) as Arc<dyn Generator>)
        })
    }
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
}

impl GeneratorSpec for ScenesSpec {
    fn fit<'a>(
        &'a self,
        cx: &'a Context,
        rows: Arc<dyn Stable>,
        labels: &'a Arc<Labels>,
    ) -> BoxFuture<'a, Result<Arc<dyn Generator>>> {
        Box::pin(async move {
            let scenes = Scenes::open(cx, rows, labels, self.clone()).await?;
            Ok(Arc::new(scenes) as Arc<dyn Generator>)
        })
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
