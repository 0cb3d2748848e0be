//! Every key of a worker's schedule, in every form it takes.

use std::time::{Duration, Instant, SystemTime};

use atasker::{Align, Cron, Jitter, Schedule, ScheduleContext, Tz, When, background_worker};

const LINE: &str = "*/5 * * * *";
const SHAKE: Jitter = Jitter::percent(5);
const RUNS: u64 = 3;
const OFFICE: Tz = Tz::Local;

struct Doubling(Duration);

impl Schedule for Doubling {
    fn next(&mut self, cx: &ScheduleContext) -> Option<When> {
        self.0 *= 2;
        Some(When::At(cx.now() + self.0))
    }
}

fn night() -> Cron {
    Cron::parse("0 3 * * *").unwrap().tz("Europe/Prague")
}

#[background_worker(cron = "0 9 * * Mon-Fri", tz = "Europe/Prague")]
fn mornings() {}

#[background_worker(cron = "@daily", tz = Local, jitter = 30s)]
fn daily() {}

#[background_worker(cron = LINE, tz = Utc, times = 5)]
fn by_a_constant() {}

#[background_worker(cron = night(), initial = 1h)]
fn by_an_expression() {}

#[background_worker(cron = "*/10 * * * * *", tz = OFFICE, precise)]
fn exact() {}

#[background_worker(schedule = Doubling(Duration::from_secs(1)), tolerance = 100ms)]
fn doubling() {}

#[background_worker(schedule = |cx: &ScheduleContext| Some(When::Wall(cx.wall() + Duration::from_secs(1))))]
async fn by_a_closure() {}

#[background_worker(interval = 1m, jitter = 10%, times = 3)]
fn shaken() {}

#[background_worker(delay = 1, jitter = SHAKE, times = RUNS)]
fn shaken_by_a_constant() {}

#[background_worker(interval = 15m, align = wall, missed = burst)]
fn aligned() {}

#[background_worker(interval = 1, align = Align::Start, tolerance = 0)]
fn aligned_to_its_start() {}

#[background_worker(interval = 1ms, precise, until = Instant::now() + Duration::from_millis(1))]
fn precise() {}

#[background_worker(until = SystemTime::now(), times = 1_000u64)]
fn looping() {}

#[background_worker(event, times = 1)]
fn once() {}

fn main() -> atasker::Result<()> {
    mornings.start()?;
    daily.start()?;
    by_a_constant.start()?;
    by_an_expression.start()?;
    exact.start()?;
    doubling.start()?;
    by_a_closure.start()?;
    shaken.start()?;
    shaken_by_a_constant.start()?;
    aligned.start()?;
    aligned_to_its_start.start()?;
    precise.start()?;
    looping.start()?;
    once.start()?;
    assert!(mornings.info().next_run() > Some(SystemTime::now()));
    assert!(daily.trigger() && once.trigger());
    mornings.instance("others").start()?;
    Ok(())
}
