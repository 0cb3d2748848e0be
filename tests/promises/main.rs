//! Promises that need no global supervisor: each test builds its own, and ends with no thread of it left.

#![allow(clippy::unwrap_used, missing_docs, unreachable_pub)]

mod support;

mod admission;
mod capacity;
mod conformance;
mod deadlock;
mod errors;
mod handles;
mod jobs;
mod lane;
mod life;
mod logging;
mod panics;
mod process;
mod program;
mod queues;
mod signals;
mod stopping;
mod tasks;
mod time;
mod workers;
