//! What is told to `tracing`, and what goes to stderr where nobody listens there. No other room writes events.

use std::io::Write;
use std::time::Duration;

use crate::panics::{Panic, contain};
use crate::priority::Priority;

/// The target of every event of this crate.
const TARGET: &str = "atasker";

/// Writes one event. Never panics: a subscriber is user code, and what is told here is told from places that must go on.
macro_rules! event {
    ($level:ident, $($arg:tt)*) => {
        if let Err(panic) = contain(|| tracing::$level!(target: TARGET, $($arg)*)) {
            panic.leak();
        }
    };
}

/// Writes a line to stderr.
macro_rules! say {
    ($($arg:tt)*) => {
        // Not `eprintln`, which panics where stderr is closed. Then there is nobody left to tell.
        _ = writeln!(std::io::stderr(), "atasker: {}", format_args!($($arg)*))
    };
}

/// Tells of a failure that no user code has seen: an event, or a line on stderr if no subscriber was ever set.
macro_rules! unseen_failure {
    ($($arg:tt)*) => {
        if tracing::dispatcher::has_been_set() {
            event!(error, $($arg)*);
        } else {
            say!($($arg)*);
        }
    };
}

pub(crate) fn uncollected_panic(task: &str, id: u64, panic: &Panic) {
    unseen_failure!("task {task} ({id}) panicked and nobody collects its result: {panic}");
}

pub(crate) fn unhandled_worker_error(worker: &str, run: u64, error: &dyn std::fmt::Display) {
    unseen_failure!("worker {worker} failed in run {run} and has no on_error: {error}");
}

pub(crate) fn job_panicked(job: &str, run: u64, panic: &Panic) {
    unseen_failure!("light job {job} panicked in run {run}: {panic}");
}

pub(crate) fn hook_panicked(owner: &str, hook: &str, panic: &Panic) {
    unseen_failure!("{hook} of {owner} panicked: {panic}");
}

pub(crate) fn worker_error(worker: &str, run: u64, error: &dyn std::fmt::Display) {
    event!(debug, worker, run, %error, "worker's body failed");
}

pub(crate) fn rejected(task: &str, why: &str) {
    event!(warn, task, why, "task rejected");
}

/// A task for a lane that nobody has made. Its reason is no load and no stop but a mistake in the program, so that it is a
/// line on stderr if no subscriber was ever set, which other refusals are not.
pub(crate) fn no_such_lane(task: &str, why: &crate::Error) {
    if tracing::dispatcher::has_been_set() {
        rejected(task, &why.to_string());
    } else {
        say!("task {task} was rejected: {why}");
    }
}

pub(crate) fn discarded(worker: &str, items: u64) {
    event!(warn, worker, items, "worker stopped and discarded items of its queue");
}

pub(crate) fn worker_started(worker: &str) {
    event!(debug, worker, "worker started");
}

pub(crate) fn worker_stopped(worker: &str) {
    event!(debug, worker, "worker stopped");
}

pub(crate) fn autostart_failed(worker: &str, error: &crate::Error) {
    unseen_failure!("worker {worker} could not be started with its supervisor: {error}");
}

/// A supervisor starts while a run of the worker goes on that an earlier stop gave up on.
pub(crate) fn autostart_awaits_end(worker: &str) {
    event!(warn, worker, "worker still runs since before the last stop, and starts again when that run has ended");
}

/// A stop waits for what goes on.
pub(crate) fn still_stopping(stopped: &str, asked: Duration, running: &str) {
    event!(warn, stopped, ?asked, running, "a stop waits for what still runs, and for what that starts");
}

pub(crate) fn started(supervisor: &str) {
    event!(info, supervisor, "supervisor started");
}

pub(crate) fn stopping(supervisor: &str) {
    event!(info, supervisor, "supervisor stopping");
}

pub(crate) fn stopped(supervisor: &str, complete: bool, report: &dyn std::fmt::Display) {
    if complete {
        event!(info, supervisor, %report, "supervisor stopped");
    } else {
        event!(warn, supervisor, %report, "supervisor stopped and gave up on bodies that still run");
    }
}

pub(crate) fn no_run(supervisor: &str, error: &crate::Error) {
    unseen_failure!("supervisor {supervisor} could not be started: {error}");
}

/// What a program ends with, for whoever started it: on stderr as the `Err` of any `main` is, subscriber or not.
pub(crate) fn program_failed(error: &dyn std::fmt::Display) {
    // Where stderr is closed, the exit code has to do.
    say!("{error}");
}

pub(crate) fn no_thread(supervisor: &str, error: &dyn std::fmt::Display) {
    event!(warn, supervisor, %error, "the system gave no thread: the ones there are go on");
}

/// What waits for a place longer than a threshold: the first of them, and how many others.
pub(crate) struct Waiting<'a> {
    pub(crate) name: &'a str,
    pub(crate) priority: Priority,
    pub(crate) waited: Duration,
    pub(crate) others: usize,
}

pub(crate) fn waits_too_long(supervisor: &str, waiting: &Waiting<'_>) {
    let Waiting { name, priority, waited, others } = waiting;
    event!(error, supervisor, name, %priority, ?waited, others, "waits too long for a place");
}

pub(crate) fn waits_long(supervisor: &str, waiting: &Waiting<'_>) {
    let Waiting { name, priority, waited, others } = waiting;
    event!(warn, supervisor, name, %priority, ?waited, others, "waits long for a place");
}
