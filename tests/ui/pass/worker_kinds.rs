//! Every kind of worker and every key, in every form it takes.

#![deny(warnings)]

use std::ops::ControlFlow;
use std::time::Duration;

use atasker::{MissedTick, Priority, WorkerContext, background_worker, task_supervisor};

const TICK: Duration = Duration::from_secs(3600);
const PLACES: usize = 8;

#[background_worker]
fn plain() {
    std::thread::park();
}

#[background_worker()]
fn until_broken(cx: &WorkerContext) -> ControlFlow<()> {
    if cx.run() == 3 {
        ControlFlow::Break(())
    } else {
        ControlFlow::Continue(())
    }
}

#[background_worker(initial = "2h")]
fn late() -> Result<(), String> {
    Err("never seen".to_owned())
}

#[background_worker(interval = 3600)]
fn seconds() {}

#[background_worker(interval = 3600.5)]
fn fractions() {}

#[background_worker(interval = 3_600_000ms)]
fn suffixed() {}

#[background_worker(interval = 1.5h)]
fn suffixed_fraction() {}

#[background_worker(interval = 60m, initial = 1min)]
fn minutes() {}

#[background_worker(interval = 1d)]
fn days() {}

#[background_worker(interval = "1h 30m")]
fn text() {}

#[background_worker(interval = "1h30m", missed = skip)]
fn skipping() {}

#[background_worker(interval = TICK, missed = burst)]
fn bursting() {}

#[background_worker(interval = Duration::from_secs(3600), missed = delay)]
fn delaying() {}

#[background_worker(interval = TICK * 2, missed = MissedTick::Skip)]
fn expressions() {}

#[background_worker(delay = 1h, initial = 0)]
fn pausing() -> Result<ControlFlow<()>, std::fmt::Error> {
    Ok(ControlFlow::Continue(()))
}

#[background_worker(queue)]
fn items(item: String) {
    drop(item);
}

#[background_worker(queue = 1024)]
fn bounded((a, b): (u8, Vec<u8>), cx: &WorkerContext) -> Result<(), String> {
    let _ = (a, b, cx.name());
    Ok(())
}

#[background_worker(queue = PLACES, priority = Low)]
fn bounded_by_a_constant(_: &'static str, cx: &atasker::WorkerContext, total: &mut u64) {
    *total += cx.run();
}

#[background_worker(event, priority = High, name = "rung", supervisor = task_supervisor())]
fn events() {}

#[background_worker(event, priority = Priority::Critical, on_error = |error| { let _ = error; })]
fn failing() -> Result<(), String> {
    Err("as it must".to_owned())
}

fn main() -> atasker::Result<()> {
    plain.start()?;
    until_broken.start()?;
    late.start()?;
    seconds.start()?;
    fractions.start()?;
    suffixed.start()?;
    suffixed_fraction.start()?;
    minutes.start()?;
    days.start()?;
    text.start()?;
    skipping.start()?;
    bursting.start()?;
    delaying.start()?;
    expressions.start()?;
    pausing.start()?;
    items.start()?;
    bounded.start()?;
    bounded_by_a_constant.start(0)?;
    events.start()?;
    failing.start()?;

    items.put("one".to_owned())?;
    bounded.put((1, vec![2]))?;
    bounded_by_a_constant.put("x")?;
    events.trigger();
    failing.trigger();
    Ok(())
}
