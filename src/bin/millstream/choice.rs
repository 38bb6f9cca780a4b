use crate::output::print;
use millstream::Result;
use millstream::report::Report;
use millstream::train::auto_balance::Choice;

/// Prints what was tried where balance and loss were chosen.
pub(crate) fn print_choice(report: &Report) -> Result<()> {
    match Choice::of_report(report)? {
        Some(choice) => print(&format!("{}\n", choice.to_table())),
        None => Ok(()),
    }
}
