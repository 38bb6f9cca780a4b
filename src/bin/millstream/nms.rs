//! `--nms` and `--min-score`: which boxes of a detector are kept.

use crate::values::{share, tagged};
use clap::Args;
use millstream::boxes::{Nms as Spec, Suppression};
use millstream::{Error, Result};
use serde_json::{Map, Value, json};

/// Which boxes of a detector are kept.
#[derive(Args)]
pub(crate) struct Nms {
    /// What becomes of boxes that overlap: hard, linear or gaussian, or a recipe's task.detect.nms in JSON, such as {"suppression": {"hard": {"iou":
    /// 0.6}}}, {"suppression": {"linear": {"iou": 0.3}}} or {"suppression": {"gaussian": {"sigma": 0.5}}} (these are the numbers of a name alone), with
    /// min_score, at_most and across_classes; what it does not say is as the model was trained with
    #[arg(long, value_name = "JSON", value_parser = fields)]
    nms: Option<Map<String, Value>>,
    /// The least score of a box, 0 to 1; as the model was trained with if left out
    #[arg(long, value_name = "SCORE", value_parser = share)]
    min_score: Option<f64>,
}

/// Fields of an [`Spec`]; a name alone is that of its suppression.
fn fields(text: &str) -> Result<Map<String, Value>, String> {
    let json = match text.trim() {
        table if table.starts_with('{') => table.to_owned(),
        name => {
            tagged::<Suppression>(name).map_err(|_| {
                "not hard, linear or gaussian, nor JSON such as {\"suppression\": {\"gaussian\": {\"sigma\": 0.5}}}"
                    .to_owned()
            })?;
            json!({ "suppression": name }).to_string()
        }
    };
    let nms: Spec = tagged(&json)?;
    nms.check().map_err(|error| error.to_string())?;
    serde_json::from_str(&json).map_err(|error| error.to_string())
}

impl Nms {
    /// What was given, over what `recipe` says or else `own`, which is the model's; none where neither says anything.
    ///
    /// # Errors
    ///
    /// `Config` where something is given, and the model predicts no boxes; and where the least score is given twice.
    pub(crate) fn over(&self, recipe: Option<&Spec>, own: Option<Spec>) -> Result<Option<Spec>> {
        let is_given = self.nms.is_some() || self.min_score.is_some();
        let Some(own) = own else {
            return match is_given {
                true => Err(Error::config(
                    "--nms and --min-score are of boxes, and the model predicts none: leave them out",
                )),
                false => Ok(None),
            };
        };
        let is_twice = self.nms.as_ref().is_some_and(|nms| nms.contains_key("min_score"));
        if is_twice && self.min_score.is_some() {
            return Err(Error::config(
                "--min-score is given, and --nms has a min_score, too: leave one of them out",
            ));
        }
        if !is_given {
            return Ok(recipe.cloned());
        }
        let failed = |error: serde_json::Error| Error::config(error.to_string());
        let mut all = serde_json::to_value(recipe.unwrap_or(&own)).map_err(failed)?;
        let given = self.nms.iter().flatten();
        given.for_each(|(key, value)| all[key.as_str()] = value.clone());
        let nms: Spec = serde_json::from_value(all).map_err(failed)?;
        Ok(Some(Spec {
            min_score: self.min_score.map_or(nms.min_score, |score| score as f32),
            ..nms
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_goes_over_the_recipe_and_that_over_the_model() {
        let own = Spec {
            min_score: 0.02,
            at_most: 50,
            ..Spec::hard(0.6)
        };
        let recipe = Spec::gaussian(0.5);
        let over = |nms: Option<&str>, min_score, recipe: Option<&Spec>| {
            let nms = nms.map(|nms| fields(nms).unwrap());
            Nms { nms, min_score }.over(recipe, Some(own.clone())).unwrap()
        };
        assert_eq!(over(None, None, None), None);
        assert_eq!(over(None, None, Some(&recipe)), Some(recipe.clone()));
        let found = over(Some(r#"{"suppression": {"linear": {"iou": 0.4}}}"#), None, None).unwrap();
        assert_eq!(found.suppression, Suppression::Linear { iou: 0.4 });
        assert_eq!((found.min_score, found.at_most), (0.02, 50));
        for (text, expected) in [
            ("gaussian", Suppression::Gaussian { sigma: 0.5 }),
            (" linear", Suppression::Linear { iou: 0.3 }),
            ("hard", Suppression::Hard { iou: 0.6 }),
            (r#"{"suppression": "gaussian"}"#, Suppression::Gaussian { sigma: 0.5 }),
            (r#"{"suppression": {"linear": {}}}"#, Suppression::Linear { iou: 0.3 }),
        ] {
            let found = over(Some(text), None, None).unwrap();
            assert_eq!(
                (found.suppression, found.min_score, found.at_most),
                (expected, 0.02, 50)
            );
        }
        let found = over(Some(r#"{"at_most": 7}"#), Some(0.25), Some(&recipe)).unwrap();
        assert_eq!(
            (found.suppression, found.min_score, found.at_most),
            (recipe.suppression, 0.25, 7)
        );
        let refused = Nms {
            nms: None,
            min_score: Some(0.1),
        };
        assert!(refused.over(None, None).is_err());
        let twice = Nms {
            nms: Some(fields(r#"{"min_score": 0.2}"#).unwrap()),
            min_score: Some(0.1),
        };
        let error = twice.over(None, Some(own)).unwrap_err().to_string();
        assert!(error.contains("leave one of them out"), "{error}");
        for (text, said) in [
            (r#"{"min_score": 2}"#, "min_score is 2, and scores are 0 to 1"),
            (r#"{"min_score": -5}"#, "min_score is -5, and scores are 0 to 1"),
            ("soft", "not hard, linear or gaussian, nor JSON such as {"),
            ("0.5", "not hard, linear or gaussian"),
            (r#"{"suppression": "soft"}"#, "unknown variant `soft`"),
            (r#"{"iou": 0.5}"#, "unknown field `iou`"),
            (r#"{"suppression": {"hard": {"iou": 5}}}"#, "iou is 5, not in 0 to 1"),
        ] {
            let error = fields(text).unwrap_err();
            assert!(error.starts_with(said), "{error}");
        }
    }
}
