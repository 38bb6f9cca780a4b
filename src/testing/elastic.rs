//! Whether the order of a run is the same on other machines: more ranks or fewer, other threads, depths and batches.

use super::broken::broken;
use super::once::values;
use crate::cursor::Cursor;
use crate::dataset::Dataset;
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::ext::DatasetExt;
use crate::loader::LastBatch;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

/// Rows of a global batch, and epochs of a run.
const BATCH: u64 = 12;
const EPOCHS: u64 = 3;
/// Worlds that a run passes through, three global batches in each but the last.
const LEGS: [u64; 6] = [1, 3, 2, 4, 2, 1];
const LEG: usize = 3;

/// How a run is made; its order must not depend on it.
#[derive(Clone, Copy, Debug)]
struct RunConfig {
    batch: u64,
    last: LastBatch,
    world: u64,
    threads: usize,
    depth: usize,
}

/// Checks that a loader over what `open` opens delivers the same global batches whatever the world size is, with 1 to 8
/// threads, at any depth, and in a run that changes its world size on the way, from 1 rank to 4 and back, at a cursor;
/// and the same rows in batches of several times the size. With each policy for an epoch's last batch, every rank of a
/// world sees the same number of batches and stands at the same cursor.
///
/// Each rank writes its positions and the values of `column` to an order file of its own in a temporary folder, one line
/// a batch. The files of a world, line by line side by side, have to be the file of a run with one rank, to the byte.
/// Blocks; not to be called from an async task.
///
/// # Errors
///
/// The first batch that differs, and in which run; what `open` or a loader fails with.
pub fn check_elastic<D: Dataset>(seed: u64, column: &str, open: impl Fn(&Context) -> Result<D>) -> Result<()> {
    for last in [LastBatch::Keep, LastBatch::Drop, LastBatch::Pad] {
        let plain = RunConfig {
            batch: BATCH,
            last,
            world: 1,
            threads: 1,
            depth: 1,
        };
        let run = |config: RunConfig| {
            Run {
                config,
                seed,
                column,
                open: &open,
            }
            .whole()
        };
        let expected = run(plain)?;
        for (world, threads, depth) in [(1, 8, 9), (2, 2, 4), (3, 4, 1), (4, 3, 2)] {
            let config = RunConfig {
                world,
                threads,
                depth,
                ..plain
            };
            same(&expected, &run(config)?, &format!("{config:?}"))?;
        }
        let legs = Run {
            config: plain,
            seed,
            column,
            open: &open,
        }
        .legs()?;
        same(
            &expected,
            &legs,
            &format!("{last:?}, worlds of {LEGS:?} ranks one after the other"),
        )?;
    }
    let rows = |batch| {
        let config = RunConfig {
            batch,
            last: LastBatch::Keep,
            world: 2,
            threads: 2,
            depth: 3,
        };
        Ok::<_, Error>(
            Run {
                config,
                seed,
                column,
                open: &open,
            }
            .whole()?
            .replace('\n', " "),
        )
    };
    let expected = rows(BATCH)?;
    for times in [2, 3, 5] {
        same(
            &expected,
            &rows(BATCH * times)?,
            &format!("batches of {times} times the size"),
        )?;
    }
    Ok(())
}

fn same(expected: &str, found: &str, what: &str) -> Result<()> {
    if expected == found {
        return Ok(());
    }
    let lines = || expected.lines().zip(found.lines());
    let at = lines().position(|(a, b)| a != b);
    Err(broken(
        match at.and_then(|at| lines().nth(at).map(|lines| (at, lines))) {
            Some((at, (a, b))) => format!("{what}: batch {at} is {b:?}, with one rank {a:?}"),
            None => format!(
                "{what}: {} batches, with one rank {}",
                found.lines().count(),
                expected.lines().count()
            ),
        },
    ))
}

struct Run<'a, O> {
    config: RunConfig,
    seed: u64,
    column: &'a str,
    open: &'a O,
}

impl<D: Dataset, O: Fn(&Context) -> Result<D>> Run<'_, O> {
    /// The order file of a run.
    fn whole(&self) -> Result<String> {
        Ok(self.leg(self.config.world, None, usize::MAX)?.0)
    }

    /// The order file of a run that changes its world size on the way.
    fn legs(&self) -> Result<String> {
        let (mut all, mut cursor) = (String::new(), None);
        for (i, world) in LEGS.into_iter().enumerate() {
            let most = if i + 1 < LEGS.len() { LEG } else { usize::MAX };
            let (order, next) = self.leg(world, cursor.as_ref(), most)?;
            all += &order;
            cursor = Some(next);
        }
        Ok(all)
    }

    /// At most `most` global batches from `cursor` on with `world` ranks, and where all of them stand after it.
    fn leg(&self, world: u64, cursor: Option<&Cursor>, most: usize) -> Result<(String, Cursor)> {
        let dir = tempfile::tempdir().map_err(|source| Error::io("a temporary folder", source))?;
        let (mut files, mut cursors) = (Vec::new(), Vec::new());
        for rank in 0..world {
            let path = dir.path().join(format!("rank-{rank}"));
            cursors.push(self.rank((rank, world), cursor, most, &path)?);
            let file = fs::read_to_string(&path).map_err(|source| Error::io(path.display().to_string(), source))?;
            files.push(file.lines().map(str::to_owned).collect::<Vec<_>>());
        }
        let counts: Vec<usize> = files.iter().map(Vec::len).collect();
        if counts.iter().any(|&count| count != counts[0]) {
            let last = self.config.last;
            return Err(broken(format!(
                "the {world} ranks see different numbers of batches with LastBatch::{last:?}: {counts:?}"
            )));
        }
        if let Some(rank) = cursors.iter().position(|cursor| *cursor != cursors[0]) {
            let (first, other) = (cursors[0].position(), cursors[rank].position());
            return Err(broken(format!(
                "of {world} ranks, rank 0 stands at row {first} and rank {rank} at {other}"
            )));
        }
        let line = |i: usize| {
            let parts = files
                .iter()
                .map(|file| file[i].as_str())
                .filter(|part| !part.is_empty());
            parts.collect::<Vec<_>>().join(" ") + "\n"
        };
        Ok(((0..counts[0]).map(line).collect(), cursors.swap_remove(0)))
    }

    /// Writes the order file of one rank, and returns where it stands after it.
    fn rank(&self, (rank, world): (u64, u64), cursor: Option<&Cursor>, most: usize, path: &Path) -> Result<Cursor> {
        let cx = Context::with(self.config.threads, 1 << 24)?.with_seed(self.seed);
        let loader = (self.open)(&cx)?.loader(&cx).shard(rank, world).epochs(EPOCHS);
        let loader = loader
            .batch_size(self.config.batch)
            .last_batch(self.config.last)
            .depth(self.config.depth);
        let loader = match cursor {
            Some(cursor) => loader.resume(cursor)?,
            None => loader,
        };
        let (mut loader, mut text) = (loader.blocking()?, String::new());
        for batch in loader.by_ref().take(most) {
            let batch = batch?;
            let rows = batch.positions().iter().zip(values(batch.rows(), self.column)?);
            let rows: Vec<String> = rows.map(|(position, value)| format!("{position}:{value}")).collect();
            let _ = writeln!(text, "{}", rows.join(" "));
        }
        fs::write(path, text).map_err(|source| Error::io(path.display().to_string(), source))?;
        Ok(loader.loader().cursor())
    }
}
