//! The keys of a schedule.

use std::time::Duration;

use super::super::details::{Align, Jitter};
use super::super::grid::MissedTick;
use super::{WorkerBuilder, kind};
use crate::cron::Tz;
use crate::time::When;

impl<B, K: kind::Timed> WorkerBuilder<B, K> {
    /// How long the first run waits. Default: not at all.
    pub fn initial(mut self, initial: Duration) -> Self {
        self.kind.set_initial(initial);
        self
    }
}

impl<B, K: kind::Planned> WorkerBuilder<B, K> {
    /// Makes each run late by another random amount: up to a duration, or a percentage of the interval or delay. The grid
    /// stays, and no run is early. Default: none.
    pub fn jitter(mut self, jitter: impl Into<Jitter>) -> Self {
        self.options.wishes.jitter = Some(jitter.into());
        self
    }

    /// Whether its runs start to the microsecond: it is called a little early, and its thread is awake in its place for
    /// what is left of the time, some ten microseconds at most runs. For blocking bodies; not with a jitter or a tolerance.
    /// Default: no.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::mpsc;
    /// use std::time::{Duration, Instant};
    /// use atasker::{background_worker, WorkerContext};
    ///
    /// let (tell, told) = mpsc::channel();
    /// let control = background_worker(move |cx: &WorkerContext| tell.send(Instant::now() - cx.due()).unwrap())
    ///     .interval(Duration::from_millis(1))
    ///     .precise(true)
    ///     .start()?;
    /// println!("late by {:?}", told.iter().take(5).collect::<Vec<Duration>>());
    /// control.stop();
    /// # Ok::<(), atasker::Error>(())
    /// ```
    pub fn precise(mut self, precise: bool) -> Self {
        self.options.wishes.precise = precise;
        self
    }

    /// How late its runs may come, so that those of many workers come together and fewer wake-ups serve them all. The grid
    /// stays. Default: from an interval or delay of 100 ms on a thousandth of it, 1 ms at most; else none.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use atasker::background_worker;
    ///
    /// let housekeeping = background_worker(|| println!("tidy up"))
    ///     .interval(Duration::from_secs(60))
    ///     .tolerance(Duration::from_secs(5))
    ///     .start()?;
    /// housekeeping.stop();
    /// # Ok::<(), atasker::Error>(())
    /// ```
    pub fn tolerance(mut self, tolerance: Duration) -> Self {
        self.options.wishes.tolerance = Some(tolerance);
        self
    }
}

impl<B, K: kind::Limited> WorkerBuilder<B, K> {
    /// After so many runs, at least 1, it stops by itself; triggered ones, and those that fail, count too.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::mpsc;
    /// use std::time::Duration;
    /// use atasker::{background_worker, WorkerContext};
    ///
    /// let (tell, told) = mpsc::channel();
    /// background_worker(move |cx: &WorkerContext| tell.send(cx.run()).unwrap())
    ///     .interval(Duration::from_millis(1))
    ///     .times(3)
    ///     .start()?;
    /// assert_eq!(told.iter().collect::<Vec<u64>>(), [1, 2, 3]);      // its end drops the body, and with it the sender
    /// # Ok::<(), atasker::Error>(())
    /// ```
    pub fn times(mut self, times: u64) -> Self {
        self.options.wishes.times = Some(times);
        self
    }

    /// From that moment on, an `Instant` or a `SystemTime`, no run starts, and it stops by itself.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::mpsc;
    /// use std::time::{Duration, Instant};
    /// use atasker::background_worker;
    ///
    /// let (tell, told) = mpsc::channel::<()>();
    /// background_worker(move || drop(tell.send(())))
    ///     .interval(Duration::from_millis(1))
    ///     .until(Instant::now() + Duration::from_millis(5))
    ///     .start()?;
    /// assert!(told.iter().count() <= 5);
    /// # Ok::<(), atasker::Error>(())
    /// ```
    pub fn until(mut self, until: impl Into<When>) -> Self {
        self.options.wishes.until = Some(until.into());
        self
    }
}

impl<B> WorkerBuilder<B, kind::Cron> {
    /// Whose clocks the cron line is read by: a zone by name, `Tz::Local` or `Tz::Utc`. Default: that of the line, which is
    /// UTC for one that was given as a text.
    pub fn tz(mut self, zone: impl Into<Tz>) -> Self {
        self.kind.line = self.kind.line.map(|line| line.tz(zone));
        self
    }
}

impl<B> WorkerBuilder<B, kind::Interval> {
    /// Where its grid stands: at its start, or at the round multiples of the interval on the wall clock. Default:
    /// [`Align::Start`].
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::{Duration, UNIX_EPOCH};
    /// use atasker::{background_worker, Align};
    ///
    /// let quarter = Duration::from_secs(15 * 60);
    /// let collect = background_worker(|| println!("a quarter")).interval(quarter).align(Align::Wall).start()?;
    /// let next = collect.info().next_run().unwrap();
    /// assert_eq!(next.duration_since(UNIX_EPOCH).unwrap().as_secs() % (15 * 60), 0);
    /// collect.stop();
    /// # Ok::<(), atasker::Error>(())
    /// ```
    pub fn align(mut self, align: Align) -> Self {
        self.options.wishes.align = align;
        self
    }

    /// What it does about ticks that passed while it could not run. Default: [`MissedTick::Skip`].
    pub fn missed(mut self, missed: MissedTick) -> Self {
        self.kind.missed = missed;
        self
    }
}
