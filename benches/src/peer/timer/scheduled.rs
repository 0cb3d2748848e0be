//! `scheduled-thread-pool`: a heap of deadlines behind a lock, on which its threads wait and run what is due.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use scheduled_thread_pool::ScheduledThreadPool;

use super::Timer;
use crate::{
    peer::Peer,
    record::Figures,
    scenario::{self, Run, Scenario},
};

pub(crate) static SCHEDULED: Peer = Peer {
    name: "scheduled-thread-pool",
    about: "`execute_at_fixed_rate` on 2 threads; idle: jobs of an hour",
    runs: &[
        (Scenario::Interval, scenario::each_millisecond::<Scheduled>),
        (Scenario::IntervalTen, scenario::each_ten_milliseconds::<Scheduled>),
        (Scenario::IntervalFlooded, scenario::beside_floods::<Scheduled>),
        (Scenario::ManyIntervals, scenario::many::<Scheduled>),
        (Scenario::Idle, idle),
    ],
};

struct Scheduled(ScheduledThreadPool);

impl Timer for Scheduled {
    fn open() -> &'static Self {
        Box::leak(Box::new(Self(ScheduledThreadPool::new(2))))
    }

    fn start<B>(&'static self, every: Duration, bodies: impl Iterator<Item = (Duration, B)>)
    where
        B: FnMut(Instant) + Send + 'static,
    {
        for (first, mut body) in bodies {
            // It tells no body when it was due. It reads the clock a little later than this, and misses no tick.
            let mut due = Instant::now() + first;
            self.0.execute_at_fixed_rate(first, every, move || {
                body(due);
                due += every;
            });
        }
    }

    fn flood(&'static self, piece: impl Fn() + Send + Sync + 'static) {
        again(&self.0, Arc::new(piece));
    }
}

/// A job that, when it ends, puts itself behind what has become due meanwhile.
fn again(pool: &'static ScheduledThreadPool, piece: Arc<impl Fn() + Send + Sync + 'static>) {
    pool.execute(move || {
        piece();
        again(pool, piece);
    });
}

fn idle(run: &Run) -> Figures {
    const HOUR: Duration = Duration::from_secs(3600);
    let pool = Scheduled::open();
    scenario::idle(run, |workers| pool.start(HOUR, (0..workers).map(|_| (HOUR, |_| {}))))
}
