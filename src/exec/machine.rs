//! What the system tells of the machine and of this process. Linux alone tells; elsewhere nothing is known.

use std::path::Path;

/// Bytes of memory that may still be used: what the system has available, or less where a control group (version 2) allows
/// less.
pub(crate) fn available_memory() -> Option<u64> {
    let system = field("/proc/meminfo", "MemAvailable:").map(|kib| kib << 10);
    let groups = std::fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let own = groups.lines().find_map(|line| line.strip_prefix("0::"));
    let root = Path::new("/sys/fs/cgroup");
    // Limits hold for all groups below them.
    let path = root.join(own.unwrap_or("/").trim_start_matches('/'));
    let limited = path
        .ancestors()
        .take_while(|group| group.starts_with(root))
        .filter_map(left);
    system.into_iter().chain(limited).min()
}

/// What a control group leaves; none where it has no limit.
fn left(group: &Path) -> Option<u64> {
    let number = |name: &str| {
        std::fs::read_to_string(group.join(name))
            .ok()?
            .trim()
            .parse::<u64>()
            .ok()
    };
    let (most, used) = (number("memory.max")?, number("memory.current").unwrap_or(0));
    // Files in the page cache count as used, and make room.
    let files = field(group.join("memory.stat"), "inactive_file").unwrap_or(0);
    Some(most.saturating_sub(used.saturating_sub(files)))
}

/// CPU time of this process, user and system, in seconds.
pub(crate) fn cpu_seconds() -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // Behind the name in brackets, which may hold anything: state is field 3, the two times are 14 and 15, in ticks of 10 ms.
    let (_, fields) = stat.rsplit_once(") ")?;
    let ticks = fields.split(' ').skip(11).take(2);
    let ticks: u64 = ticks.map(|ticks| ticks.parse().unwrap_or(0)).sum();
    Some(ticks as f64 / 100.0)
}

/// The process's peak of resident memory in bytes.
pub(crate) fn peak_bytes() -> Option<u64> {
    field("/proc/self/status", "VmHWM:").map(|kib| kib << 10)
}

/// The number behind `name` in a file of lines.
fn field(path: impl AsRef<Path>, name: &str) -> Option<u64> {
    let text = std::fs::read_to_string(path).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}
