//! Whether classes and groups are served alike.

use super::report::{Better, ComparedFigure, GroupQuality, QualitySection};
use super::samples::{Names, Sample, Samples};
use crate::error::Result;
use crate::quote::quoted;
use crate::synthetic::quality::{Group, GroupFigure, Grouped, JudgedGroups, by_group, judge_groups};

/// How far a figure of a class or group may lie below that of real rows.
const MARGIN: f64 = 0.2;
/// Groups that are named.
const NAMED: usize = 5;

/// The section and all classes and groups; none without labels and groups.
///
/// Each class and each group is judged by precision and by coverage, with intervals for all of its column at once ([`judge_groups`]). The figure of the section is that of
/// the worst one, with this interval.
pub(super) fn bias(samples: &Samples, seed: u64) -> Result<Option<(QualitySection, Vec<GroupQuality>)>> {
    let (mut figures, mut groups, mut said, mut left) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let of_class: fn(&Sample) -> Option<&[u32]> = |sample| sample.classes.as_deref();
    let of_group: fn(&Sample) -> Option<&[u32]> = |sample| sample.groups.as_deref();
    for (names, of, [one, many]) in [
        (&samples.classes, of_class, ["class", "classes"]),
        (&samples.groups, of_group, ["group", "groups"]),
    ] {
        let Some(names) = names else { continue };
        let Some(found) = compared(samples, names, of, seed)? else {
            continue;
        };
        let judged = GroupFigure::ALL.map(|figure| (figure, judge_groups(&found, figure, MARGIN)));
        for (figure, judged) in &judged {
            let Some(judged) = judged else { continue };
            figures.extend(worst(names, &found, (*figure, judged), one));
            said.extend(others_behind(
                &names.values,
                judged,
                &format!("{many} are behind by {}", figure.name()),
            ));
        }
        let most = judged
            .iter()
            .filter_map(|(_, judged)| Some(judged.as_ref()?.compared))
            .max();
        said.extend(most.filter(|&most| most > 1).map(|most| {
            format!(
                "each of {most} {many} is judged, by intervals that hold for all of them at once (confidence of each {:.4}, by Bonferroni's rule)",
                1.0 - 0.05 / most as f64
            )
        }));
        left.extend(not_judged(&names.values, &found, one));
        let named = names.values.iter().cloned().zip(found).enumerate();
        groups.extend(named.map(|(own, (name, group)): (usize, (String, Group))| {
            let figures = |is_one: &dyn Fn(&JudgedGroups) -> bool| {
                let own = judged.iter().filter(|(_, judged)| judged.as_ref().is_some_and(is_one));
                own.map(|(figure, _)| figure.name()).collect::<Vec<_>>()
            };
            GroupQuality {
                column: names.column.clone(),
                name,
                group,
                worst_in: figures(&|judged| judged.worst == own),
                fails_in: figures(&|judged| judged.behind.contains(&own)),
            }
        }));
    }
    if groups.is_empty() {
        return Ok(None);
    }
    let mut section = QualitySection::new("bias", figures, "each class or group has too few rows");
    for said in said.into_iter().chain(left) {
        section.verdict += &format!("; {said}");
    }
    Ok(Some((section, groups)))
}

/// The figure of the worst of the groups, with its intervals among those of all of them; none where it was not compared.
fn worst(
    names: &Names,
    found: &[Group],
    (figure, judged): (GroupFigure, &JudgedGroups),
    word: &str,
) -> Option<ComparedFigure> {
    let both = found[judged.worst].compared?.figure(figure);
    let [own, control] = both.map(|interval| interval.among(judged.compared).within(0.0, 1.0));
    let title = format!("worst_{word}_{}", figure.name());
    Some(ComparedFigure::judged(&title, own, control, Better::Higher, MARGIN).of_group(&names.values[judged.worst]))
}

/// Those of the groups `names` that are behind, in words, where they are more than the one whose figure is shown; `what` says of which figure.
fn others_behind(names: &[String], judged: &JudgedGroups, what: &str) -> Option<String> {
    let behind: Vec<String> = judged.behind.iter().map(|&at| quoted(&names[at])).collect();
    (behind.len() > 1).then(|| format!("{} {what}: {}", behind.len(), listed(&behind)))
}

/// The first of `named`, and how many more there are.
fn listed(named: &[String]) -> String {
    let more = match named.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    named.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ") + &more
}

/// Which of the groups `names` have real rows and no figures, in words; none where all have some.
fn not_judged(names: &[String], found: &[Group], word: &str) -> Option<String> {
    let left = names
        .iter()
        .zip(found)
        .filter(|(_, group)| group.compared.is_none() && group.rows[0] > 0);
    let left: Vec<String> = left
        .map(|(name, group)| match group.rows[1] {
            0 => format!("{} (no synthetic rows)", quoted(name)),
            _ => format!("{} (too few rows)", quoted(name)),
        })
        .collect();
    (!left.is_empty()).then(|| format!("not judged: {word} {}", listed(&left)))
}

fn compared(
    samples: &Samples,
    names: &Names,
    of: fn(&Sample) -> Option<&[u32]>,
    seed: u64,
) -> Result<Option<Vec<Group>>> {
    fn grouped(sample: &Sample, of: fn(&Sample) -> Option<&[u32]>) -> Option<Grouped<'_>> {
        Some(Grouped {
            rows: &sample.rows,
            groups: of(sample)?,
        })
    }
    let all = [&samples.real, &samples.synthetic, &samples.holdout].map(|sample| grouped(sample, of));
    let [Some(real), Some(synthetic), Some(holdout)] = all else {
        return Ok(None);
    };
    by_group(real, synthetic, holdout, names.values.len(), seed).map(Some)
}
