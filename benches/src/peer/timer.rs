//! What runs a body on a grid of time: a timer's tasks, a thread that sleeps, a pool with a schedule.

mod atasker;
mod delay_queue;
mod scheduled;
mod sleep;
mod tokio;

use std::{
    thread,
    time::{Duration, Instant},
};

pub(crate) use self::{
    atasker::{JOBS, PRECISE},
    delay_queue::DELAY_QUEUE,
    scheduled::SCHEDULED,
    sleep::{CLOCK_NANOSLEEP, CLOCK_NANOSLEEP_SHARP, SPIN_SLEEP, STD_SLEEP},
    tokio::TOKIO_INTERVAL,
};

/// Something that runs bodies again and again. It is never closed: the child ends with the measurement.
pub(crate) trait Timer: Sized + Send + Sync + 'static {
    fn open() -> &'static Self;

    /// Runs each body so long from now, and from then on every `every`. A body is handed the moment it was planned for.
    ///
    /// Returns once everything that this needs is made.
    fn start<B>(&'static self, every: Duration, bodies: impl Iterator<Item = (Duration, B)>)
    where
        B: FnMut(Instant) + Send + 'static;

    /// Keeps one more of the threads that bodies run on busy with `piece` after `piece`; where bodies have a thread each,
    /// a thread of its own.
    fn flood(&'static self, piece: impl Fn() + Send + Sync + 'static) {
        thread::spawn(move || {
            loop {
                piece();
            }
        });
    }
}

/// The tick after `tick`, or where that has passed, the last one that has.
fn next_tick(tick: Instant, every: Duration) -> Instant {
    let passed = Instant::now().saturating_duration_since(tick).as_nanos() / every.as_nanos();
    tick + every * u32::try_from(passed).unwrap_or(u32::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_stay_on_the_grid() {
        const EVERY: Duration = Duration::from_secs(1);
        let now = Instant::now();
        assert_eq!(next_tick(now, EVERY), now + EVERY);
        let long_ago = now.checked_sub(Duration::from_millis(3_500)).expect("the machine has been up for that long");
        assert_eq!(next_tick(long_ago, EVERY), long_ago + 3 * EVERY);
    }
}
