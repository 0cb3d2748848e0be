//! Sleeps and wake-ups: voluntary context switches as Linux tells them, futex calls as strace counts them.
//!
//! Unlike everything else here these are up to the scheduler, but what they are to catch is not a percent: a needless
//! wake-up for each task is twenty times what a flood should cost. So their bounds are set by hand, from what the
//! protocol allows: a round trip is at most one sleep on each side, a task queued to a busy pool wakes nobody.
//! What a flood costs depends on who gets a core when, and varies twentyfold; its bound only tells waking for some
//! tasks from waking for all. Futex calls are not counted in the flood, as tracing slows each and changes who sleeps.

use std::{error::Error, fs};

use crate::{
    figure::{Measured, Section},
    load::{self, Load},
    tool,
};

const TOOL: &str = "strace";
const ARGUMENTS: [&str; 3] = ["-c", "-f", "--trace=futex"];

const FLOOD: usize = 200_000;
const TRIPS: usize = 5_000;

pub(crate) fn measure(to: &mut Measured) -> Result<(), Box<dyn Error>> {
    let section = Section::Wakes;
    let (flood, trips) = ("switches_per_million_flooded", "switches_per_thousand_round_trips");
    if switches().is_some() {
        to.push(section, flood, tool::least(|| Ok(1e6 * switched(2, FLOOD, load::detach::<1>)))?);
        to.push(section, trips, tool::least(|| Ok(1e3 * switched(1, TRIPS, load::round_trips)))?);
    } else {
        let why = "this system has no /proc/self/task";
        to.skip(section, flood, why);
        to.skip(section, trips, why);
    }
    let (gated, trips) = ("futex_calls_per_thousand_queued", "futex_calls_per_thousand_round_trips");
    if let Some(why) = tool::obstacle(TOOL, &ARGUMENTS) {
        to.skip(section, gated, &why);
        to.skip(section, trips, &why);
    } else {
        to.push(section, gated, 1e3 * tool::each(|times| futexes(Load::Detached, times), 100, 10_000)?);
        to.push(section, trips, 1e3 * tool::each(|times| futexes(Load::RoundTrip, times), 100, 1_000)?);
    }
    Ok(())
}

/// Voluntary switches for each task.
fn switched(threads: usize, tasks: usize, submit: impl Fn(&atasker::Supervisor, usize)) -> f64 {
    let pool = load::supervisor(threads);
    let before = switches().unwrap_or(0);
    submit(&pool, tasks);
    // Queued last, so it runs last, but for what another thread is in the middle of.
    load::round_trips(&pool, 1);
    let after = switches().unwrap_or(0);
    pool.stop();
    (after - before) as f64 / tasks as f64
}

/// How often the threads of this process gave up their core by themselves; `None` where the system does not tell.
fn switches() -> Option<i64> {
    let threads = fs::read_dir("/proc/self/task").ok()?;
    let of_thread = |status: String| -> Option<i64> {
        let line = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"))?;
        line.trim().parse().ok()
    };
    // A thread that ends meanwhile has no file any more.
    let statuses = threads.filter_map(|thread| fs::read_to_string(thread.ok()?.path().join("status")).ok());
    Some(statuses.filter_map(of_thread).sum())
}

/// Futex calls of a process, from the row of strace's table that ends in `futex`; without a row there were none.
fn futexes(load: Load, times: usize) -> Result<f64, Box<dyn Error>> {
    let said = tool::run(TOOL, &ARGUMENTS, load, times)?;
    let row = said.lines().find(|line| line.split_whitespace().last() == Some("futex"));
    let Some(row) = row else { return Ok(0.0) };
    // % time, seconds, µs a call, calls, and errors where there were any.
    let calls = row.split_whitespace().nth(3).and_then(|calls| calls.parse().ok());
    calls.ok_or_else(|| format!("strace's table is not understood:\n{said}").into())
}
