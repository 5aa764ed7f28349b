//! Who used the processor and how much memory, from `/proc` (proc(5)).

use std::fs;
use std::time::Duration;

use anyhow::Context as _;

/// Clock ticks a second in `/proc`: `USER_HZ`, the same on every Linux that we build for.
const TICKS: u64 = 100;

/// Processor time since their start: of the program, of all of PostgreSQL, and of this generator.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Usage {
    pub(crate) program: Duration,
    pub(crate) postgres: Duration,
    pub(crate) generator: Duration,
}

/// Whose usage is read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Processes {
    pub(crate) program: u32,
    /// PostgreSQL's first process, the parent of all others; `None` when it runs on another machine.
    pub(crate) postmaster: Option<u32>,
}

struct Times {
    parent: u32,
    own: u64,
    of_ended_children: u64,
}

/// The fields of `/proc/{process}/stat` behind the name, which may itself hold spaces and brackets.
fn times(process: &str) -> Option<Times> {
    let text = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let fields: Vec<u64> =
        text.rsplit_once(')')?.1.split_whitespace().map(|field| field.parse().unwrap_or_default()).collect();
    Some(Times {
        parent: u32::try_from(*fields.get(1)?).ok()?,
        own: fields.get(11)? + fields.get(12)?,
        of_ended_children: fields.get(13)? + fields.get(14)?,
    })
}

/// The parent of a process that is a PostgreSQL of this machine.
pub(crate) fn postmaster_of(backend: i64) -> Option<u32> {
    let name = fs::read_to_string(format!("/proc/{backend}/comm")).ok()?;
    (name.trim() == "postgres").then(|| times(&backend.to_string()))?.map(|times| times.parent)
}

impl Processes {
    pub(crate) fn usage(self) -> Usage {
        let ticks = |ticks: u64| Duration::from_millis(ticks * 1_000 / TICKS);
        let own = |process: &str| times(process).map_or(0, |times| times.own);
        let postgres = self.postmaster.map_or(0, |postmaster| {
            let mut total = times(&postmaster.to_string()).map_or(0, |t| t.own + t.of_ended_children);
            for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
                let times = entry.file_name().to_str().and_then(times);
                total += times.filter(|times| times.parent == postmaster).map_or(0, |times| times.own);
            }
            total
        });
        Usage {
            program: ticks(own(&self.program.to_string())),
            postgres: ticks(postgres),
            generator: ticks(own("self")),
        }
    }
}

impl Usage {
    /// What was used since `before`.
    pub(crate) fn since(self, before: Self) -> Self {
        Self {
            program: self.program.saturating_sub(before.program),
            postgres: self.postgres.saturating_sub(before.postgres),
            generator: self.generator.saturating_sub(before.generator),
        }
    }

    /// The share of each request, as text.
    pub(crate) fn per_request(self, requests: u64) -> String {
        let each = |used: Duration| used.as_micros() / u128::from(requests.max(1));
        format!(
            "{} µs program + {} µs PostgreSQL + {} µs generator",
            each(self.program),
            each(self.postgres),
            each(self.generator)
        )
    }
}

/// Processor time of a process since its start.
pub(crate) fn cpu(process: u32) -> Duration {
    Duration::from_millis(times(&process.to_string()).map_or(0, |times| times.own) * 1_000 / TICKS)
}

/// Makes the kernel count the peak of a process's memory anew.
pub(crate) fn reset_peak(process: u32) -> anyhow::Result<()> {
    fs::write(format!("/proc/{process}/clear_refs"), "5").context("resetting the peak of the memory")
}

/// The peak of a process's resident memory in bytes.
pub(crate) fn peak(process: u32) -> anyhow::Result<u64> {
    memory(process, "VmHWM:")
}

/// A process's resident memory in bytes.
pub(crate) fn resident(process: u32) -> anyhow::Result<u64> {
    memory(process, "VmRSS:")
}

fn memory(process: u32, name: &'static str) -> anyhow::Result<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix(name)).context(name)?;
    let kilobytes: u64 = line.trim().trim_end_matches("kB").trim().parse().context(name)?;
    Ok(kilobytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_has_a_peak_and_a_parent() {
        assert!(peak(std::process::id()).unwrap() > 0);
        assert!(times("self").unwrap().parent > 0);
        assert_eq!(postmaster_of(i64::from(std::process::id())), None, "a test is no PostgreSQL");
    }
}
