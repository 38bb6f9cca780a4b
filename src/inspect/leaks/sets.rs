//! The sets that are compared: training rows, and rows that are held out.

use crate::dataset::Dataset;
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::source::{Files, refuse_shared};

/// Rows under a name.
#[derive(Clone, Debug)]
pub(super) struct Set {
    pub(super) name: String,
    pub(super) files: Files,
}

impl Set {
    pub(super) fn len(&self) -> u64 {
        self.files.len().finite().unwrap_or(0)
    }
}

/// The training rows and the held-out ones, if there are any. Where none are named, those of a folder with splits are.
pub(super) async fn open(cx: &Context, train: &[String], held_out: &[String]) -> Result<Vec<Set>> {
    let set = |name: &str, files: Files| Set {
        name: name.to_owned(),
        files,
    };
    let sets = match (train, held_out) {
        ([], _) => return Err(Error::config("no training rows are named")),
        ([folder], []) => {
            let splits = Files::splits(folder).await?;
            let splits: Vec<_> = splits.iter().map(|(split, _)| split.clone()).collect();
            match splits.as_slice() {
                [] | [_] => vec![set("train", Files::open_all_splits(cx, train, None).await?)],
                _ => {
                    let mut sets = Vec::new();
                    for split in splits {
                        let name = split.to_string();
                        sets.push(set(&name, Files::open_all_splits(cx, train, Some(split)).await?));
                    }
                    sets
                }
            }
        }
        (_, []) => vec![set("train", Files::open_all_splits(cx, train, None).await?)],
        _ => vec![
            set("train", Files::open_training(cx, train).await?),
            set("test", Files::open_evaluation(cx, held_out, None).await?),
        ],
    };
    let named: Vec<_> = sets.iter().map(|set| (set.name.as_str(), &set.files)).collect();
    refuse_shared(&named)?;
    Ok(sets)
}

/// Bytes a row of `files`, on average, as they are stored; one at the least.
pub(super) fn bytes_a_row(files: &Files) -> u64 {
    let blocks = files.blocks();
    let (bytes, rows) = blocks.iter().fold((0, 0), |(bytes, rows), block| {
        (bytes + block.bytes, rows + block.rows.end - block.rows.start)
    });
    let of_row: u64 = bytes.div_ceil(rows.max(1));
    of_row.max(1)
}
