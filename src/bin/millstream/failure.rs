//! Why a command failed, on one line: an error with the option that mends it, or a fault of the program.

use crate::options::as_options;
use millstream::Error;
use millstream::error::{ErrorKind, Remedy};
use millstream::image::ImageError;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, PoisonError};

pub(crate) enum Failure {
    Error(Error),
    Panic(String),
}

/// What the last panic said, and where.
static PANIC: Mutex<String> = Mutex::new(String::new());

/// Runs `work`; a panic is a failure like others, and prints nothing by itself unless `RUST_BACKTRACE` is set.
pub(crate) fn caught(work: impl FnOnce() -> millstream::Result<()>) -> Result<(), Failure> {
    let usual = std::panic::take_hook();
    let traced = std::env::var_os("RUST_BACKTRACE").is_some_and(|value| value != "0");
    std::panic::set_hook(Box::new(move |panic| {
        if traced {
            usual(panic);
        }
        let message = panic.payload_as_str().unwrap_or("no message");
        let place = panic.location().map(|place| format!(" ({place})"));
        *PANIC.lock().unwrap_or_else(PoisonError::into_inner) = format!("{message}{}", place.unwrap_or_default());
    }));
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(done) => done.map_err(Failure::Error),
        Err(_) => {
            let said = PANIC.lock().unwrap_or_else(PoisonError::into_inner);
            Err(Failure::Panic(said.replace(char::is_control, " ")))
        }
    }
}

impl Failure {
    /// One line. `command` is the one that ran: an option is only named where it has it.
    pub(crate) fn in_words(&self, command: Option<&clap::Command>) -> String {
        let error = match self {
            Self::Panic(said) => return format!("a fault of the program, not of its input: {said}"),
            Self::Error(error) => error,
        };
        let said = as_options(&error.to_string());
        let takes_none = command.is_some_and(|command| ["finetune", "preview"].contains(&command.get_name()));
        let named = |long: &&str| {
            let option = command.and_then(|command| option(command, long))?;
            Some(match *long {
                // Of its values those that mend the error.
                "on-error" => {
                    let mends = |value: &&str| match *value {
                        "fail" => false,
                        "replace" => said.contains("replaced"),
                        _ => true,
                    };
                    let (name, values) = option.split_once(' ').unwrap_or((&option, ""));
                    format!(
                        "{name} {}",
                        values.split('|').filter(mends).collect::<Vec<_>>().join("|")
                    )
                }
                // Those of a recipe stay where other training files are named.
                "valid" if takes_none && said.starts_with("data.valid: ") => {
                    format!("{option} or --valid none")
                }
                "as-stored" if said.contains("= true") => "--as-stored=false".to_owned(),
                "as-stored" => "--as-stored".to_owned(),
                "resume" if error.remedy() == Some(Remedy::RunSettings) => {
                    "--resume with no option but --out goes on as it was begun".to_owned()
                }
                "boxes" => match fitting_format(&said) {
                    Some(format) => format!("--boxes {format}"),
                    None => option,
                },
                _ => option,
            })
        };
        // Pictures that were drawn lie in a folder of their own, which is not where predictions go.
        let longs: &[&str] = match longs(error) {
            ["resume", ..] if said.contains("let what was drawn here be overwritten") => &["overwrite", "draw"],
            longs => longs,
        };
        let mut mends: Vec<String> = longs.iter().filter_map(named).collect();
        let takes_sources = command.is_some_and(|command| RECIPES_WITH_SOURCES.contains(&command.get_name()));
        mends.extend(source(error).filter(|_| takes_sources).map(str::to_owned));
        let is_table = error.remedy() == Some(Remedy::ImageColumn) && said.contains("no column looks like one");
        let fits = command.is_some_and(|command| option(command, "kind").is_some());
        mends.extend((is_table && fits).then(|| TABLE_KINDS.to_owned()));
        let trains = command.is_some_and(|command| PICTURES_ALONE.contains(&command.get_name()));
        mends.extend((is_table && trains).then(|| FOR_TABLES.to_owned()));
        match mends.as_slice() {
            [] => said,
            mends => format!("{said} ({})", mends.join(" or ")),
        }
    }
}

/// The options that mend `error`.
fn longs(error: &Error) -> &'static [&'static str] {
    match (error.remedy(), error.kind()) {
        (Some(Remedy::BadRows), _) if is_too_large(error) => &["max-pixels", "on-error"],
        (Some(Remedy::BadRows), _) => &["on-error"],
        _ if is_too_large(error) => &["max-pixels"],
        (Some(Remedy::ImageColumn), _) => &["image"],
        (Some(Remedy::LabelColumn), _) => &["label"],
        (Some(Remedy::Validation), _) => &["valid"],
        (Some(Remedy::Split), _) => &["split"],
        (Some(Remedy::RunFolder), _) => &["run"],
        (Some(Remedy::Stages), _) => &["unfreeze"],
        (Some(Remedy::Size), _) => &["size"],
        (Some(Remedy::Weights), _) => &["weights"],
        (Some(Remedy::RunSettings), _) => &["resume"],
        (Some(Remedy::Orientation), _) => &["as-stored"],
        (Some(Remedy::OtherFolder), _) => &["overwrite", "out"],
        (Some(Remedy::IgnoreColumn), _) => &["ignore", "categories"],
        (Some(Remedy::BoxFormat), _) => &["boxes"],
        (None, ErrorKind::Exists) => &["resume", "overwrite", "out"],
        (Some(Remedy::Memory), _) | (None, ErrorKind::Budget) => &["memory"],
        _ => &[],
    }
}

/// The format of boxes in which nearly all of them are said to fit: `as xyxy 0 do not`.
fn fitting_format(said: &str) -> Option<&str> {
    let (before, _) = said.rsplit_once(" do not")?;
    let format = before.rsplit(' ').nth(1)?;
    crate::values::boxes(format).is_ok().then_some(format)
}

/// What learns rows without pictures.
const TABLE_KINDS: &str = "--kind copula|tvae|ctgan for a table";

/// The commands that are of trainings, whose rows are pictures.
const PICTURES_ALONE: [&str; 3] = ["finetune", "preview", "init"];

/// What there is for rows without pictures.
const FOR_TABLES: &str = "for a table, which finetune does not train on: generate, quality, ablation --keel, and in code examples/split_before_smote.rs";

/// The commands whose recipes may name a source with its parameters.
const RECIPES_WITH_SOURCES: [&str; 3] = ["finetune", "preview", "evaluate"];

/// The source of a recipe that mends `error`.
fn source(error: &Error) -> Option<&'static str> {
    match error.remedy()? {
        Remedy::PathsOutside => {
            Some("in a recipe, { listing = { path = \"...\", outside = true } } in place of the path")
        }
        Remedy::EmptyClasses => {
            Some("in a recipe, { folder = { path = \"...\", allow_empty = true } } in place of the path")
        }
        _ => None,
    }
}

/// Whether it is about a picture of more pixels than are allowed.
fn is_too_large(error: &Error) -> bool {
    let mut cause: Option<&dyn std::error::Error> = Some(error);
    while let Some(error) = cause {
        if let Some(ImageError::TooLarge { .. }) = error.downcast_ref() {
            return true;
        }
        cause = error.source();
    }
    false
}

/// `--image COL`, if `command` has it.
fn option(command: &clap::Command, long: &str) -> Option<String> {
    let argument = command
        .get_arguments()
        .find(|argument| argument.get_long() == Some(long))?;
    let value = argument.get_value_names().and_then(|names| names.first());
    let takes_value = argument.get_action().takes_values();
    Some(match value.filter(|_| takes_value) {
        Some(value) => format!("--{long} {value}"),
        None => format!("--{long}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn an_option_is_named_where_the_command_has_it() {
        let all = crate::Arguments::command();
        let words = |command: &str, remedy| {
            let failure = Failure::Error(Error::config("which?").with_remedy(remedy));
            failure.in_words(all.find_subcommand(command))
        };
        assert_eq!(words("finetune", Remedy::LabelColumn), "which? (--label COL)");
        assert_eq!(words("predict", Remedy::ImageColumn), "which? (--image COL)");
        assert_eq!(words("predict", Remedy::LabelColumn), "which? (--label COL)");
        assert_eq!(words("demo", Remedy::ImageColumn), "which?");
        assert_eq!(words("replay", Remedy::RunFolder), "which? (--run DIR)");
        assert_eq!(words("finetune", Remedy::Weights), "which? (--weights FILE)");
        assert_eq!(words("finetune", Remedy::BadRows), "which? (--on-error skip)");
        assert_eq!(words("import", Remedy::BadRows), "which? (--on-error keep)");
        for (command, mend) in [
            ("preview", "(--valid DATA or --valid none)"),
            ("evaluate", "(--valid DATA)"),
        ] {
            let failure = Failure::Error(Error::data("data.valid: gone").with_remedy(Remedy::Validation));
            let words = failure.in_words(all.find_subcommand(command));
            assert_eq!(words, format!("data.valid: gone {mend}"));
        }
        for (said, mend) in [
            ("`upright` = false", "--as-stored"),
            ("`upright` = true", "--as-stored=false"),
        ] {
            let failure = Failure::Error(Error::data(said).with_remedy(Remedy::Orientation));
            let words = failure.in_words(all.find_subcommand("finetune"));
            assert_eq!(words, format!("{said} ({mend})"));
        }
        let both = Failure::Error(Error::data("such a row can be skipped or replaced").with_remedy(Remedy::BadRows));
        let both = both.in_words(all.find_subcommand("finetune"));
        assert!(both.ends_with("(--on-error skip|replace)"), "{both}");
        let allowed = "in a recipe, { listing = { path = \"...\", outside = true } } in place of the path";
        assert_eq!(words("preview", Remedy::PathsOutside), format!("which? ({allowed})"));
        assert_eq!(words("predict", Remedy::PathsOutside), "which?");
        let fit = all
            .find_subcommand("generate")
            .and_then(|generate| generate.find_subcommand("fit"));
        for (remedy, mended) in [
            (Remedy::OtherFolder, "(--overwrite or --out DIR)"),
            (Remedy::IgnoreColumn, "(--ignore COL)"),
        ] {
            let failure = Failure::Error(Error::schema("no").with_remedy(remedy));
            assert_eq!(failure.in_words(fit), format!("no {mended}"));
        }
        for (said, mended) in [
            (
                "no column looks like one",
                "(--image COL or --kind copula|tvae|ctgan for a table)",
            ),
            ("it could be a, b", "(--image COL)"),
        ] {
            let failure = Failure::Error(Error::schema(said).with_remedy(Remedy::ImageColumn));
            assert_eq!(failure.in_words(fit), format!("{said} {mended}"));
        }
        let failure = Failure::Error(Error::budget("too little"));
        assert_eq!(
            failure.in_words(all.find_subcommand("finetune")),
            "too little (--memory MIB)"
        );
    }

    #[test]
    fn a_format_of_boxes_is_named_with_its_option() {
        let all = crate::Arguments::command();
        for (said, mended) in [
            (
                "6 of 12 boxes do not lie in their pictures as xywh; as xyxy 0 do not: name it",
                "(--boxes xyxy)",
            ),
            (
                "2 of 3 boxes cannot be xyxy: no area. As xywh or cxcywh 1 do not fit: name it",
                "(--boxes cxcywh)",
            ),
            ("3 boxes were left out", "(--boxes FORMAT)"),
        ] {
            let failure = Failure::Error(Error::data(said).with_remedy(Remedy::BoxFormat));
            for command in ["finetune", "preview"] {
                assert_eq!(
                    failure.in_words(all.find_subcommand(command)),
                    format!("{said} {mended}")
                );
            }
            assert_eq!(failure.in_words(all.find_subcommand("predict")), said);
        }
    }

    #[test]
    fn every_option_that_is_named_exists_somewhere() {
        let all = crate::Arguments::command();
        for long in [
            "image",
            "label",
            "valid",
            "split",
            "run",
            "unfreeze",
            "size",
            "weights",
            "memory",
            "resume",
            "overwrite",
            "out",
            "max-pixels",
            "on-error",
            "as-stored",
            "boxes",
        ] {
            assert!(
                all.get_subcommands().any(|command| option(command, long).is_some()),
                "{long}"
            );
        }
    }

    #[test]
    fn a_panic_is_one_line() {
        let failure = caught(|| panic!("one\ntwo")).expect_err("a panic");
        let words = failure.in_words(None);
        assert!(
            words.starts_with("a fault of the program, not of its input: one two (src"),
            "{words}"
        );
    }
}
