//! `--kind`.

use crate::values::without_place;
use millstream::generative::learned_generators;
use millstream::synthetic::learned::LearnedSpec;
use millstream::{Error, Result};
use serde_json::{Value, json};

/// A learnt generator by its name, or with its parameters as JSON.
#[derive(Clone, Debug)]
pub(crate) struct Kind(Value);

impl Kind {
    pub(crate) fn read(text: &str) -> Result<Self, String> {
        let tagged = match text.trim().starts_with('{') {
            true => serde_json::from_str(text).map_err(|error| without_place(&error))?,
            false => json!({ text: {} }),
        };
        spec(&tagged).map_err(|error| without_place(&error))?;
        Ok(Self(tagged))
    }

    /// The spec; options that are given take the place of its parameters of that name.
    pub(crate) fn spec<const N: usize>(mut self, options: [(&str, Option<u32>); N]) -> Result<Box<dyn LearnedSpec>> {
        let given = options.into_iter().filter_map(|(name, value)| Some((name, value?)));
        for (name, value) in given {
            let fields = self.0.as_object_mut().and_then(|kinds| kinds.values_mut().next());
            if let Some(fields) = fields {
                fields[name] = json!(value);
            }
        }
        spec(&self.0).map_err(|error| Error::config(without_place(&error)))
    }
}

fn spec(tagged: &Value) -> Result<Box<dyn LearnedSpec>> {
    learned_generators().read_json(&tagged.to_string())
}
