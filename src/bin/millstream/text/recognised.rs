//! What columns are read as, a line each.

use super::Text;
use super::wrap::wrapped;
use millstream::inspect::Recognised;
use millstream::quote::{counted, escaped, shown};
use std::fmt::{self, Display, Formatter};

/// Names of points in a line.
const NAMED: usize = 20;

impl Display for Text<'_, Recognised> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let found = self.0;
        let name = |name: &str| shown(name, 40);
        let boxes = found.boxes.as_ref().map(|boxes| {
            let (column, field, classes) = (name(&boxes.column), name(&boxes.boxes), name(&boxes.classes));
            let ignored = match boxes.ignored.is_empty() {
                true => String::new(),
                false => format!("; not read: {}", boxes.ignored.join(", ")),
            };
            format!("boxes: column {column}, field {field} with the classes in {classes}{ignored}")
        });
        let keypoints = found.keypoints.as_ref().map(|points| {
            let names = match points.names.len() {
                0 => "; the files do not name them".to_owned(),
                many if many <= NAMED => format!(": {}", points.names.join(", ")),
                many => {
                    let some = points.names[..NAMED].join(", ");
                    format!(": {some} and {} more", many - NAMED)
                }
            };
            format!(
                "keypoints: column {}, field {}, {} of each object{names}",
                name(&points.column),
                name(&points.field),
                counted(points.points, "point")
            )
        });
        let masks = found.masks.as_ref();
        let masks = masks.map(|column| format!("masks: column {}, a class for each pixel", name(column)));
        let instances = found.instances.as_ref().map(|column| {
            let column = name(column);
            format!("instances: column {column}, masks in which each object has a number of its own")
        });
        let lines: Vec<String> = [boxes, keypoints, masks, instances].into_iter().flatten().collect();
        if lines.is_empty() {
            return Ok(());
        }
        writeln!(f, "Recognised, as finetune and preview read it:")?;
        for line in lines {
            writeln!(f, "{}", wrapped(&format!("  {}", escaped(&line)), "    "))?;
        }
        writeln!(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use millstream::inspect::RecognisedKeypoints;

    #[test]
    fn many_points_are_cut_at_a_name() {
        let of = |many: usize| Recognised {
            keypoints: Some(RecognisedKeypoints {
                column: "objects".to_owned(),
                field: "keypoints".to_owned(),
                points: 23,
                names: (0..many).map(|at| format!("p{at}")).collect(),
            }),
            ..Recognised::default()
        };
        let text = |many| {
            Text(&of(many))
                .to_string()
                .split_whitespace()
                .collect::<Vec<_>>()
                .join(" ")
        };
        assert!(text(23).ends_with("p18, p19 and 3 more"), "{}", text(23));
        assert!(
            text(0).ends_with("23 points of each object; the files do not name them"),
            "{}",
            text(0)
        );
        assert_eq!(Text(&Recognised::default()).to_string(), "");
    }
}
