//! A measurement as text.

use super::Text;
use super::wrap::wrapped;
use millstream::quote::escaped;
use millstream::report::{Align, Table};
use millstream::speed::{Oversize, Speed};
use std::fmt::{self, Display, Formatter};

impl Display for Text<'_, Speed> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let speed = self.0;
        let mut table = Table::new([("", Align::Left), ("", Align::Right)]);
        let unknown = || "unknown".to_owned();
        table.push([
            "rows a second".to_owned(),
            format!("{:.0}", speed.rows as f64 / speed.seconds),
        ]);
        table.push(["rows".to_owned(), speed.rows.to_string()]);
        table.push([
            "seconds to the first batch".to_owned(),
            format!("{:.3}", speed.first_batch),
        ]);
        table.push([
            "waited for batches".to_owned(),
            format!("{:.1} %", speed.waited * 100.0),
        ]);
        let million = |cpu: f64| format!("{:.1}", cpu * 1e6 / speed.rows.max(1) as f64);
        table.push([
            "CPU seconds a million rows".to_owned(),
            speed
                .cpu_seconds
                .map_or_else(|| "too little to tell".to_owned(), million),
        ]);
        let mib = |bytes: u64| format!("{} MiB", bytes >> 20);
        table.push(["peak memory".to_owned(), speed.peak_bytes.map_or_else(unknown, mib)]);
        let rest = speed
            .rest
            .map(|rest| ("rest: handing over, shared caches".to_owned(), rest));
        let parts = || speed.stages.iter().chain(&rest);
        let all: f64 = parts().map(|(_, cost)| cost).sum();
        for (name, cost) in parts() {
            table.push([name.clone(), format!("{cost:.1} us a row, {:.0} %", 100.0 * cost / all)]);
        }
        if let Some(cpu) = speed.cpu_seconds {
            let whole = cpu * 1e6 / speed.rows.max(1) as f64;
            table.push(["the whole, CPU".to_owned(), format!("{whole:.1} us a row")]);
        }
        writeln!(f, "{}", wrapped(&speed.what, "    "))?;
        for line in &speed.chosen {
            writeln!(f, "{}", wrapped(&escaped(line), "    "))?;
        }
        let limit = format!("limited by {}", speed.limit);
        write!(f, "\n{table}\n{}", wrapped(&limit, ""))?;
        let Some(Oversize { shorter, enough }) = speed.oversize else {
            return Ok(());
        };
        let text = format!(
            "pictures have {shorter} px on their shorter side, and {enough} are enough here: made smaller once, they decode faster ever \
             after (millstream import DATA --out DIR --resize {enough})"
        );
        write!(f, "\n{}", wrapped(&text, ""))
    }
}
