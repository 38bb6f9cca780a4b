//! Rows that an input cannot have, and why.

use super::rows::Input;

/// The rows that other inputs have and `input` cannot have, each with the reason.
pub(super) fn absent(input: Input) -> &'static [(&'static str, &'static str)] {
    match input {
        Input::FromScratch => &[
            ("feature SMOTE", "its features change as it trains"),
            (
                "class transfer",
                "it moves differences between features, and pixels have their own place each",
            ),
            ("copula", "it makes columns of a table"),
        ],
        Input::Pretrained => &[
            (
                "SMOTE on pixels",
                "it is a row of the network from scratch, and here SMOTE is that of features",
            ),
            ("copula", "it makes columns of a table"),
            (
                "VAE, GAN, rules",
                "they make pictures, whose features would have to be made as well: they are rows of the network from scratch",
            ),
        ],
        Input::Columns => &[
            ("augmentation", "rows of a table have no views"),
            ("feature SMOTE", "no network was pretrained on such columns"),
        ],
        Input::Forest => &[
            ("augmentation", "rows of a table have no views"),
            ("feature SMOTE", "no network was pretrained on such columns"),
            ("balanced softmax, auto", "a forest has no loss to choose"),
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::super::arms::arms;
    use super::super::generators::ALL;
    use super::*;

    /// Whatever is to be compared stands in each table, or it is said why it does not.
    #[test]
    fn no_row_is_missing_without_a_reason() {
        for &input in ALL {
            let arms = arms(input);
            let not = absent(input);
            for wanted in [
                "none",
                "repeats",
                "augmentation",
                "SMOTE",
                "feature SMOTE",
                "class transfer",
                "copula",
                "VAE",
                "GAN",
                "rules",
                "balanced softmax",
                "auto",
            ] {
                // Those of tables are variants of them. On features SMOTE is that of features.
                let is = |name: &str| match wanted {
                    "VAE" => ["VAE", "TVAE"].contains(&name),
                    "GAN" => ["GAN", "CTGAN"].contains(&name),
                    "rules" => name.starts_with("rules"),
                    "feature SMOTE" if input == Input::Pretrained => name == "SMOTE",
                    _ => name == wanted,
                };
                let there = arms.iter().any(|arm| is(&arm.name));
                let said = not
                    .iter()
                    .any(|(names, _)| names.split(", ").any(|name| name == wanted));
                assert!(there != said, "{input}, {wanted}: there {there}, said {said}");
            }
        }
    }
}
