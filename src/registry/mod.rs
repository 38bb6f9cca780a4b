//! The kinds that recipes name: those of this crate, and those of a program of the user's own.

mod adapters;

pub use adapters::{AdapterSpec, adapters};

#[cfg(feature = "train")]
use crate::generative::learned_generators;
use crate::image::{Operation, operations};
use crate::source::{SourceSpec, sources};
use crate::spec::{Catalog, Spec, reading_with};
use crate::synthetic::learned::LearnedSpec;
#[cfg(not(feature = "train"))]
use crate::synthetic::learned::learned_generators;
use crate::synthetic::{GeneratorSpec, generators};
#[cfg(feature = "train")]
use crate::task::{Task, catalog};

/// Which operations, sources, generators, learnt generators and adapters there are under which name; with the feature `train`, which tasks as
/// well.
///
/// What is read [with](Self::reading) it may name all of them; elsewhere those of this crate alone are known.
///
/// ```
/// use millstream::image::{Drawn, Image, Operation, Subject};
/// use millstream::registry::Registry;
/// use millstream::rng::Rng;
/// use millstream::spec::Spec;
/// use serde::{Deserialize, Serialize};
///
/// /// Turns the picture grey.
/// #[derive(Clone, Debug, Default, Serialize, Deserialize)]
/// #[serde(default, deny_unknown_fields)]
/// struct Grey {
///     strength: f32,
/// }
/// impl Spec for Grey {
///     const NAME: &'static str = "grey";
/// }
/// impl Operation for Grey {
///     fn draw(&self, _: &Subject, _: &mut Rng) -> Drawn {
///         Drawn::Nothing
///     }
/// }
///
/// let text = r#"{ "size": 64, "operations": [{ "rotate": { "degrees": 10 } }, { "grey": { "strength": 0.5 } }] }"#;
/// let registry = Registry::new().operation::<Grey>();
/// let image: Image = registry.reading(|| serde_json::from_str(text))?;
/// let same = Image::new(64).rotate(10.0).with(Grey { strength: 0.5 });
/// assert_eq!(image.plan().fingerprint(), same.plan().fingerprint());
/// let error = serde_json::from_str::<Image>(text).unwrap_err().to_string();
/// assert!(error.starts_with("unknown operation \"grey\""), "{error}");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Registry {
    operations: Catalog<dyn Operation>,
    sources: Catalog<dyn SourceSpec>,
    generators: Catalog<dyn GeneratorSpec>,
    adapters: Catalog<dyn AdapterSpec>,
    learned: Catalog<dyn LearnedSpec>,
    #[cfg(feature = "train")]
    tasks: Catalog<dyn Task>,
}

impl Registry {
    /// What this crate has.
    pub fn new() -> Self {
        Self {
            operations: operations(),
            sources: sources(),
            generators: generators(),
            adapters: adapters(),
            learned: learned_generators(),
            #[cfg(feature = "train")]
            tasks: catalog::tasks(),
        }
    }

    /// With an operation of one's own. As in all kinds, its [`NAME`](Spec::NAME) must not be that of another one: what has it is
    /// refused when it is read, because fingerprints could not tell the two apart.
    #[must_use]
    pub fn operation<O: Operation + Spec>(mut self) -> Self {
        self.operations = self.operations.operation::<O>();
        self
    }

    /// With a source of one's own.
    #[must_use]
    pub fn source<S: SourceSpec + Spec>(mut self) -> Self {
        self.sources = self.sources.source::<S>();
        self
    }

    /// With a generator of one's own.
    #[must_use]
    pub fn generator<G: GeneratorSpec + Spec>(mut self) -> Self {
        self.generators = self.generators.generator::<G>();
        self
    }

    /// With a learnt generator of one's own: [`LearnedModel::load`](crate::synthetic::learned::LearnedModel::load) reads what was fitted with it.
    #[must_use]
    pub fn learned<G: LearnedSpec + Spec>(mut self) -> Self {
        self.learned = self.learned.learned::<G>();
        self
    }

    /// With an adapter of one's own.
    #[must_use]
    pub fn adapter<A: AdapterSpec + Spec>(mut self) -> Self {
        self.adapters = self.adapters.adapter::<A>();
        self
    }

    /// With a task of one's own.
    #[cfg(feature = "train")]
    #[must_use]
    pub fn task<T: Task + Spec>(mut self) -> Self {
        self.tasks = self.tasks.task::<T>();
        self
    }

    /// The tasks.
    #[cfg(feature = "train")]
    pub fn tasks(&self) -> &Catalog<dyn Task> {
        &self.tasks
    }

    /// The operations.
    pub fn operations(&self) -> &Catalog<dyn Operation> {
        &self.operations
    }

    /// The sources.
    pub fn sources(&self) -> &Catalog<dyn SourceSpec> {
        &self.sources
    }

    /// The generators.
    pub fn generators(&self) -> &Catalog<dyn GeneratorSpec> {
        &self.generators
    }

    /// The learnt generators.
    pub fn learned_generators(&self) -> &Catalog<dyn LearnedSpec> {
        &self.learned
    }

    /// The adapters.
    pub fn adapters(&self) -> &Catalog<dyn AdapterSpec> {
        &self.adapters
    }

    /// Runs `read`, in which all of them are known, on this thread.
    pub fn reading<T>(&self, read: impl FnOnce() -> T) -> T {
        let read = || reading_with(&self.operations, read);
        let read = || reading_with(&self.sources, read);
        let read = || reading_with(&self.generators, read);
        #[cfg(feature = "train")]
        let read = || reading_with(&self.tasks, read);
        reading_with(&self.adapters, read)
    }
}

impl Default for Registry {
    fn default() -> Self {
        Self::new()
    }
}
