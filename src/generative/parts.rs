//! What is saved of a fitted network: its weights, and what was found in the training rows.

use crate::error::{Error, Result};
use crate::model::weights;
use crate::synthetic::learned::{About, Parts};
use burn::store::ModuleSnapshot;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The weights of a network.
const WEIGHTS: &str = "weights.safetensors";

/// What was found in the training rows.
const FOUND: &str = "found.json";

/// What [`parts`] writes.
pub(super) const NAMES: &[&str] = &[WEIGHTS, FOUND];

/// The parts of `network` and of what was `found`.
pub(super) fn parts<M: ModuleSnapshot>(network: &M, found: &impl Serialize) -> Result<Parts> {
    let failed = |error: &dyn std::fmt::Display| Error::stage(format!("a generator cannot be written down: {error}"));
    let weights = weights::to_bytes(network, false).map_err(|error| failed(&error))?;
    let found = serde_json::to_vec_pretty(found).map_err(|error| failed(&error))?;
    Ok(Parts::from([(WEIGHTS.to_owned(), weights), (FOUND.to_owned(), found)]))
}

/// What was found, as [`parts`] wrote it.
pub(super) fn found<T: DeserializeOwned>(parts: &Parts) -> Result<T> {
    let read = serde_json::from_slice(part(parts, FOUND)?);
    read.map_err(|error| Error::data(error.to_string()).context(FOUND))
}

/// `network` with the weights that [`parts`] wrote.
pub(super) fn network<M: ModuleSnapshot>(network: M, about: &About, parts: &Parts) -> Result<M> {
    let what = format!("a generator \"{}\" of this spec", about.name());
    weights::from_bytes(network, part(parts, WEIGHTS)?.to_vec(), &what, WEIGHTS)
}

fn part<'a>(parts: &'a Parts, name: &str) -> Result<&'a [u8]> {
    let part = parts.get(name).map(Vec::as_slice);
    part.ok_or_else(|| Error::data(format!("the file {name} is not among those of the generator")))
}
