//! The footers of many files: read some at a time, and kept for the next start.

use super::footer::Footer;
use crate::columns::batch_file;
use crate::error::Result;
use crate::exec::{Context, waiting};
use crate::source::io::location::Location;
use arrow::array::{Array, AsArray, BooleanArray, LargeBinaryArray, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use futures::{StreamExt, TryStreamExt, stream};
use std::path::Path;
use std::sync::Arc;
use xxhash_rust::xxh3::xxh3_128;

/// Footers that are read at the same time, and those of local files that are read in one go: to wake a thread takes as long
/// as to read a few.
const TOGETHER: usize = 16;

/// Files from which on their footers are kept: fewer are read in no time.
const MANY: usize = 64;

/// A footer, and its bytes if they are to be kept.
struct Loaded {
    footer: Arc<Footer>,
    fresh: Option<Vec<u8>>,
}

/// Reads and checks the footers of the files at `locations`, or takes those that an earlier start kept in the context's
/// index and whose files are the same still, by size, times of modification and change, device and inode.
pub(in crate::source::parquet) async fn load(cx: &Context, locations: &[Location]) -> Result<Vec<Arc<Footer>>> {
    let folder = cx
        .index()
        .filter(|_| locations.len() >= MANY && locations.iter().all(Location::is_local));
    let Some(folder) = folder else {
        return footers(load_all(cx, locations, None, false).await?);
    };
    let names: Vec<&str> = locations.iter().map(Location::address).collect();
    let key = format!("footers\n{}", names.join("\n"));
    let path: Arc<Path> = folder.join(format!("{:032x}.arrow", xxh3_128(key.as_bytes()))).into();
    let from = Arc::clone(&path);
    let known = waiting(move || batch_file::read(&from, &schema())).await?;
    let known = known.map(|(known, _)| known);
    let known = known.filter(|known| known.num_rows() == locations.len()).map(Arc::new);
    let loaded = load_all(cx, locations, known.as_ref(), true).await?;
    if loaded.iter().any(|loaded| loaded.fresh.is_some()) {
        let batch = batch(&loaded, known.as_deref())?;
        waiting(move || batch_file::write(&path, &batch, "")).await??;
    }
    footers(loaded)
}

fn footers(loaded: Vec<Loaded>) -> Result<Vec<Arc<Footer>>> {
    Ok(loaded.into_iter().map(|loaded| loaded.footer).collect())
}

async fn load_all(
    cx: &Context,
    locations: &[Location],
    known: Option<&Arc<RecordBatch>>,
    keep: bool,
) -> Result<Vec<Loaded>> {
    let some = locations.len().div_ceil(TOGETHER).clamp(1, TOGETHER);
    let load = |(part, locations): (usize, &[Location])| {
        let known = known.map(|known| known.slice(part * some, locations.len()));
        let (inner, locations) = (cx.clone(), locations.to_vec());
        cx.spawn(async move { load_some(&inner, locations, known, keep).await })
    };
    let parts = stream::iter(locations.chunks(some).enumerate())
        .map(load)
        .buffered(TOGETHER);
    let parts: Vec<Vec<Loaded>> = parts.try_collect().await?;
    Ok(parts.into_iter().flatten().collect())
}

async fn load_some(
    cx: &Context,
    locations: Vec<Location>,
    known: Option<RecordBatch>,
    keep: bool,
) -> Result<Vec<Loaded>> {
    let local = waiting(move || {
        let load = |(at, location): (usize, Location)| match location.is_local() {
            true => Ok((load_one(&location, known.as_ref(), at, keep)?, location)),
            false => Ok((None, location)),
        };
        locations.into_iter().enumerate().map(load).collect::<Result<Vec<_>>>()
    });
    let mut all = Vec::new();
    for (loaded, location) in local.await?? {
        all.push(match loaded {
            Some(loaded) => loaded,
            None => Loaded {
                footer: Arc::new(Footer::load(cx, location).await?),
                fresh: None,
            },
        });
    }
    Ok(all)
}

/// The footer of the local file at `location`: what is `known` at `at`, or its own; none where its end does not say enough.
fn load_one(location: &Location, known: Option<&RecordBatch>, at: usize, keep: bool) -> Result<Option<Loaded>> {
    let kept = known.and_then(|known| cached_footer(location, known, at));
    let (footer, fresh) = match kept {
        Some(footer) => (footer, None),
        None => match Footer::load_now(location)? {
            Some((footer, encoded)) => (footer, keep.then(|| encoded.to_vec())),
            None => return Ok(None),
        },
    };
    Ok(Some(Loaded {
        footer: Arc::new(footer),
        fresh,
    }))
}

/// The footer that is kept at `at` in `known`, if the file is what it was.
fn cached_footer(location: &Location, known: &RecordBatch, at: usize) -> Option<Footer> {
    let [state, checksums, footer] = [0, 1, 2].map(|column| known.column(column));
    if footer.is_null(at) || location.state_now().ok()?? != state.as_string::<i32>().value(at) {
        return None;
    }
    let footer = footer.as_binary::<i64>().value(at);
    Footer::from_cached(location, footer, checksums.as_boolean().value(at)).ok()
}

fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("state", DataType::Utf8, false),
        Field::new("checksums", DataType::Boolean, false),
        Field::new("footer", DataType::LargeBinary, true),
    ]))
}

/// What is kept of `loaded`, of which some is `known` already.
fn batch(loaded: &[Loaded], known: Option<&RecordBatch>) -> Result<RecordBatch> {
    let old = known.map(|known| known.column(2).as_binary::<i64>());
    let footer = |(at, loaded): (usize, &'_ Loaded)| match (&loaded.fresh, old) {
        (Some(fresh), _) => Some(fresh.clone()),
        (None, Some(old)) if old.is_valid(at) => Some(old.value(at).to_vec()),
        _ => None,
    };
    let state = loaded
        .iter()
        .map(|loaded| loaded.footer.location.state().unwrap_or_default());
    let checksums = loaded.iter().map(|loaded| Some(loaded.footer.info.checksums));
    let footers: LargeBinaryArray = loaded.iter().enumerate().map(footer).collect();
    Ok(RecordBatch::try_new(
        schema(),
        vec![
            Arc::new(StringArray::from_iter_values(state)),
            Arc::new(checksums.collect::<BooleanArray>()),
            Arc::new(footers),
        ],
    )?)
}
