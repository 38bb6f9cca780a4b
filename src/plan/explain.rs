//! A plan as `explain()` prints it.

use super::Plan;
use crate::quote::escaped;
use std::fmt::{self, Display};

/// Columns after which a line of `explain()` goes on in the next.
const WIDTH: usize = 120;

/// An indented tree, the top of the pipeline first. Characters that a terminal would obey are escaped.
impl Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut lines = Vec::new();
        printed(self, 0, &mut |depth, node| {
            let pad = "  ".repeat(depth);
            // An empty list is one that is not set.
            let params = node.params.iter().filter(|param| !param.value.is_empty());
            let params = params.map(|param| escaped(&format!("{} {}", param.key, param.value)).into_owned());
            let mut line = format!("{pad}{:<10}", node.name);
            for (at, param) in params.enumerate() {
                if line.len() + param.len() > WIDTH && at > 0 {
                    lines.push(format!("{line},"));
                    line = format!("{pad}           {param}");
                } else {
                    line += if at > 0 { ", " } else { " " };
                    line += &param;
                }
            }
            lines.push(line.trim_end().to_owned());
            if node.reads > 1 {
                lines.push(format!(
                    "{pad}           reads up to {} rows for a row",
                    node.rows_read()
                ));
            }
            lines.extend(
                node.notes
                    .iter()
                    .map(|note| format!("{pad}           {}", escaped(note))),
            );
        });
        f.write_str(&lines.join("\n"))
    }
}

/// Visits the nodes that are printed, from the top down. Of equal nodes that stand on each other, such as labels that were given to
/// rows which had them, it is the last one.
fn printed<'a>(plan: &'a Plan, depth: usize, visit: &mut impl FnMut(usize, &'a Plan)) {
    if let [input] = plan.inputs.as_slice()
        && (&plan.name, &plan.params, &plan.notes) == (&input.name, &input.params, &input.notes)
    {
        return printed(input, depth, visit);
    }
    visit(depth, plan);
    for input in &plan.inputs {
        printed(input, depth + 1, visit);
    }
}
