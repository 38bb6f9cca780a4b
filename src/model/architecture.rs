//! Which network it is.

use super::preprocessing::Preprocessing;
use crate::error::{Error, Result};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::fmt;

/// The name of a network, and the arguments that make it another one than the published: narrower, say.
///
/// As JSON it is the name alone where there are no arguments, `"resnet18"`, else
/// `{ "name": "resnet18", "args": { "channels": [8, 8, 16, 16] } }`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "Written", into = "Written")]
pub struct Architecture {
    name: String,
    /// As JSON, with its keys in order.
    args: String,
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Written {
    Name(String),
    WithArgs { name: String, args: Map<String, Value> },
}

impl Architecture {
    /// The network `name` as it was published.
    pub fn new(name: impl Into<String>) -> Self {
        Self::with_args(name, Map::new())
    }

    /// The network `name` with arguments of its kind, as timm's `config.json` has them under `model_args`.
    pub fn with_args(name: impl Into<String>, args: Map<String, Value>) -> Self {
        let name = name.into();
        let args = match args.is_empty() {
            true => String::new(),
            false => Value::Object(args).to_string(),
        };
        Self { name, args }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Refuses arguments that ask for about so many `parameters`, or one block after another of so many `blocks`, before anything of
    /// that size is built: weights are compared with a network that is there.
    pub(super) fn check_size(&self, parameters: f64, blocks: usize) -> Result<()> {
        const PARAMETERS: f64 = 2e9;
        const BLOCKS: usize = 1000;
        match parameters <= PARAMETERS && blocks <= BLOCKS {
            true => Ok(()),
            false => Err(Error::config(format!(
                "{self}: {blocks} blocks and about {parameters:.0e} parameters are more than any network has (at most {BLOCKS} and \
                 {PARAMETERS:.0e}): correct model_args"
            ))),
        }
    }

    /// Its arguments, as the network's kind reads them.
    ///
    /// # Errors
    ///
    /// `Config` for an argument that is unknown or has another type.
    pub fn args<T: DeserializeOwned>(&self) -> Result<T> {
        let text = if self.args.is_empty() { "{}" } else { &self.args };
        serde_json::from_str(text).map_err(|error| {
            let error = error.to_string();
            let what = error.split(" at line ").next().unwrap_or_default();
            Error::config(format!("model_args of {}: {what}", self.name))
        })
    }
}

impl fmt::Display for Architecture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.name, self.args)
    }
}

impl From<Written> for Architecture {
    fn from(written: Written) -> Self {
        match written {
            Written::Name(name) => Self::new(name),
            Written::WithArgs { name, args } => Self::with_args(name, args),
        }
    }
}

impl From<Architecture> for Written {
    fn from(Architecture { name, args }: Architecture) -> Self {
        match serde_json::from_str(&args) {
            Ok(args) => Self::WithArgs { name, args },
            Err(_) => Self::Name(name),
        }
    }
}

/// An architecture that this crate has.
#[derive(Clone, Copy, Debug)]
pub struct Known {
    /// Its name in saved models.
    pub name: &'static str,
    /// Its other names, such as timm's.
    pub aliases: &'static [&'static str],
    /// How its last map becomes features, in timm's words.
    pub pool: &'static str,
    /// What its published weights expect, where no file says otherwise.
    pub preprocessing: Preprocessing,
}

impl Known {
    /// Whether `name` is one of its names.
    pub fn is_called(&self, name: &str) -> bool {
        self.name == name || self.aliases.contains(&name)
    }
}
