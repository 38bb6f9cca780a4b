//! What is refused before anything is compared.

use super::{JSON, PAGE, Quality};
use crate::dataset::Dataset;
use crate::error::{Error, ErrorKind, Result};
use crate::exec::{Context, outputs};
use crate::quote::quoted;
use crate::rows::MadeRows;
use crate::source::Files;
use std::path::{Path, PathBuf};

impl Quality {
    /// Refuses columns that are named and are not there, and groups that are the classes.
    pub(super) fn check_columns(&self, real: &Files, label: Option<&str>) -> Result<()> {
        if let Some(group) = self.group.as_deref().filter(|group| Some(*group) == label) {
            return Err(Error::config(format!(
                "group: column {} is the label, and classes are compared anyway: name another column, or none",
                quoted(group)
            )));
        }
        let schema = real.schema();
        let mut named = self.group.iter().chain(&self.categories);
        match named.find(|name| schema.field_with_name(name).is_err()) {
            None => Ok(()),
            Some(missing) => {
                let message = format!("the real rows have no column {}", quoted(missing));
                Err(Error::schema(message).context(real.name().to_owned()))
            }
        }
    }

    /// Refuses `files`, which are to be real rows, where some are synthetic, as provenance or columns say that mean nothing else here.
    pub(super) fn refuse_synthetic(
        &self,
        cx: &Context,
        (files, what): (&Files, &str),
        label: Option<&str>,
    ) -> Result<()> {
        let named = self.group.iter().chain(&self.image).chain(&self.categories);
        let others: Vec<&str> = named.map(String::as_str).chain(label).collect();
        match cx.block_on(MadeRows::find(cx, files, &others))? {
            None => Ok(()),
            Some(made) => {
                let why = format!(
                    "as {what} rows they would say how like itself a generator is: compare with stored rows alone, and leave the synthetic ones out"
                );
                Err(made.refused(&why).context(files.name().to_owned()))
            }
        }
    }

    /// Refuses a folder that is read, in which nothing can be written, or that has one of the files.
    pub(super) fn check(&self, out: &Path, read: [Option<&Files>; 3]) -> Result<()> {
        outputs::check_folder(out)?;
        let inputs: Vec<PathBuf> = read.into_iter().flatten().flat_map(Files::paths).collect();
        outputs::refuse_inputs([out.join(JSON), out.join(PAGE)], inputs.iter().map(PathBuf::as_path))?;
        let there = [JSON, PAGE]
            .into_iter()
            .find(|name| out.join(name).symlink_metadata().is_ok());
        match there.filter(|_| !self.overwrite) {
            None => outputs::check_report(out, (JSON, "holdout_is_split"), &[PAGE]),
            Some(name) => {
                let message = format!("{name} is there already, and would be overwritten: use another folder");
                Err(Error::new(ErrorKind::Exists, message).context(out.display().to_string()))
            }
        }
    }
}
