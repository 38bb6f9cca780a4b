use crate::output::print;
use millstream::report::Report;
use millstream::train::auto_balance::Choice;
use millstream::{Error, Result};
use serde::Deserialize;

/// Prints what was tried where balance and loss were chosen.
pub(crate) fn print_choice(report: &Report) -> Result<()> {
    let Some(choice) = &report.auto_balance else {
        return Ok(());
    };
    let choice = Choice::deserialize(choice).map_err(|error| Error::data(format!("auto_balance: {error}")))?;
    print(&format!("{}\n", choice.to_table()))
}
