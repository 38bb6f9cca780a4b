//! What a recipe says of data, and why.

use super::commented::Reason;
use millstream::image::Crop;
use millstream::inspect::{Class, Inspection, Labels, Pictures};
use millstream::mix::Target;
use millstream::quote::{counted, counted_with, shown};
use millstream::task::{Datasets, FinetuneSpec, OnBadRow, SharedPictures, TargetKind, Targets};

/// How many times as large the largest class may be as the smallest, for classes to count as level.
const LEVEL: f64 = 2.0;
/// Rows of the smallest class below which nothing is chosen by a cross-validation.
const FEWEST: u64 = 5;
/// Pictures of the head, all views together, above which there are fewer views.
const MOST_VIEWS: u64 = 40_000;
/// Pixels of the larger side up to which pictures count as small, and the size that they are enlarged to.
const SMALL: (u32, u32) = (112, 96);
/// Words in names of classes that a mirror turns into other ones.
const SIDES: [&str; 2] = ["left", "right"];

/// Sets in `spec` what follows from the data, and says why.
pub(super) fn choose(
    spec: &mut FinetuneSpec,
    found: &Inspection,
    datasets: &Datasets,
    shared: SharedPictures,
) -> Vec<Reason> {
    let mut reasons = Vec::new();
    let mut because = |field, why: String| reasons.push(Reason { field, why });
    data(spec, found, datasets, shared, &mut because);
    balance(spec, datasets, &mut because);
    augment(spec, datasets, &mut because);
    if let Some(pictures) = &found.images.pictures {
        bad_rows(spec, pictures, &mut because);
        white(spec, pictures, &mut because);
        size(spec, pictures, &mut because);
    }
    reasons
}

type Because<'a> = dyn FnMut(&'static str, String) + 'a;

fn data(
    spec: &mut FinetuneSpec,
    found: &Inspection,
    datasets: &Datasets,
    shared: SharedPictures,
    because: &mut Because<'_>,
) {
    because(
        "task",
        match &spec.task {
            Some(_) => format!("The task that was named, of column {}.", quoted(&datasets.label)),
            None => format!("The task is that of the type of column {}.", quoted(&datasets.label)),
        },
    );
    spec.task = Some(datasets.task.clone());
    let (train, valid) = (datasets.targets.len(), datasets.valid_rows());
    let mut of_train = format!("{} trained on.", counted_with(train, "row", ["is", "are"]));
    if shared.train > 0 {
        let (rows, have, they) = match shared.train {
            1 => (1, "has", "it counts"),
            rows => (rows, "have", "they count"),
        };
        of_train += &format!(" {rows} of them {have} the very picture of another one: {they} twice.");
    }
    because("data.train", of_train);
    for note in &datasets.notes {
        because("data.train", format!("{note}."));
    }
    let mut of_valid = match (spec.data.valid.is_none(), datasets.is_held_out()) {
        (_, true) => {
            let rows = counted_with(valid, "row", ["is", "are"]);
            format!("No validation files: {rows} held out of those in `train`.")
        }
        (true, false) => format!("The validation split of `train` has {}.", counted(valid, "row")),
        (false, false) => format!("{}.", counted(valid, "row")),
    };
    of_valid += &match shared.valid {
        0 => " None of them has the very picture of a training row.".to_owned(),
        leaks => format!(
            " A leak: {leaks} of them {have} the very picture of a training row, so figures say in part what was learnt by heart. \
             Take such rows out of one of the two.",
            have = if leaks == 1 { "has" } else { "have" }
        ),
    };
    because("data.valid", of_valid);
    let others = |own: &str, candidates: &[String]| {
        let others: Vec<String> = candidates
            .iter()
            .filter(|name| *name != own)
            .map(|name| quoted(name))
            .collect();
        match others.is_empty() {
            true => "Found by its type.".to_owned(),
            false => format!("It could be {}, too.", others.join(", ")),
        }
    };
    because("data.image", others(&datasets.image, &found.images.candidates));
    because("data.label", others(&datasets.label, &found.labels.candidates));
    spec.data.image = Some(datasets.image.clone());
    spec.data.label = Some(datasets.label.clone());
}

fn balance(spec: &mut FinetuneSpec, datasets: &Datasets, because: &mut Because<'_>) {
    let Some(labels) = datasets.targets.one_class() else {
        let task = datasets.task.name();
        let why = match datasets.targets.names().is_empty() {
            true => format!("Shares of classes need classes, and {task} has none."),
            false => format!("Each row comes once an epoch.{}", repeats(&datasets.targets)),
        };
        because("balance.target", why);
        return;
    };
    let (names, counts) = (labels.names(), labels.counts());
    let there = || names.iter().zip(&counts).filter(|(_, rows)| **rows > 0);
    let (Some(least), Some(most)) = (there().min_by_key(|of| of.1), there().max_by_key(|of| of.1)) else {
        return;
    };
    let ratio = *most.1 as f64 / *least.1 as f64;
    let range = format!(
        "{}, from {} ({}) to {} ({}).",
        counted(there().count(), "class"),
        quoted(least.0),
        counted(*least.1, "row"),
        quoted(most.0),
        most.1
    );
    if ratio < LEVEL {
        spec.balance.target = Some(Target::Power(1.0));
        because(
            "balance.target",
            format!("{range} They are level: rows come as they are stored."),
        );
    } else if *least.1 >= FEWEST {
        spec.balance.auto = true;
        because(
            "balance.auto",
            format!(
                "{range} The largest is {ratio:.1} times the smallest: shares, loss and synthetic rows are chosen by a cross-validation \
                 inside the training rows."
            ),
        );
    } else {
        spec.balance.target = Some(Target::Sqrt);
        because(
            "balance.target",
            format!(
                "{range} The smallest has too few rows for a cross-validation, and would be learnt by heart if it came as often as the \
                 largest: shares lie between those of the rows and equal ones."
            ),
        );
    }
}

/// What a repeat factor would do for the rarest class of rows that may have several. They are the training rows: no others are repeated.
fn repeats(targets: &Targets) -> String {
    let labels = Labels {
        classes: Class::without_shares(targets.names(), &targets.rows_of_class()),
        ..Labels::default()
    };
    let there = labels.classes.iter().filter(|class| class.rows > 0);
    match (
        there.min_by_key(|class| class.rows),
        labels.repeat_factor(targets.len()),
    ) {
        (None, _) => String::new(),
        (Some(_), None) => " Every row has every class, so that repeats give none of them more.".to_owned(),
        (Some(rarest), Some(factor)) => format!(
            " The rarest class, {}, is in {} of {}: {{ repeat_factor = {factor} }} would repeat rows with a class that less than {:.0} % of \
             the rows have.",
            quoted(&rarest.name),
            rarest.rows,
            counted(targets.len(), "training row"),
            100.0 * factor
        ),
    }
}

fn augment(spec: &mut FinetuneSpec, datasets: &Datasets, because: &mut Because<'_>) {
    let rows = datasets.targets.len().max(1);
    let usual = spec.augment.views;
    spec.augment.views = (MOST_VIEWS / rows).clamp(1, usual);
    because(
        "augment.views",
        match spec.augment.views == usual {
            true => format!("{}: few enough to see each in {usual} views.", counted(rows, "row")),
            false => format!("{rows} rows: many, so that more views of each cost more time than they bring."),
        },
    );
    let names: &[String] = match datasets.task.target() {
        // The values of masks, which nobody has called so.
        TargetKind::Mask { .. } if are_numbered(datasets.targets.names()) => &[],
        _ => datasets.targets.names(),
    };
    if are_signs(names) {
        // As examples/recipes/digits.toml has it.
        spec.augment.crop = Crop::Random {
            scale: 0.8..=1.0,
            ratio: 0.9..=1.1,
            plain: None,
        };
        because(
            "augment.crop",
            "A guess: the classes are called like digits or letters, and one that is cut in half may be another one, so little is cut off."
                .to_owned(),
        );
    }
    if let Some(why) = no_mirror(names) {
        spec.augment
            .operations
            .retain(|operation| operation.name() != "horizontal_flip");
        because(
            "augment.operations",
            format!(
                "A guess: {why}, so `horizontal_flip` is left out, in both phases. Put it back where that is wrong."
            ),
        );
    }
}

/// Whether the classes `names` are called by their numbers.
fn are_numbered(names: &[String]) -> bool {
    (0..)
        .zip(names)
        .all(|(number, name): (u32, _)| *name == number.to_string())
}

/// Whether the classes `names` are called like digits or letters.
fn are_signs(names: &[String]) -> bool {
    const DIGITS: [&str; 10] = [
        "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine",
    ];
    let is_sign = |name: &String| {
        let mut chars = name.chars();
        let is_one = matches!((chars.next(), chars.next()), (Some(sign), None) if sign.is_alphanumeric());
        is_one || DIGITS.contains(&name.to_lowercase().as_str())
    };
    names.len() > 1 && names.iter().all(is_sign)
}

/// Why pictures of the classes `names` are others in a mirror.
fn no_mirror(names: &[String]) -> Option<String> {
    if are_signs(names) {
        return Some("the classes are called like digits or letters, which are other ones in a mirror".to_owned());
    }
    let has_side = |name: &&String| {
        let name = name.to_lowercase();
        let mut words = name.split(|c: char| !c.is_alphanumeric());
        words.any(|word| SIDES.contains(&word))
    };
    let name = names.iter().find(has_side)?;
    Some(format!(
        "the class {} says a side, which is the other one in a mirror",
        quoted(name)
    ))
}

fn bad_rows(spec: &mut FinetuneSpec, pictures: &Pictures, because: &mut Because<'_>) {
    let Pictures { rows, looked_at, .. } = *pictures;
    let bad = pictures.unusable();
    let all = looked_at == rows;
    if bad == 0 {
        because(
            "data.on_bad_row",
            format!(
                "Of {} that {} decoded all can be read{}.",
                counted(looked_at, "picture"),
                if looked_at == 1 { "was" } else { "were" },
                if all { "" } else { "; the others were not looked at" }
            ),
        );
        return;
    }
    // Of a part, twice as many as there should be, and of rows that nobody looked at some more.
    let at_most = match all {
        true => bad,
        false => (2 * bad).saturating_mul(rows).div_ceil(looked_at.max(1)).max(100),
    };
    spec.data.on_bad_row = OnBadRow::Skip { at_most };
    let first = pictures.bad.first();
    let first = first.map_or_else(String::new, |bad| format!(" The first: {}: {}.", bad.place, bad.why));
    let rule = match all {
        true => "The run goes on without them; one more is an error.",
        false => "The run goes on without such rows; the limit is twice what that makes of all rows, and at least 100.",
    };
    because(
        "data.on_bad_row",
        format!(
            "Of {} that {} looked at, {bad} cannot be used.{first} {rule}",
            counted(looked_at, "picture"),
            if looked_at == 1 { "was" } else { "were" }
        ),
    );
}

/// Bits that cameras and scanners have, of which files with 16 bits may hold fewer.
const CAMERAS: [u8; 3] = [10, 12, 14];

fn white(spec: &mut FinetuneSpec, pictures: &Pictures, because: &mut Because<'_>) {
    let (Some(used), None) = (pictures.used_bits, spec.data.reading.white) else {
        return;
    };
    let Some(bits) = CAMERAS.into_iter().find(|&bits| used <= bits) else {
        return;
    };
    // Of less than 8 bits it is not a camera's.
    if used < 8 {
        return;
    }
    spec.data.reading.white = Some((1 << bits) - 1);
    because(
        "data.reading",
        format!(
            "A guess: {} of 16 bits, and {} values use {used} of them at most, so white is the largest value of {bits} bits; as 65535 it would \
             leave the pictures nearly black.",
            counted_with(pictures.deep, "picture", ["has values", "have values"]),
            if pictures.deep == 1 { "its" } else { "their" },
        ),
    );
}

fn size(spec: &mut FinetuneSpec, pictures: &Pictures, because: &mut Because<'_>) {
    let (Some(width), Some(height)) = (pictures.width, pictures.height) else {
        return;
    };
    let range = |(least, most): (u32, u32)| match least == most {
        true => least.to_string(),
        false => format!("{least} to {most}"),
    };
    let seen = format!("Pictures are {} px wide and {} px high", range(width), range(height));
    if width.1.max(height.1) <= SMALL.0 {
        spec.model.size = Some(SMALL.1);
        because(
            "model.size",
            format!(
                "{seen}: to enlarge them further shows nothing new, and {} px cost a fifth of the time of 224.",
                SMALL.1
            ),
        );
    } else {
        because(
            "model.size",
            format!("{seen}: they become as large as the weights expect."),
        );
    }
}

/// A name inside of a sentence.
fn quoted(name: &str) -> String {
    format!("\"{}\"", shown(name, 40))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_mirror_changes_is_told_by_the_names() {
        let why = |names: &[&str]| no_mirror(&names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
        for names in [&["0", "1", "9"][..], &["a", "Q"], &["one", "Seven"], &["б", "д"]] {
            assert!(why(names).unwrap().contains("digits or letters"), "{names:?}");
        }
        assert!(
            why(&["hand_left", "hand_right"])
                .unwrap()
                .contains("\"hand_left\" says a side")
        );
        for names in [&["cat", "dog"][..], &["0", "10"], &["a"], &["leftover", "bright"], &[]] {
            assert_eq!(why(names), None, "{names:?}");
        }
    }
}
