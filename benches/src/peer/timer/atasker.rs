//! `atasker`'s other timers: light jobs, and workers that are precise. Its plain workers are beside its tasks.

use std::{
    sync::LazyLock,
    thread,
    time::{Duration, Instant},
};

use atasker::{Config, Priority, Supervisor, WorkerContext, background_task, background_worker};

use super::Timer;
use crate::{
    peer::Peer,
    scenario::{self, Scenario},
};

pub(crate) static JOBS: Peer = Peer {
    name: "atasker-jobs",
    about: "`supervisor.every(..)` for each body, `pool_size` 2",
    runs: &[
        (Scenario::Interval, scenario::each_millisecond::<Jobs>),
        (Scenario::IntervalTen, scenario::each_ten_milliseconds::<Jobs>),
        (Scenario::ManyIntervals, scenario::many::<Jobs>),
    ],
};

pub(crate) static PRECISE: Peer = Peer {
    name: "atasker-precise",
    about: "`background_worker(..).interval(..).precise(true)`, `pool_size` 2",
    runs: &[
        (Scenario::Interval, scenario::each_millisecond::<Precise>),
        (Scenario::IntervalTen, scenario::each_ten_milliseconds::<Precise>),
        (Scenario::IntervalFlooded, scenario::beside_floods::<Precise>),
    ],
};

fn supervisor() -> Supervisor {
    let config = Config::new().pool_size(2).reserve_normal(0).reserve_high(0);
    Supervisor::new("bench", config).expect("the configuration is sound")
}

struct Jobs(Supervisor);

impl Timer for Jobs {
    fn open() -> &'static Self {
        Box::leak(Box::new(Self(supervisor())))
    }

    /// A job's grid begins when it is made: each is made a period before its first tick, where that is still to come.
    fn start<B>(&'static self, every: Duration, bodies: impl Iterator<Item = (Duration, B)>)
    where
        B: FnMut(Instant) + Send + 'static,
    {
        let began = Instant::now();
        for (first, body) in bodies {
            let Some(ahead) = first.checked_sub(every) else {
                let begin = move || on_grid(&self.0, every, body);
                self.0.at(began + first, begin).expect("the supervisor takes jobs");
                continue;
            };
            while let left = (began + ahead).saturating_duration_since(Instant::now())
                && !left.is_zero()
            {
                if left > Duration::from_millis(1) {
                    thread::sleep(left / 2);
                }
            }
            on_grid(&self.0, every, body);
        }
    }
}

/// A job is not told what it is due for, so it counts: in words of 32 bits, for a body no larger than others' are.
fn on_grid(supervisor: &Supervisor, every: Duration, mut body: impl FnMut(Instant) + Send + 'static) {
    static ORIGIN: LazyLock<Instant> = LazyLock::new(Instant::now);
    let micros = every.as_micros() as u32;
    let mut due = ORIGIN.elapsed().as_micros() as u32;
    let body = move || {
        due += micros;
        if micros < 100_000 {
            // Short ones may be missed. Looking at the clock for long ones would be a part of what they cost.
            due += (ORIGIN.elapsed().as_micros() as u32 - due) / micros * micros;
        }
        body(*ORIGIN + Duration::from_micros(due.into()));
    };
    drop(supervisor.every(every, body).expect("the supervisor takes jobs"));
}

/// At a higher priority than what floods their pool.
struct Precise(Supervisor);

impl Timer for Precise {
    fn open() -> &'static Self {
        Box::leak(Box::new(Self(supervisor())))
    }

    fn start<B>(&'static self, every: Duration, bodies: impl Iterator<Item = (Duration, B)>)
    where
        B: FnMut(Instant) + Send + 'static,
    {
        for (first, mut body) in bodies {
            let worker = background_worker(move |cx: &WorkerContext| body(cx.due())).supervisor(&self.0);
            let started = worker.priority(Priority::High).interval(every).initial(first).precise(true).start();
            drop(started.expect("the supervisor takes workers"));
        }
    }

    fn flood(&'static self, piece: impl Fn() + Send + Sync + 'static) {
        again(&self.0, piece);
    }
}

/// A task that begins anew when it has ended, behind whatever waits.
fn again(supervisor: &'static Supervisor, piece: impl Fn() + Send + Sync + 'static) {
    let piece: &'static (dyn Fn() + Send + Sync) = Box::leak(Box::new(piece));
    repeat(supervisor, piece);
}

fn repeat(supervisor: &'static Supervisor, piece: &'static (dyn Fn() + Send + Sync)) {
    let body = move || {
        piece();
        repeat(supervisor, piece);
    };
    background_task(body).supervisor(supervisor).priority(Priority::Low).detach();
}
