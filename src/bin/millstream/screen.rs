//! What a person sees of a run: its progress, its notes and its warnings, on standard error.

use crate::epochs::Epochs;
use crate::output::{say, tell, warn};
use crate::progress::Progress;
use crate::text::plan::in_lines;
use millstream::task::{Event, FinetuneSpec};

/// Shows the progress of events, and the plan if it is asked for.
pub(crate) struct Screen {
    progress: Option<Progress>,
    epochs: Epochs,
    explain: bool,
}

impl Screen {
    pub(crate) fn new(explain: bool) -> Self {
        Self {
            progress: None,
            epochs: Epochs::default(),
            explain,
        }
    }

    /// The same for a run of `spec`, whose lines say what its selection rows are for.
    pub(crate) fn of(self, spec: &FinetuneSpec) -> Self {
        Self {
            epochs: Epochs::of(spec),
            ..self
        }
    }

    pub(crate) fn show(&mut self, event: Event<'_>) {
        match event {
            Event::Explain(plan) if self.explain => say(&format!("\n{}\n", in_lines(plan))),
            Event::Explain(_) => {}
            Event::Note(text) => tell(text),
            Event::Warning(text) => warn(&with_option(text)),
            Event::Begin { what, total } => self.progress = Some(Progress::new(what, total)),
            Event::GoesOn(steps) => self.progress.iter_mut().for_each(|progress| progress.goes_on_at(steps)),
            Event::Done(steps) => self.progress.iter_mut().for_each(|progress| progress.reached(steps)),
            Event::Features(features) => self
                .progress
                .iter_mut()
                .for_each(|progress| progress.computed(features)),
            Event::Epoch(epoch) => {
                let lines = self.epochs.lines(epoch);
                match &mut self.progress {
                    Some(progress) => progress.say(&lines),
                    None => say(&lines),
                }
            }
            Event::End => self.progress.take().into_iter().for_each(Progress::end),
        }
    }
}

/// `warning` with the option that does what it names as a recipe has it.
fn with_option(warning: &str) -> String {
    let factor = warning
        .split_once("{ repeat_factor = ")
        .and_then(|(_, rest)| Some(rest.split_once(" }")?.0));
    match factor {
        Some(factor) => format!("{warning} (--balance '{{\"repeat_factor\": {factor}}}')"),
        None => warning.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_option_is_named_behind_what_a_recipe_says() {
        let said = with_option("rows come less often: { repeat_factor = 0.3 } repeats them");
        assert!(
            said.ends_with(r#"repeats them (--balance '{"repeat_factor": 0.3}')"#),
            "{said}"
        );
        assert_eq!(with_option("few rows"), "few rows");
    }
}
