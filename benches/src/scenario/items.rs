//! Scenarios 13 and 13b to 13d: u64 items through a queue worker, or through a channel with a thread at its end.

use std::{
    sync::Barrier,
    thread,
    time::{Duration, Instant},
};

use crate::{
    countdown::Countdown,
    peer::Mailbox,
    record::Figures,
    scenario::{Run, repeat},
};

static DONE: Countdown = Countdown::new();

/// Items a bounded mailbox holds.
const BOUND: usize = 1024;

/// Scenario 13: one producer, no bound.
pub(crate) fn from_one<M: Mailbox>(run: &Run) -> Figures {
    one_producer::<M>(run, None)
}

/// Scenario 13b: four producers, no bound.
pub(crate) fn from_four<M: Mailbox>(run: &Run) -> Figures {
    four_producers::<M>(run, None)
}

/// Scenario 13c: one producer that waits while the mailbox is full.
pub(crate) fn bounded_from_one<M: Mailbox>(run: &Run) -> Figures {
    one_producer::<M>(run, Some(BOUND))
}

/// Scenario 13d: four producers that wait while the mailbox is full.
pub(crate) fn bounded_from_four<M: Mailbox>(run: &Run) -> Figures {
    four_producers::<M>(run, Some(BOUND))
}

fn one_producer<M: Mailbox>(run: &Run, bound: Option<usize>) -> Figures {
    measure::<M>(run, bound, |mailbox, items| {
        let start = Instant::now();
        for item in 1..=items {
            mailbox.put(item);
        }
        DONE.wait();
        start.elapsed()
    })
}

fn four_producers<M: Mailbox>(run: &Run, bound: Option<usize>) -> Figures {
    const PRODUCERS: u64 = 4;
    measure::<M>(run, bound, |mailbox, items| {
        let ready = Barrier::new(PRODUCERS as usize + 1);
        thread::scope(|scope| {
            for first in 1..=PRODUCERS {
                let ready = &ready;
                scope.spawn(move || {
                    ready.wait();
                    for item in (first..=items).step_by(PRODUCERS as usize) {
                        mailbox.put(item);
                    }
                });
            }
            ready.wait();
            let start = Instant::now();
            DONE.wait();
            start.elapsed()
        })
    })
}

/// Takes the median of several streams, each with a consumer of its own.
fn measure<M: Mailbox>(run: &Run, bound: Option<usize>, stream: impl Fn(&M, u64) -> Duration) -> Figures {
    let items = run.size(2_000_000, 10_000);
    repeat::rate(run, || {
        DONE.expect(1);
        let (mut count, mut sum) = (0, 0_u64);
        let mailbox = M::open(bound, move |item| {
            count += 1;
            sum += item;
            if count == items {
                assert_eq!(sum, items * (items + 1) / 2, "every item arrives once");
                DONE.hit();
            }
        });
        items as f64 / stream(&mailbox, items).as_secs_f64() / 1e6
    })
}
