//! A recipe with the reasons for what it says.

use crate::text::wrap::wrapped;
use millstream::Result;
use millstream::quote::escaped;
use millstream::spec::to_toml;
use millstream::task::FinetuneSpec;

/// Why a field has its value: its name as `table.field`, and sentences.
pub(super) struct Reason {
    pub(super) field: &'static str,
    pub(super) why: String,
}

/// The recipe of `spec`, each of the `reasons` above its field.
pub(super) fn commented(spec: &FinetuneSpec, reasons: &[Reason]) -> Result<String> {
    let (mut out, mut table) = (String::new(), "");
    for line in to_toml(spec)?.lines() {
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            table = name;
        }
        let words = line.strip_prefix("# ").unwrap_or(line);
        let key = words.split(' ').next().unwrap_or_default();
        let is_about = |reason: &&Reason| match reason.field.split_once('.') {
            Some((of, field)) => (of, field) == (table, key),
            None => table.is_empty() && reason.field == key,
        };
        for reason in reasons.iter().filter(is_about) {
            // What a class is called is no end of a comment.
            out += &format!("\n{}\n", wrapped(&format!("# {}", escaped(&reason.why)), "# "));
        }
        out += line;
        out.push('\n');
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use millstream::spec::read_toml;

    #[test]
    fn a_reason_stands_above_its_field_and_ends_no_comment() -> Result<()> {
        let reason = |field, why: &str| Reason {
            field,
            why: why.to_owned(),
        };
        let mut spec = FinetuneSpec::default();
        spec.augment.views = 2;
        let reasons = [
            reason("augment.views", "a class \"x\nseed = 5\" is here"),
            reason("train.epochs", &"many words ".repeat(20)),
        ];
        let text = commented(&spec, &reasons)?;
        assert!(
            text.contains("\n\n# a class \"x\\nseed = 5\" is here\nviews = 2\n"),
            "{text}"
        );
        assert!(text.contains("\n# many words"), "{text}");
        assert!(
            text.lines()
                .filter(|line| line.contains("words"))
                .all(|line| line.starts_with("# "))
        );
        let again: FinetuneSpec = read_toml(&text)?;
        assert_eq!(again.plan().fingerprint(), spec.plan().fingerprint());
        Ok(())
    }
}
