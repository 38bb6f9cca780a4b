//! The file that a picture is written to.

use super::png;
use crate::error::Result;
use crate::exec::{files, outputs};
use image::RgbImage;
use std::io::Write;
use std::path::{Path, PathBuf};

/// The PNG file that a picture goes to.
///
/// ```
/// use millstream::report::picture::PictureFile;
///
/// # let folder = tempfile::tempdir().map_err(|error| millstream::Error::config(error.to_string()))?;
/// let file = PictureFile::new(folder.path().join("sheet.png"), false);
/// file.check(&[])?; // before the picture is made
/// file.write(&image::RgbImage::new(8, 8))?;
/// assert!(file.check(&[]).is_err()); // it is there now
/// # Ok::<(), millstream::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct PictureFile {
    path: PathBuf,
    overwrite: bool,
}

impl PictureFile {
    /// The file at `path`; a PNG that is there already is replaced if `overwrite` says so, whatever program wrote it.
    pub fn new(path: impl Into<PathBuf>, overwrite: bool) -> Self {
        Self {
            path: path.into(),
            overwrite,
        }
    }

    /// Checks, before a picture of what is in the files and folders `inputs` is made, that it can be written. Nothing is written.
    ///
    /// # Errors
    ///
    /// `Config` where the file is one of `inputs` or lies in one, by whatever path or link, and where there is a folder, a device or a
    /// file that is no PNG; `Exists` where there is a file that may not be replaced; `Io` where nothing can be written.
    pub fn check(&self, inputs: &[PathBuf]) -> Result<()> {
        outputs::check_output(&self.path, self.overwrite, inputs.iter().map(Path::new))?;
        outputs::check_replaced(&self.path, "a PNG", |path| {
            outputs::begins_with(path, b"\x89PNG\r\n\x1a\n")
        })
    }

    /// Writes `picture`: whole, or not at all. Missing folders are made. Where the path is a symbolic link, the link itself is
    /// replaced.
    ///
    /// # Errors
    ///
    /// `Io` where the file cannot be written; `Exists` where there is one by now that may not be replaced.
    pub fn write(&self, picture: &RgbImage) -> Result<()> {
        let bytes = png(picture)?;
        files::write_output(&self.path, self.overwrite, |out| {
            out.write_all(&bytes)
                .map_err(|error| crate::Error::io(&self.path, error))
        })
    }
}
