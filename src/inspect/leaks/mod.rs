//! Rows of a held-out set that the training rows have as well.

mod calibration;
mod compare_pictures;
mod compare_values;
mod exact;
#[cfg(feature = "train")]
mod features;
mod found;
mod grey;
mod hamming;
mod labels;
mod matched;
mod near_hash;
mod near_values;
mod output;
mod overlap;
mod perceptual;
mod pictures;
mod progress;
mod report;
mod sets;
mod turn;
mod values;

pub use progress::LeakStage;
pub use report::{
    DistanceRule, HashRule, Leak, LeakControl, LeakCount, LeakKind, LeakReport, LeakRow, LeakSet, LeakedPositions,
    LeakedRows, Overlap,
};
pub use turn::Turn;

use self::compare_pictures::{PictureOptions, compare_pictures};
use self::compare_values::compare_values;
use self::exact::Keys;
use self::found::Found;
use self::hamming::HammingIndex;
use self::labels::SetLabels;
use self::output::Output;
use self::pictures::Seen;
use self::sets::Set;
use super::quality::{Medium, tables};
use crate::error::{Error, Remedy, Result};
use crate::exec::Context;
use crate::image::Reading;
use crate::quote::quoted;
use crate::rows::MadeRows;
use std::path::PathBuf;

/// Finds rows of a held-out set that the training rows have as well, exactly or nearly: what a model learnt of them by heart is in its figures. And rows that a set has
/// several times, which a split of that set would tear apart.
///
/// | rows | exact | near |
/// |---|---|---|
/// | pictures | stored bytes; decoded pixels | pHash and dHash, also turned and mirrored ([`HashRule`]); features of a frozen EfficientNet-Lite0 ([`DistanceRule`]) |
/// | a tensor column | all columns but the label | cosine distance ([`DistanceRule`]) |
/// | a table | all columns but the label | standardised distance of numbers and categories ([`DistanceRule`]) |
/// | others (texts, sounds) | all columns but the label | - |
///
/// Each row comes once, under the strongest kind that holds, and it is said whether the labels agree. A distance is near where it is a share of the median distance between
/// training rows; beside each number of near rows stands how many training rows are as near to another one.
///
/// Exact copies are found among all rows by sorting hashes, pictures that look the same by an index over the hashes. Both take about half a kilobyte a row, which has to fit into half
/// of the memory. Features are compared one held-out picture with one training picture, but to make them takes longer for up to half a million held-out pictures. Of a table up
/// to 5000 held-out rows are compared with up to 20,000 training rows, drawn by the seed.
///
/// ```
/// use millstream::Context;
/// use millstream::inspect::{LeakKind, Leaks};
/// # let folder = tempfile::tempdir().unwrap();
/// # let [train, test] = ["train.csv", "test.csv"].map(|name| folder.path().join(name).display().to_string());
/// std::fs::write(&train, "age,town,class\n31,Ulm,rich\n52,Bonn,poor\n")?;
/// std::fs::write(&test, "age,town,class\n52,Bonn,rich\n47,Bonn,poor\n")?;
///
/// let cx = Context::new()?;
/// let mut leaks = Leaks::new([train], [test]);
/// leaks.label = Some("class".into());
/// let report = leaks.run(&cx, &mut |_, _, _| {})?;
/// let found = &report.across[0].leaks[0];
/// assert_eq!((found.kind, found.row.position, found.copy_of.position), (LeakKind::SameRow, 0, 1));
/// assert_eq!(found.same_label, Some(false));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Leaks {
    /// Files, folders or patterns of the training rows. Of a folder with splits the training split, where `held_out` names others.
    pub train: Vec<String>,
    /// Those of the rows that are held out; of a folder with splits its test split, or else its validation split. Defaults to the other splits of `train` where
    /// that is one folder with several, else to none: then rows are looked for that the training rows have several times.
    pub held_out: Vec<String>,
    /// The column of pictures. Defaults to the only one that may hold them.
    pub image: Option<String>,
    /// The column of labels. Defaults to objects with boxes, or to the only one that may hold labels; texts of 256 bytes or more on average hold none.
    pub label: Option<String>,
    /// Columns of a table that are not compared. One that numbers the training rows never is.
    pub ignore: Vec<String>,
    /// How pictures are read.
    pub reading: Reading,
    /// Whether pictures are compared by features of a network, too. Defaults to whether there are 10,000 or fewer, and there is a network.
    pub features: Option<bool>,
    /// Pairs of each two sets that the report has. Defaults to 1000; all are counted.
    pub pairs: Option<usize>,
    /// A folder for `leaks.json` (the report), `leaked-rows.json` ([the rows to leave out](LeakReport::rows)), and of pictures `leaks.png`, if they are wanted. None of
    /// them may be there yet, unless they are [overwritten](Self::overwrite).
    pub out: Option<PathBuf>,
    /// Whether these files are replaced where they are there. Defaults to false.
    pub overwrite: bool,
}

impl Leaks {
    /// Default number of pairs of each two sets in the report.
    pub const PAIRS: usize = 1000;
    /// Default number of pictures up to which features are compared.
    pub const FEATURES: u64 = compare_pictures::FEATURES;

    /// Looks for rows of `held_out` among those of `train`.
    pub fn new(
        train: impl IntoIterator<Item = impl Into<String>>,
        held_out: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        Self {
            train: train.into_iter().map(Into::into).collect(),
            held_out: held_out.into_iter().map(Into::into).collect(),
            ..Self::default()
        }
    }

    /// Reads all rows and compares them. `progress` is told what is under way, rows done, and all of them.
    ///
    /// # Errors
    ///
    /// As [`Files::open`](crate::source::Files::open); `Schema` where a column that was named is missing, and where no column can be compared; `Config` where a file is in
    /// two sets, and for features in a build without a network; `Budget` where the memory is too small; `Exists` where [`out`](Self::out) has a file of a name that would
    /// be written; `Io` where nothing can be written there.
    pub fn run(&self, cx: &Context, progress: &mut dyn FnMut(LeakStage, u64, u64)) -> Result<LeakReport> {
        let sets = cx.block_on(sets::open(cx, &self.train, &self.held_out))?;
        let out = self.out.as_deref().map(|folder| Output {
            folder,
            overwrite: self.overwrite,
        });
        if let Some(out) = &out {
            out.check(&sets)?;
        }
        let medium = tables::medium(&sets[0].files, self.image.as_deref());
        check_rows(cx, &sets, medium)?;
        let mut notes: Vec<String> = sets.iter().flat_map(|set| set.files.notes().to_vec()).collect();
        let (label, labels) = cx.block_on(self.labels(cx, &sets, &mut notes))?;
        let others: Vec<&str> = self.image.iter().chain(&label).map(String::as_str).collect();
        for set in &sets[1..] {
            if let Some(made) = cx.block_on(MadeRows::find(cx, &set.files, &others))? {
                notes.push(format!(
                    "{}: {}: figures on them are not figures of real rows, and rows that they were made from may be among the training rows",
                    set.name,
                    made.in_words()
                ));
            }
        }
        let mut report = LeakReport {
            medium,
            label,
            sets: Vec::new(),
            across: Vec::new(),
            within: Vec::new(),
            hash_rule: None,
            distance_rule: None,
            notes,
        };
        let image = match medium {
            Medium::Pictures => Some(sets[0].files.find_image(self.image.as_deref())?),
            Medium::Table | Medium::Features => None,
        };
        let of = (&*sets, &*labels);
        let found = match &image {
            Some(image) => {
                let options = PictureOptions {
                    image,
                    reading: self.reading,
                    features: self.features,
                };
                compare_pictures(cx, of, options, &mut report, progress)?
            }
            None => compare_values(cx, of, &self.ignore, &mut report, progress)?,
        };
        let most = self.pairs.unwrap_or(Self::PAIRS);
        let set = |at: usize| (&sets[at], labels[at].as_ref());
        let across = (1..).zip(found.across);
        report.across = across
            .map(|(at, found)| found.gathered.overlap(cx, set(at), set(0), most))
            .collect();
        let within = (0..).zip(found.within);
        report.within = within
            .map(|(at, found)| found.gathered.overlap(cx, set(at), set(at), most))
            .collect();
        if let Some(out) = &out {
            out.write(cx, &report, &sets, image.as_deref().map(|image| (image, self.reading)))?;
        }
        Ok(report)
    }

    /// The column of labels, and the labels of each set that has it.
    async fn labels(
        &self,
        cx: &Context,
        sets: &[Set],
        notes: &mut Vec<String>,
    ) -> Result<(Option<String>, Vec<Option<SetLabels>>)> {
        let (label, note) = labels::find(&sets[0], self.label.as_deref())?;
        notes.extend(note);
        let none = || sets.iter().map(|_| None).collect();
        let Some(label) = label else { return Ok((None, none())) };
        let mut all: Vec<Option<SetLabels>> = Vec::new();
        for set in sets {
            let names = all.first().and_then(Option::as_ref).and_then(SetLabels::names);
            let names = names.map(<[String]>::to_vec);
            let own = SetLabels::read(cx, set, &label, names.as_deref()).await?;
            if own.is_none() {
                notes.push(format!(
                    "{} has no column {}: its labels are not compared",
                    set.name,
                    quoted(&label)
                ));
            }
            all.push(own);
        }
        if self.label.is_none() && all.iter().flatten().next().is_some_and(SetLabels::is_row_key) {
            notes.push(format!(
                "labels are not compared: column {} has another value in each row",
                quoted(&label)
            ));
            return Ok((None, none()));
        }
        Ok((Some(label), all))
    }
}

/// What may be kept of rows in any case.
const LEAST: u64 = 32 << 20;

/// Refuses more rows than have room in half of the memory.
fn check_rows(cx: &Context, sets: &[Set], medium: Medium) -> Result<()> {
    let rows: u64 = sets.iter().map(Set::len).sum();
    // Beside what is kept of a row, its marks, the hash of its label and what is found of it.
    let beside = rows.saturating_mul(2 + 8 + 2 * size_of::<Found>() as u64);
    let kept = match medium {
        Medium::Pictures => rows
            .saturating_mul(Seen::BYTES)
            .saturating_add(HammingIndex::bytes(rows)),
        Medium::Table | Medium::Features => rows.saturating_mul(Keys::BYTES),
    };
    if sets.iter().any(|set| set.len() >= u64::from(u32::MAX)) {
        return Err(Error::config("a set has 2^32 rows or more: compare parts of it"));
    }
    let (bytes, room) = (kept.saturating_add(beside), (cx.memory() / 2).max(LEAST));
    match bytes <= room {
        true => Ok(()),
        false => Err(Error::budget(format!(
            "what is kept of {rows} rows takes {} MiB, and may take half of the memory, here {} MiB: give more memory, or compare parts of the sets",
            bytes.div_ceil(1 << 20),
            room >> 20
        ))
        .with_remedy(Remedy::Memory)),
    }
}
