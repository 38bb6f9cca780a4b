//! What a dataset's `README.md` says of its files, as Hugging Face's hub has it:
//!
//! ```yaml
//! configs:
//! - config_name: default
//!   data_files:
//!   - split: train
//!     path: data/train-*
//! ```

use crate::error::{Error, Result};
use crate::exec::files;
use crate::source::io::paths::io_error;
use crate::source::split::Split;
use glob::{MatchOptions, Pattern};
use std::io::ErrorKind;
use std::path::Path;

/// A set of data: its name, and the patterns of its files, each with its split.
#[derive(Debug, Default, PartialEq, Eq)]
struct Config {
    name: String,
    is_default: bool,
    files: Vec<(String, String)>,
}

/// The split of each of the files `names` below `root`, which is `shown` to the user; none where there is no `README.md`, or
/// it says nothing of files. Files of which it says nothing have no split.
pub(super) fn splits(shown: &str, root: &Path, names: &[Vec<String>]) -> Result<Option<Vec<Option<Split>>>> {
    let path = root.join("README.md");
    let text = match files::read_small(&path) {
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(io_error(&path.display().to_string(), error)),
    };
    let mut configs = configs(&text);
    configs.retain(|config| !config.files.is_empty());
    let Some(config) = chosen(&configs) else {
        if configs.is_empty() {
            return Ok(None);
        }
        let all: Vec<&str> = configs.iter().map(|config| config.name.as_str()).collect();
        let message = format!(
            "its README.md describes several sets of data ({}); name the files of one, by a folder or a pattern of their own",
            all.join(", ")
        );
        return Err(Error::config(message).context(shown));
    };
    let options = MatchOptions {
        require_literal_separator: true,
        ..MatchOptions::new()
    };
    let pattern = |(split, pattern): &(String, String)| {
        let pattern = pattern.trim_start_matches("./").trim_start_matches('/');
        let parsed = Pattern::new(pattern);
        let parsed = parsed.map_err(|why| Error::config(format!("README.md: {pattern}: {why}")).context(shown))?;
        Ok((Split::named(split), parsed))
    };
    let patterns: Vec<(Split, Pattern)> = config.files.iter().map(pattern).collect::<Result<_>>()?;
    let split = |parts: &Vec<String>| {
        let name = parts.join("/");
        let mut matching = patterns
            .iter()
            .filter(|(_, pattern)| pattern.matches_with(&name, options));
        let (split, _) = matching.next()?;
        Some(split.clone())
    };
    let of: Vec<_> = names.iter().map(split).collect();
    if of.iter().all(Option::is_none) {
        let message = "the files that its README.md describes are not there; name the files to read by a pattern";
        return Err(Error::config(message).context(shown));
    }
    Ok(Some(of))
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

/// The sets that the YAML before a README's text describes: as much of YAML as the hub writes there, a key or an item a line.
fn configs(text: &str) -> Vec<Config> {
    let mut lines = text.lines().map(str::trim_end);
    if lines.next() != Some("---") {
        return Vec::new();
    }
    let head = lines.take_while(|line| *line != "---");
    let own = head.skip_while(|line| *line != "configs:").skip(1);
    let own = own.take_while(|line| line.starts_with([' ', '-', '#']) || line.is_empty());
    let (mut configs, mut split, mut list) = (Vec::<Config>::new(), "train".to_owned(), "");
    let (mut outer, mut first) = (None, 0);
    for line in own.filter(|line| !line.trim_start().is_empty() && !line.trim_start().starts_with('#')) {
        let (indent, text) = (line.len() - line.trim_start().len(), line.trim_start());
        let item = text.strip_prefix("- ");
        if item.is_some() && *outer.get_or_insert(indent) == indent {
            configs.push(Config::default());
        }
        let Some(config) = configs.last_mut() else { continue };
        let Some((key, value)) = pair(item.unwrap_or(text).trim_start()) else {
            // An item of a list of paths.
            if let Some(path) = item.filter(|_| ["path", "data_files"].contains(&list)) {
                config.files.push((split.clone(), unquoted(path).to_owned()));
            }
            continue;
        };
        if item.is_some() {
            (split, first) = ("train".to_owned(), config.files.len());
        }
        list = key;
        match key {
            "config_name" => config.name = value.to_owned(),
            "default" => config.is_default = value == "true",
            "split" => {
                split = value.to_owned();
                config.files[first..]
                    .iter_mut()
                    .for_each(|(own, _)| own.clone_from(&split));
            }
            "path" | "data_files" if !value.is_empty() => config.files.push((split.clone(), value.to_owned())),
            _ => {}
        }
    }
    configs
}

/// `key: value` or `key:`.
fn pair(text: &str) -> Option<(&str, &str)> {
    let (key, value) = text.split_once(':')?;
    let is_key = key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    (is_key && (value.is_empty() || value.starts_with(' '))).then(|| (key, unquoted(value.trim())))
}

fn unquoted(text: &str) -> &str {
    let text = text.trim();
    let inner = |quote| text.strip_prefix(quote)?.strip_suffix(quote);
    inner('"').or_else(|| inner('\'')).unwrap_or(text)
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
        let found = configs(text);
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
    fn a_readme_without_configs_says_nothing() {
        for text in [
            "",
            "# Title\n\nconfigs:\n- config_name: a\n",
            "---\nlicense: mit\n---\n",
        ] {
            assert_eq!(configs(text), []);
        }
    }
}
