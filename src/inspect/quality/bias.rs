//! Whether classes and groups are served alike.

use super::report::{Better, ComparedFigure, GroupQuality, QualitySection};
use super::samples::{Names, Sample, Samples};
use crate::error::Result;
use crate::quote::quoted;
use crate::synthetic::quality::{Group, Grouped, by_group, worst_group};

/// The section and all classes and groups; none without labels and groups.
pub(super) fn bias(samples: &Samples, seed: u64) -> Result<Option<(QualitySection, Vec<GroupQuality>)>> {
    let (mut figures, mut groups, mut worst, mut left) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let of_class: fn(&Sample) -> Option<&[u32]> = |sample| sample.classes.as_deref();
    let of_group: fn(&Sample) -> Option<&[u32]> = |sample| sample.groups.as_deref();
    for (names, of, word) in [
        (&samples.classes, of_class, "class"),
        (&samples.groups, of_group, "group"),
    ] {
        let Some(names) = names else { continue };
        let Some(found) = compared(samples, names, of, seed)? else {
            continue;
        };
        let at = worst_group(&found);
        if let Some(compared) = at.and_then(|at| found[at].compared) {
            let higher = |name: String, own, control| ComparedFigure::judged(&name, own, control, Better::Higher, 0.2);
            figures.push(higher(
                format!("worst_{word}_precision"),
                compared.precision,
                compared.control_precision,
            ));
            figures.push(higher(
                format!("worst_{word}_coverage"),
                compared.coverage,
                compared.control_coverage,
            ));
            worst.extend(at.map(|at| format!("the {word} furthest behind real rows is {}", quoted(&names.values[at]))));
        }
        left.extend(not_judged(&names.values, &found, word));
        let named = names.values.iter().cloned().zip(found).enumerate();
        groups.extend(
            named.map(|(own, (name, group)): (usize, (String, Group))| GroupQuality {
                column: names.column.clone(),
                name,
                group,
                is_worst: Some(own) == at,
            }),
        );
    }
    if groups.is_empty() {
        return Ok(None);
    }
    let mut section = QualitySection::new("bias", figures, "each class or group has too few rows");
    for said in worst.into_iter().chain(left) {
        section.verdict += &format!("; {said}");
    }
    Ok(Some((section, groups)))
}

/// Which of the groups `names` have real rows and no figures, in words; none where all have some.
fn not_judged(names: &[String], found: &[Group], word: &str) -> Option<String> {
    /// Groups that are named.
    const NAMED: usize = 5;
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
    let more = match left.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let listed = left.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
    (!left.is_empty()).then(|| format!("not judged: {word} {listed}{more}"))
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
