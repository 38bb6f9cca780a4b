//! Pictures against pictures: by bytes, by pixels, by how they look, and by features.

use super::exact::Keys;
#[cfg(feature = "train")]
use super::features;
use super::labels::SetLabels;
use super::matched::{AllMatched, Matched, exact_across, exact_within, found_set};
use super::near_hash::{self, Looks};
use super::perceptual::Look;
use super::pictures::Seen;
use super::progress::{Counted, LeakStage};
use super::report::{LeakKind, LeakReport};
use super::sets::Set;
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::image::Reading;
use std::sync::Arc;

/// Default number of pictures up to which features are compared.
pub(super) const FEATURES: u64 = 10_000;

/// What the pictures of a set look like; none of one that cannot be decoded.
type LooksOfSet = Arc<Vec<Option<Box<Look>>>>;

/// Which pictures, and how.
#[derive(Clone, Copy)]
pub(super) struct PictureOptions<'a> {
    pub(super) image: &'a str,
    pub(super) reading: Reading,
    pub(super) features: Option<bool>,
}

/// Compares pictures.
pub(super) fn compare_pictures(
    cx: &Context,
    (sets, labels): (&[Set], &[Option<SetLabels>]),
    options: PictureOptions<'_>,
    report: &mut LeakReport,
    progress: &mut dyn FnMut(LeakStage, u64, u64),
) -> Result<AllMatched> {
    let total = sets.iter().map(Set::len).sum();
    let mut counted = Counted::new(LeakStage::Rows, total, progress);
    let (mut bytes, mut pixels, mut looks) = (Vec::new(), Vec::new(), Vec::new());
    for (set, labels) in sets.iter().zip(labels) {
        let seen = cx.block_on(Seen::of(cx, &set.files, options.image, options.reading, &mut counted))?;
        report.sets.push(found_set(set, seen.flat, seen.unusable, seen.bad));
        let hashes = labels.as_ref().map(|labels| labels.hashes.as_slice());
        bytes.push(Keys::new(seen.bytes, hashes));
        pixels.push(Keys::new(seen.pixels, hashes));
        looks.push(Arc::new(seen.looks));
    }
    let keys = [(LeakKind::SameBytes, &*bytes), (LeakKind::SamePixels, &*pixels)];
    let mut within: Vec<Matched> = exact_within(sets, labels, &keys);
    let mut across: Vec<Matched> = exact_across(sets, labels, &keys);
    report.hash_rule = Some(near_hash::RULE);
    let mut controls = Vec::new();
    for (looks, within) in looks.iter().zip(&mut within) {
        let (looks, done) = (Arc::clone(looks), within.done.clone());
        let found = cx.compute(move || Ok(Looks::new(open_looks(&looks, &done)).within()));
        let (found, control) = cx.block_on(found)?;
        controls.push(control);
        within.gathered.add(LeakKind::NearHash, found, [], None);
    }
    for (looks_of, across) in looks[1..].iter().zip(&mut across) {
        let (own, done) = (Arc::clone(looks_of), across.done.clone());
        let (train, copies) = (Arc::clone(&looks[0]), within[0].done.clone());
        let found = cx.compute(move || {
            let train = Looks::new(open_looks(&train, &copies));
            Ok(train.across(&open_looks(&own, &done)))
        });
        let (found, copied) = cx.block_on(found)?;
        found.iter().for_each(|found| across.done[found.row as usize] = true);
        across
            .gathered
            .add(LeakKind::NearHash, found, copied, controls.first().copied());
    }
    compare_features(
        cx,
        sets,
        &options,
        (&looks, &within[0].done),
        &mut across,
        report,
        progress,
    )?;
    Ok(AllMatched { across, within })
}

/// Compares pictures by their features, if that is wanted.
#[allow(clippy::too_many_arguments, reason = "all of what is known of the pictures")]
fn compare_features(
    cx: &Context,
    sets: &[Set],
    options: &PictureOptions<'_>,
    (looks, copies): (&[LooksOfSet], &[bool]),
    across: &mut [Matched],
    report: &mut LeakReport,
    progress: &mut dyn FnMut(LeakStage, u64, u64),
) -> Result<()> {
    let has_network = cfg!(all(feature = "train", feature = "weights"));
    let total: u64 = sets.iter().map(Set::len).sum();
    if options.features == Some(true) && !has_network {
        return Err(Error::config(
            "this build has no network to make features with: build it with the Cargo feature `weights`",
        ));
    }
    let is_wanted = options.features.unwrap_or(has_network && total <= FEATURES);
    if !is_wanted || across.is_empty() {
        if options.features.is_none() && !across.is_empty() {
            report.notes.push(match has_network {
                true => format!(
                    "features are not compared by themselves of more than {} pictures: ask for them",
                    FEATURES
                ),
                false => "features are not compared: this build has no network".to_owned(),
            });
        }
        return Ok(());
    }
    #[cfg(feature = "train")]
    {
        let rows = |looks: &[Option<Box<Look>>], done: &[bool]| -> Vec<u32> {
            let open = (0..)
                .zip(looks)
                .zip(done)
                .filter(|((_, look), done)| look.is_some() && !**done);
            open.map(|((row, _), _)| row).collect()
        };
        let train = (&sets[0], rows(&looks[0], copies));
        let held = sets[1..].iter().zip(&looks[1..]).zip(&*across);
        let held: Vec<features::Compared<'_>> = held
            .map(|((set, looks), across)| (set, rows(looks, &across.done)))
            .collect();
        let all = held.iter().map(|(_, rows)| rows.len() as u64).sum::<u64>() + train.1.len() as u64;
        let mut counted = Counted::new(LeakStage::Features, all, progress);
        let near = features::near_features(cx, &train, &held, (options.image, options.reading), &mut counted)?;
        let Some(near) = near else { return Ok(()) };
        report.distance_rule = Some(near.rule);
        for (across, found) in across.iter_mut().zip(near.found) {
            let copied: Vec<u32> = found.iter().map(|found| found.copy_of).collect();
            across
                .gathered
                .add(LeakKind::NearFeatures, found, copied, Some(near.control));
        }
    }
    #[cfg(not(feature = "train"))]
    let _ = (cx, options.image, looks, copies, progress);
    Ok(())
}

/// How the pictures look that have a look and are not done.
fn open_looks<'a>(looks: &'a [Option<Box<Look>>], done: &[bool]) -> Vec<(u32, &'a Look)> {
    let all = (0..).zip(looks).zip(done);
    all.filter_map(|((row, look), done)| Some((row, look.as_deref().filter(|_| !*done)?)))
        .collect()
}
