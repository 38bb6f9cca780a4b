//! The law of every dataset.

use super::broken::broken;
use super::taken::{same, taken};
use crate::dataset::{Dataset, Len};
use crate::error::Result;
use crate::exec::{Context, catch};
use crate::rng::Rng;
use arrow::array::RecordBatch;
use arrow::compute::concat_batches;

/// Random calls in one check.
const TURNS: u64 = 24;
/// Epochs that the positions are drawn from.
const EPOCHS: u64 = 4;

/// Checks [`Dataset`]'s law on random positions of several epochs, which `seed` draws: that
/// `take(p ++ q) == take(p) ++ take(q)`, with repeated positions and none, after other takes and beside them, after
/// fetching ahead, and with other threads and hardly any memory. And that schema, length, blocks, plan and traces are of one piece.
///
/// # Errors
///
/// What is broken, with the call that showed it; what `dataset` itself fails with.
pub async fn check_law(cx: &Context, dataset: &dyn Dataset, seed: u64) -> Result<()> {
    let plan = dataset.describe();
    check_form(dataset)?;
    let other = Context::with(cx.threads() + 2, 4096)?.with_seed(cx.seed());
    for turn in 0..TURNS {
        let mut rng = Rng::new(seed, "law", turn);
        let (p, q) = (positions(&mut rng, dataset.len()), positions(&mut rng, dataset.len()));
        check_parts(cx, dataset, &p, &q).await?;
        check_again(&other, cx, dataset, &[p, q].concat()).await?;
        check_traces(cx, dataset, &mut rng)?;
    }
    match dataset.describe() == plan {
        true => Ok(()),
        false => Err(broken(
            "the plan, and so the fingerprint, changed while rows were taken",
        )),
    }
}

fn check_form(dataset: &dyn Dataset) -> Result<()> {
    if let Some(name) = dataset.describe().shared_name() {
        return Err(broken(format!("two stages draw under the name \"{name}\"")));
    }
    let (blocks, mut end) = (dataset.blocks(), 0);
    for (i, block) in blocks.iter().enumerate() {
        if block.rows.start != end || block.rows.end <= end {
            let (rows, end) = (&block.rows, end);
            return Err(broken(format!(
                "block {i} is {rows:?}, but has to begin at {end} and have a row"
            )));
        }
        end = block.rows.end;
    }
    match dataset.len() {
        Len::Finite(rows) if rows.get() != end => Err(broken(format!("the blocks end at {end}, the rows at {rows}"))),
        _ => Ok(()),
    }
}

/// Up to 20 positions: of any epoch, at an epoch's ends, and some that came before.
fn positions(rng: &mut Rng, len: Len) -> Vec<u64> {
    let rows = len.finite().unwrap_or(1 << 40);
    let mut out = Vec::new();
    for _ in 0..rng.below(21) {
        let epoch = rng.below(EPOCHS) * rows;
        let at = match rng.below(6) {
            0 => rng.below(out.len() as u64 + 1) as usize,
            1 => usize::MAX - 1,
            _ => usize::MAX,
        };
        let edge = [0, rows - 1][rng.below(2) as usize];
        let fresh = epoch + if at == usize::MAX - 1 { edge } else { rng.below(rows) };
        out.push(out.get(at).copied().unwrap_or(fresh));
    }
    out
}

/// The law itself, for two lists of positions, one after the other and all at once.
async fn check_parts(cx: &Context, dataset: &dyn Dataset, p: &[u64], q: &[u64]) -> Result<()> {
    let both = [p, q].concat();
    let whole = taken(cx, dataset, &both).await?;
    let parts = [taken(cx, dataset, p).await?, taken(cx, dataset, q).await?];
    same(
        &whole,
        &joined(&whole, &parts)?,
        &both,
        "take(p ++ q) and take(p) ++ take(q)",
    )?;
    let turned = [q, p].concat();
    let all = futures::join!(
        taken(cx, dataset, q),
        taken(cx, dataset, &turned),
        taken(cx, dataset, p),
        taken(cx, dataset, &both),
    );
    let turned = joined(&whole, &[all.0?, all.2?])?;
    same(
        &turned,
        &all.1?,
        &[q, p].concat(),
        "take(q) ++ take(p) and take(q ++ p), beside other takes",
    )?;
    same(&whole, &all.3?, &both, "two equal takes, one of them beside others")
}

/// The same rows fetched ahead, one by one, and in another context.
async fn check_again(other: &Context, cx: &Context, dataset: &dyn Dataset, positions: &[u64]) -> Result<()> {
    let whole = taken(cx, dataset, positions).await?;
    let ahead: Vec<u64> = positions.iter().map(|position| position + 1).collect();
    let (later, now) = (dataset.prepare(cx, &ahead), dataset.prepare(cx, positions));
    later.prefetch();
    now.prefetch();
    now.prefetch();
    let fetched = now.rows().await?;
    drop(later);
    same(&whole, &fetched, positions, "a take, and rows that were fetched ahead")?;
    let after = taken(cx, dataset, positions).await?;
    same(
        &whole,
        &after,
        positions,
        "a take before and after rows were fetched ahead",
    )?;
    dataset.prepare(other, positions).prefetch();
    let elsewhere = taken(other, dataset, positions).await?;
    same(&whole, &elsewhere, positions, "takes with different threads and memory")?;
    if let Some((&last, before)) = positions.split_last() {
        let alone = taken(other, dataset, &[last]).await?;
        let row = whole.slice(before.len(), 1);
        same(&row, &alone, &[last], "a row among others and alone")?;
    }
    Ok(())
}

/// Traces are there for every position, and always the same.
fn check_traces(cx: &Context, dataset: &dyn Dataset, rng: &mut Rng) -> Result<()> {
    let near = positions(rng, dataset.len());
    for position in near.into_iter().chain([rng.next_u64() >> 2]) {
        let trace = || {
            let trace = catch(|| Ok(dataset.provenance(cx, position)));
            trace.map_err(|error| error.context(format!("trace({position})")))
        };
        if trace()? != trace()? {
            return Err(broken(format!("trace({position}) is not the same twice")));
        }
    }
    Ok(())
}

fn joined(like: &RecordBatch, parts: &[RecordBatch]) -> Result<RecordBatch> {
    Ok(concat_batches(&like.schema(), parts)?)
}
