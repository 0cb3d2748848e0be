//! A thread for each body, that sleeps until the next tick: by std, by the system's own call, by `spin_sleep`.

use std::{
    thread,
    time::{Duration, Instant},
};

use spin_sleep::SpinSleeper;

use super::{Timer, next_tick};
use crate::{
    peer::Peer,
    scenario::{self, Scenario},
};

pub(crate) static STD_SLEEP: Peer = Peer {
    name: "std-sleep",
    about: "a thread each, `std::thread::sleep` for what is left until the tick",
    runs: &[
        (Scenario::Interval, scenario::each_millisecond::<Threads<Std>>),
        (Scenario::IntervalTen, scenario::each_ten_milliseconds::<Threads<Std>>),
        (Scenario::IntervalFlooded, scenario::beside_floods::<Threads<Std>>),
    ],
};

/// Absolute, and otherwise as std's.
pub(crate) static CLOCK_NANOSLEEP: Peer =
    Peer { name: "clock_nanosleep", about: "a thread each, `clock_nanosleep` until the tick", runs: ABSOLUTE };

/// The same, and the system is asked to be exact.
pub(crate) static CLOCK_NANOSLEEP_SHARP: Peer =
    Peer { name: "clock_nanosleep-1ns", about: "the same with a timer slack of 1 ns", runs: SHARP };

/// Buys its exactness with a core that it keeps busy before each tick.
pub(crate) static SPIN_SLEEP: Peer = Peer {
    name: "spin_sleep",
    about: "a thread each, `SpinSleeper::sleep_until` with its defaults: it spins for the end of each wait",
    runs: &[
        (Scenario::Interval, scenario::each_millisecond::<Threads<SpinSleep>>),
        (Scenario::IntervalTen, scenario::each_ten_milliseconds::<Threads<SpinSleep>>),
        (Scenario::IntervalFlooded, scenario::beside_floods::<Threads<SpinSleep>>),
    ],
};

/// A way of sleeping, made on the thread that will sleep so.
trait Sleeper {
    fn new() -> Self;

    fn until(&self, tick: Instant);
}

struct Threads<S>(std::marker::PhantomData<fn() -> S>);

impl<S: Sleeper + 'static> Timer for Threads<S> {
    fn open() -> &'static Self {
        &Self(std::marker::PhantomData)
    }

    fn start<B>(&'static self, every: Duration, bodies: impl Iterator<Item = (Duration, B)>)
    where
        B: FnMut(Instant) + Send + 'static,
    {
        for (first, mut body) in bodies {
            let mut tick = Instant::now() + first;
            thread::spawn(move || {
                let sleeper = S::new();
                loop {
                    sleeper.until(tick);
                    body(tick);
                    tick = next_tick(tick, every);
                }
            });
        }
    }
}

struct Std;

impl Sleeper for Std {
    fn new() -> Self {
        Self
    }

    fn until(&self, tick: Instant) {
        // `sleep_until` is not stable yet; the rest of the way is what it would sleep.
        thread::sleep(tick.saturating_duration_since(Instant::now()));
    }
}

struct SpinSleep(SpinSleeper);

impl Sleeper for SpinSleep {
    fn new() -> Self {
        Self(SpinSleeper::default())
    }

    fn until(&self, tick: Instant) {
        self.0.sleep_until(tick);
    }
}

#[cfg(not(target_os = "linux"))]
const ABSOLUTE: &[(Scenario, crate::peer::Measure)] = &[];
#[cfg(not(target_os = "linux"))]
const SHARP: &[(Scenario, crate::peer::Measure)] = &[];
#[cfg(target_os = "linux")]
use linux::{ABSOLUTE, SHARP};

#[cfg(target_os = "linux")]
mod linux {
    use std::{num::NonZeroU64, time::Instant};

    use rustix::{
        io::Errno,
        thread::{clock_nanosleep_absolute, set_current_timer_slack},
        time::{ClockId, Timespec, clock_gettime},
    };

    use super::{Sleeper, Threads};
    use crate::{
        peer::Measure,
        scenario::{self, Scenario},
    };

    pub(super) const ABSOLUTE: &[(Scenario, Measure)] = &[
        (Scenario::Interval, scenario::each_millisecond::<Threads<Absolute>>),
        (Scenario::IntervalTen, scenario::each_ten_milliseconds::<Threads<Absolute>>),
        (Scenario::IntervalFlooded, scenario::beside_floods::<Threads<Absolute>>),
    ];
    pub(super) const SHARP: &[(Scenario, Measure)] = &[
        (Scenario::Interval, scenario::each_millisecond::<Threads<Sharp>>),
        (Scenario::IntervalTen, scenario::each_ten_milliseconds::<Threads<Sharp>>),
        (Scenario::IntervalFlooded, scenario::beside_floods::<Threads<Sharp>>),
    ];

    /// An instant, and the same moment as the system names it.
    pub(super) struct Absolute(Instant, Timespec);

    impl Sleeper for Absolute {
        fn new() -> Self {
            Self(Instant::now(), clock_gettime(ClockId::Monotonic))
        }

        fn until(&self, tick: Instant) {
            let Self(instant, moment) = self;
            let from_it = Timespec::try_from(tick.saturating_duration_since(*instant)).expect("a tick is near");
            while clock_nanosleep_absolute(ClockId::Monotonic, &(*moment + from_it)) == Err(Errno::INTR) {}
        }
    }

    pub(super) struct Sharp(Absolute);

    impl Sleeper for Sharp {
        fn new() -> Self {
            set_current_timer_slack(NonZeroU64::new(1)).expect("any process may ask for that");
            Self(Absolute::new())
        }

        fn until(&self, tick: Instant) {
            self.0.until(tick);
        }
    }
}
