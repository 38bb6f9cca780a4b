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
            let params = node.params.iter().filter(|param| !param.shown.is_empty());
            let params = params.map(|param| escaped(&format!("{} {}", param.key, param.shown)).into_owned());
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::{Description, Field};
    use serde_json::{Value, json};

    fn plan(operations: Value) -> Plan {
        let field = Field {
            name: "operations".to_owned(),
            hashed: Some(operations.clone()),
            value: operations,
            is_table: false,
            decides_rows: true,
        };
        let fields = Description {
            name: "augment",
            version: 1,
            fields: vec![field],
        };
        Plan::new("augment").part("", &fields)
    }

    #[test]
    fn empty_lists_inside_of_a_parameter_are_left_out() {
        let of = plan(json!([
            { "identity": {} },
            { "copy_paste": { "classes": [], "cover": 0.3, "mask": null } },
            { "by_class": { "classes": ["bus"], "operations": [{ "rotate": { "degrees": 5.0 } }], "otherwise": [] } },
        ]));
        assert_eq!(
            of.to_string(),
            "augment    operations identity, copy_paste cover 0.3, by_class classes bus, operations rotate degrees 5"
        );
        // What cursors remember stays.
        assert!(
            of.settings()[1].starts_with("augment.operations=identity , copy_paste classes , cover 0.3, "),
            "{:?}",
            of.settings()
        );
    }
}
