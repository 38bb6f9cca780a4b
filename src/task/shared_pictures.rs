//! Pictures that more than one row has.

use super::datasets::Datasets;
use super::stored_pictures;
use crate::dataset::Stable;
use crate::error::Result;
use crate::exec::Context;
use std::collections::HashSet;
use xxhash_rust::xxh3::xxh3_128;

/// Rows that are read at a time.
const ROWS: u64 = 256;

/// How many rows have a picture that another row has, byte for byte.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SharedPictures {
    /// Training rows whose picture an earlier training row has.
    pub train: u64,
    /// Validation rows whose picture a training row has. What a model learnt of it by heart is in its figures.
    pub valid: u64,
}

impl Datasets {
    /// Looks for pictures that are in several rows. Reads all of them and decodes none.
    ///
    /// # Errors
    ///
    /// Whatever reading gives.
    pub fn shared_pictures(&self, cx: &Context) -> Result<SharedPictures> {
        let mut seen = HashSet::new();
        let mut found = SharedPictures::default();
        each_picture(cx, &*self.train, &self.image, |hash| {
            found.train += u64::from(!seen.insert(hash));
        })?;
        each_picture(cx, &*self.valid, &self.image, |hash| {
            found.valid += u64::from(seen.contains(&hash));
        })?;
        Ok(found)
    }
}

/// A hash of each picture in `rows`, of which some have none.
pub(super) fn picture_hashes(cx: &Context, rows: &dyn Stable, column: &str) -> Result<Vec<u128>> {
    let mut hashes = Vec::new();
    each_picture(cx, rows, column, |hash| hashes.push(hash))?;
    Ok(hashes)
}

/// Calls `with` for a hash of each picture in `rows`, of which some have none.
fn each_picture(cx: &Context, rows: &dyn Stable, column: &str, mut with: impl FnMut(u128)) -> Result<()> {
    for block in rows.blocks().iter() {
        for start in block.rows.clone().step_by(ROWS as usize) {
            let at: Vec<u64> = (start..(start + ROWS).min(block.rows.end)).collect();
            stored_pictures::each_picture(cx, rows, column, &at, &mut |bytes| {
                if let Some(bytes) = bytes.filter(|bytes| !bytes.is_empty()) {
                    with(xxh3_128(bytes));
                }
            })?;
        }
    }
    Ok(())
}
