//! What a dataset's `README.md` says of its files, as Hugging Face's hub has it:
//!
//! ```yaml
//! configs:
//! - config_name: default
//!   data_files:
//!   - split: train
//!     path: data/train-*
//! ```

mod features;
mod patterns;

use crate::error::{Error, Result};
use crate::exec::files;
use crate::source::io::paths::io_error;
use serde_json::{Value, json};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// A set of data: its name, and the patterns of its files, each with its split.
#[derive(Debug, Default, PartialEq, Eq)]
struct Config {
    name: String,
    is_default: bool,
    files: Vec<(String, String)>,
    /// The folder of its files, where that is all that is said of them.
    folder: Option<String>,
}

/// What the `README.md` of a folder says.
#[derive(Debug, Default)]
pub(in crate::source) struct Readme {
    /// The folder.
    root: PathBuf,
    configs: Vec<Config>,
    head: Value,
}

impl Readme {
    /// The `README.md` of the folder `root`, which is `shown` to the user; one that says nothing where there is none.
    ///
    /// # Errors
    ///
    /// `Io` where it cannot be read; `Config` where its head is no YAML.
    pub(in crate::source) fn of(shown: &str, root: &Path) -> Result<Self> {
        let path = root.join("README.md");
        let text = match files::read_small(&path) {
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(io_error(&path.display().to_string(), error)),
        };
        let read = Self::parse(&text).map_err(|error| error.context("README.md").context(shown))?;
        Ok(Self {
            root: root.to_owned(),
            ..read
        })
    }

    fn parse(text: &str) -> Result<Self> {
        // Windows' editors begin a text so, and other readers of UTF-8 pass it over.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let Some(head) = head(text) else {
            return Ok(Self::default());
        };
        let head: Value = serde_saphyr::from_str(&head).map_err(|error| {
            let message = format!(
                "its head is no YAML ({}), so what it says of the data is not known",
                first_line(&error)
            );
            Error::config(message)
        })?;
        let configs = list(&head["configs"]).iter().map(Config::of);
        let mut configs = configs.collect::<Result<Vec<Config>>>()?;
        configs.retain(|config| !config.files.is_empty() || config.folder.is_some());
        Ok(Self {
            root: PathBuf::new(),
            configs,
            head,
        })
    }

    /// What `datasets` would say of the columns in a file: the features of the set that is read; none where nothing is said of them.
    pub(in crate::source) fn features(&self) -> Option<Value> {
        let infos = list(&self.head["dataset_info"]);
        let name = chosen(&self.configs).map_or("default", |config| config.name.as_str());
        let of_name = infos.iter().find(|info| info["config_name"] == name);
        let info = match infos {
            [only] if only["config_name"].is_null() || self.configs.is_empty() => Some(only),
            _ => of_name,
        };
        let features = features::of_list(&info?["features"])?;
        Some(json!({"info": {"features": features}}))
    }
}

impl Config {
    fn of(config: &Value) -> Result<Self> {
        let name = config["config_name"].as_str().unwrap_or_default().to_owned();
        let files = data_files(&config["data_files"]).ok_or_else(|| {
            Error::config(format!(
                "data_files of the set {name:?} is neither a pattern nor a list of patterns or of `split` with `path`, so Hugging Face \
                 refuses it too: write `- split: train` and `path: ...` for each split"
            ))
        })?;
        Ok(Self {
            name,
            is_default: config["default"] == true,
            files,
            folder: config["data_dir"].as_str().map(str::to_owned),
        })
    }
}

/// The patterns of `data_files`, each with its split: a pattern or a list of them (for training), or a list of splits with theirs.
/// None for anything else, which `datasets` refuses as well.
fn data_files(files: &Value) -> Option<Vec<(String, String)>> {
    let mut found = Vec::new();
    let items = match files {
        Value::Object(_) => return None,
        files => list(files),
    };
    for item in items {
        match item {
            Value::String(path) => found.push(("train".to_owned(), path.clone())),
            Value::Object(fields) if fields.len() == 2 => {
                let (split, paths) = (item["split"].as_str()?, fields.get("path")?);
                for path in list(paths) {
                    found.push((split.to_owned(), path.as_str()?.to_owned()));
                }
            }
            _ => return None,
        }
    }
    Some(found)
}

/// The items of a list; a value that is none is the only one.
fn list(value: &Value) -> &[Value] {
    match value {
        Value::Null => &[],
        Value::Array(items) => items,
        one => std::slice::from_ref(one),
    }
}

/// The YAML before a README's text.
fn head(text: &str) -> Option<String> {
    let mut lines = text.lines().map(str::trim_end);
    if lines.next() != Some("---") {
        return None;
    }
    let head: Vec<&str> = lines.take_while(|line| *line != "---").collect();
    Some(head.join("\n")).filter(|head| !head.trim().is_empty())
}

fn first_line(error: &serde_saphyr::Error) -> String {
    error.to_string().lines().next().unwrap_or_default().to_owned()
}

/// The only set, the one that is said to be the default, or that is named so.
fn chosen(configs: &[Config]) -> Option<&Config> {
    let default = configs.iter().find(|config| config.is_default);
    let named = || configs.iter().find(|config| config.name == "default");
    match configs {
        [only] => Some(only),
        _ => default.or_else(named),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(config: &Config) -> Vec<(&str, &str)> {
        config.files.iter().map(|(split, path)| (&**split, &**path)).collect()
    }

    #[test]
    fn what_the_hub_writes_is_read() {
        let text = "---\nlicense: mit\nconfigs:\n- config_name: plain\n  data_files:\n  - split: train\n    path: plain/train-*\n  - \
                    split: test\n    path:\n    - \"plain/a.parquet\"\n    - plain/b.parquet\n- config_name: all\n  default: true\n  \
                    data_files: 'all/*.parquet'\nsize_categories:\n- 1K<n<10K\n---\n# Title\nconfigs:\n- config_name: no\n";
        let found = Readme::parse(text).unwrap().configs;
        assert_eq!(found.len(), 2);
        let (train, test) = (("train", "plain/train-*"), "test");
        assert_eq!(
            files(&found[0]),
            [train, (test, "plain/a.parquet"), (test, "plain/b.parquet")]
        );
        assert_eq!(
            (found[1].name.as_str(), files(&found[1])),
            ("all", vec![("train", "all/*.parquet")])
        );
        assert_eq!(chosen(&found).map(|config| config.name.as_str()), Some("all"));
        assert_eq!(chosen(&found[..1]).map(|config| config.name.as_str()), Some("plain"));
    }

    #[test]
    fn what_datasets_writes_of_columns_is_read() {
        // As `datasets` 5.2 writes it, and what it says itself of the same features.
        let text = "---\ndataset_info:\n  features:\n  - name: image\n    dtype: image\n  - name: label\n    dtype:\n      class_label:\n        \
                    names:\n          '0': ant\n          '1': 'bee: x'\n          '10': 'yes'\n          '2': '#c'\n  - name: tags\n    list:\n      \
                    class_label:\n        names:\n          '0': a\n          '1': b\n  - name: objects\n    struct:\n    - name: category\n      dtype:\n        \
                    class_label:\n          names:\n            '0': p\n    - name: id\n      dtype: int64\n  - name: old\n    sequence: int32\n---\n";
        let expected = json!({"info": {"features": {
            "image": {"_type": "Image"},
            "label": {"names": ["ant", "bee: x", "#c", "yes"], "_type": "ClassLabel"},
            "tags": {"feature": {"names": ["a", "b"], "_type": "ClassLabel"}, "_type": "List"},
            "objects": {"category": {"names": ["p"], "_type": "ClassLabel"}, "id": {"dtype": "int64", "_type": "Value"}},
            "old": {"feature": {"dtype": "int32", "_type": "Value"}, "_type": "List"},
        }}});
        assert_eq!(Readme::parse(text).unwrap().features(), Some(expected));
        let of = |set: &str| {
            let text = format!(
                "---\nconfigs:\n- config_name: {set}\n  data_files: x-*\ndataset_info:\n- config_name: one\n  features:\n  - name: a\n    \
                 dtype: int8\n- config_name: two\n  features:\n  - name: b\n    dtype: int8\n---\n"
            );
            let features = Readme::parse(&text).unwrap().features()?;
            Some(features["info"]["features"].as_object()?.keys().next()?.clone())
        };
        assert_eq!(
            (of("one"), of("two"), of("other")),
            (Some("a".into()), Some("b".into()), None)
        );
        let error = Readme::parse("---\na: [1\n---\n").unwrap_err().to_string();
        assert!(error.starts_with("its head is no YAML ("), "{error}");
    }

    #[test]
    fn a_mark_of_byte_order_is_passed_over_and_other_data_files_are_refused() {
        let configs = |files: &str| format!("\u{feff}---\nconfigs:\n- config_name: one\n  data_files:{files}\n---\n");
        let found = Readme::parse(&configs(" 'data/*'")).unwrap().configs;
        assert_eq!(files(&found[0]), [("train", "data/*")]);
        for wrong in [
            "\n    train: data/train-*",
            "\n  - path: a/*",
            "\n  - split: train\n    path: a/*\n    more: 1",
            "\n  - split: train\n    path: 3",
            " 3",
        ] {
            let error = Readme::parse(&configs(wrong)).unwrap_err().to_string();
            assert!(
                error.starts_with("data_files of the set \"one\" is neither a pattern nor"),
                "{error}"
            );
        }
    }

    #[test]
    fn a_readme_without_configs_says_nothing() {
        for text in [
            "",
            "# Title\n\nconfigs:\n- config_name: a\n",
            "---\nlicense: mit\n---\n",
        ] {
            assert_eq!(Readme::parse(text).unwrap().configs, []);
        }
    }
}
