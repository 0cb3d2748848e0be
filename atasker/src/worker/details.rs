//! What few workers are started with: how their ticks are moved, and when they end. In a box of its own, so that the
//! others stay small.

use std::num::NonZeroU64;
use std::time::{Duration, Instant, SystemTime};

use super::grid::MissedTick;
use super::plan::{Kind, Now};
use crate::error::ConfigError;
use crate::time::When;

/// By how much the ticks of a timed worker are made late, each by another random amount, so that many programs that
/// started together do not all act at once.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use atasker::{background_worker, Jitter};
///
/// let minute = Duration::from_secs(60);
/// let a = background_worker(|| ()).interval(minute).jitter(Duration::from_secs(2)).start()?;
/// let b = background_worker(|| ()).interval(minute).jitter(Jitter::percent(10)).start()?;
/// # a.stop();
/// # b.stop();
/// # Ok::<(), atasker::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Jitter(Amount);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Amount {
    UpTo(Duration),
    Percent(u8),
}

impl Jitter {
    /// Up to that much of the interval or delay, from 1 to 100 per cent. Of a cron line or a schedule there is no
    /// percentage: give a duration.
    pub const fn percent(percent: u8) -> Self {
        Self(Amount::Percent(percent))
    }

    fn of(self, every: Option<Duration>) -> Result<Duration, ConfigError> {
        let refuse = |value: String, cure| Err(ConfigError::new("jitter", value, cure));
        match (self.0, every) {
            (Amount::UpTo(most), Some(every)) if most > every => {
                refuse(format!("{most:?}"), "must not be longer than the interval or delay")
            }
            (Amount::UpTo(most), _) => Ok(most),
            (Amount::Percent(percent @ 1..=100), Some(every)) => Ok(every / 100 * u32::from(percent)),
            (Amount::Percent(percent), Some(_)) => refuse(format!("{percent} %"), "must be from 1 to 100 per cent"),
            (Amount::Percent(percent), None) => {
                refuse(format!("{percent} %"), "must be a duration where there is no interval to take a percentage of")
            }
        }
    }
}

impl From<Duration> for Jitter {
    fn from(most: Duration) -> Self {
        Self(Amount::UpTo(most))
    }
}

/// Where the grid of an interval worker stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Align {
    /// At the start of the worker, which is its first tick. The default.
    #[default]
    Start,
    /// At the round multiples of the interval on the wall clock, counted in UTC: each minute on the minute. The first run
    /// waits for the first of them.
    Wall,
}

/// As a builder collects them.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Wishes {
    pub(super) jitter: Option<Jitter>,
    pub(super) times: Option<u64>,
    pub(super) until: Option<When>,
    pub(super) align: Align,
    pub(super) precise: bool,
    pub(super) tolerance: Option<Duration>,
}

/// As a plan has them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Details {
    /// No more than that.
    jitter: Duration,
    /// As it was wished, for another interval.
    wished: Option<Jitter>,
    /// Runs that are left.
    left: Option<NonZeroU64>,
    until: Option<When>,
    align: Align,
    /// When the tick comes that was planned last, as it looked then: by the clock that never jumps.
    expected: Option<(SystemTime, Instant)>,
    tolerance: Option<Duration>,
    /// How much earlier a precise worker is called, to be awake when its moment comes; zero for others.
    early: Duration,
}

/// A precise worker is called so much earlier at first; later, as it turns out.
const FIRST_EARLY: Duration = Duration::from_micros(60);
/// However long a thread takes to come, more than this is never spent awake for one tick.
const MAX_EARLY: Duration = Duration::from_micros(400);
/// What is to be left over when it has come.
const MARGIN: Duration = Duration::from_micros(4);

impl Wishes {
    /// `None`: there are none, as most often.
    pub(super) fn settle(self, kind: Kind, is_async: bool) -> Result<Option<Box<Details>>, ConfigError> {
        let Self { jitter, times, until, align, precise, tolerance } = self;
        let every = match kind {
            Kind::Interval { every, .. } | Kind::Delay { gap: every } => Some(every),
            _ => None,
        };
        let left = match times.map(NonZeroU64::new) {
            None => None,
            Some(Some(times)) => Some(times),
            Some(None) => {
                return Err(ConfigError::new("times", "0".into(), "must be at least 1: leave it out for no limit"));
            }
        };
        let wished = jitter;
        let jitter = jitter.map(|jitter| jitter.of(every)).transpose()?.filter(|jitter| !jitter.is_zero());
        check_tolerance(tolerance, every)?;
        let refused = match (align, kind) {
            (Align::Wall, Kind::Interval { missed: MissedTick::Delay, .. }) => {
                Some(("align", "Wall", "holds the grid, which `missed = delay` moves: leave one of them out"))
            }
            _ if precise && jitter.is_some() => {
                Some(("precise", "true", "is to the microsecond, and a jitter makes it late: leave one of them out"))
            }
            _ if precise && tolerance.is_some() => {
                Some(("precise", "true", "is to the microsecond, and a tolerance makes it late: leave one of them out"))
            }
            _ if precise && is_async => {
                Some(("precise", "true", "is for blocking bodies, since a runtime's threads are not to be kept awake"))
            }
            _ => None,
        };
        if let Some((field, value, cure)) = refused {
            return Err(ConfigError::new(field, value.into(), cure));
        }
        let any = jitter.is_some() || left.is_some() || until.is_some() || tolerance.is_some() || precise;
        let early = if precise { FIRST_EARLY } else { Duration::ZERO };
        let tolerance = if precise { Some(Duration::ZERO) } else { tolerance };
        let jitter = jitter.unwrap_or_default();
        let details = || Box::new(Details { jitter, wished, left, until, align, expected: None, tolerance, early });
        Ok((any || align == Align::Wall).then(details))
    }
}

/// A tick that may come later than the next one is due is none.
fn check_tolerance(tolerance: Option<Duration>, every: Option<Duration>) -> Result<(), ConfigError> {
    match (tolerance, every) {
        (Some(most), Some(every)) if most > every => {
            Err(ConfigError::new("tolerance", format!("{most:?}"), "must not be longer than the interval or delay"))
        }
        _ => Ok(()),
    }
}

impl Details {
    /// Another interval or gap.
    pub(super) fn fit(&mut self, every: Duration) -> Result<(), ConfigError> {
        check_tolerance(self.tolerance, Some(every))?;
        if let Some(wished) = self.wished {
            self.jitter = wished.of(Some(every))?;
        }
        Ok(())
    }

    /// A tick is planned.
    pub(super) fn note_planned(&mut self, next: Option<When>, now: Now) {
        self.expected = match next {
            Some(next @ When::Wall(at)) => now.deadline(next).instant().map(|expected| (at, expected)),
            _ => None,
        };
    }

    /// Whether more time than that has passed on the wall clock since that tick, beyond what has passed by the other clock.
    pub(super) fn is_ahead_by(&self, by: Duration, tick: SystemTime, now: Now) -> bool {
        let Some((_, expected)) = self.expected.filter(|(planned, _)| *planned == tick) else { return false };
        let passed_on_wall = now.wall().duration_since(tick).unwrap_or_default();
        passed_on_wall >= now.at.saturating_duration_since(expected).saturating_add(by)
    }

    pub(super) fn is_aligned(&self) -> bool {
        self.align == Align::Wall
    }

    pub(super) fn read_wall(&self) -> bool {
        self.is_aligned() || matches!(self.until, Some(When::Wall(_)))
    }

    pub(super) fn until(&self) -> Option<When> {
        self.until
    }

    pub(super) fn tolerance(&self) -> Option<Duration> {
        self.tolerance
    }

    pub(super) fn early(&self) -> Duration {
        self.early
    }

    /// Is never called early.
    pub(super) fn be_in_time(&mut self) {
        self.early = Duration::ZERO;
    }

    /// A run has ended: whether it was the last.
    pub(super) fn was_last_run(&mut self) -> bool {
        match self.left.map(|left| NonZeroU64::new(left.get() - 1)) {
            Some(left @ Some(_)) => self.left = left,
            Some(None) => return true,
            None => {}
        }
        false
    }

    /// When the clock is to call for a tick.
    pub(super) fn call_for(&self, tick: When) -> When {
        if !self.early.is_zero() {
            return match tick {
                When::At(at) => When::At(at.checked_sub(self.early).unwrap_or(at)),
                When::Wall(at) => When::Wall(at.checked_sub(self.early).unwrap_or(at)),
            };
        }
        if self.jitter.is_zero() {
            return tick;
        }
        let late = self.jitter.mul_f64(fastrand::f64());
        match tick {
            When::At(at) => When::At(at.checked_add(late).unwrap_or(at)),
            When::Wall(at) => When::Wall(at.checked_add(late).unwrap_or(at)),
        }
    }

    /// Called early for a tick that is due then, the worker had a thread at `now`.
    ///
    /// Up fast and down slow, so that nearly all come in time: what is left over is spent awake. Where it goes down twice as
    /// slowly, that is more for nothing; twice as fast, one in a hundred comes 100 µs late.
    pub(super) fn learn(&mut self, due: Instant, now: Instant) {
        let left = due.saturating_duration_since(now);
        self.early = if left < MARGIN {
            (self.early + self.early / 4 + now.saturating_duration_since(due) / 4).min(MAX_EARLY)
        } else {
            self.early - (left - MARGIN).min(self.early / 2) / 32
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settle(wishes: Wishes) -> Result<Option<Box<Details>>, ConfigError> {
        let kind = Kind::Interval { every: Duration::from_secs(1), missed: MissedTick::Skip };
        wishes.settle(kind, false)
    }

    #[test]
    fn a_jitter_is_late_by_no_more_than_it_says_and_by_another_amount_each_time() {
        let jitter = Some(Jitter::percent(10));
        let details = settle(Wishes { jitter, ..Wishes::default() }).expect("it is sound").expect("it has a jitter");
        let due = Instant::now();
        let late: Vec<Duration> = (0..1000)
            .map(|_| match details.call_for(When::At(due)) {
                When::At(at) => at - due,
                When::Wall(_) => unreachable!("it stays on its clock"),
            })
            .collect();
        let most = Duration::from_millis(100);
        assert!(late.iter().all(|late| *late <= most));
        assert!(late.iter().any(|late| *late < most / 4) && late.iter().any(|late| *late > most / 4 * 3));
    }

    #[test]
    fn a_precise_worker_is_called_as_much_earlier_as_it_takes() {
        let wishes = Wishes { precise: true, ..Wishes::default() };
        let mut details = settle(wishes).expect("it is sound").expect("it is precise");
        let due = Instant::now() + Duration::from_secs(1);
        for took in [Duration::from_micros(20), Duration::from_micros(200), Duration::from_micros(5)] {
            for _ in 0..2_000 {
                let called = due - details.early();
                details.learn(due, called + took);
            }
            let spent = details.early().checked_sub(took).expect("it comes in time");
            assert!(spent <= MARGIN * 20, "{spent:?} awake for {took:?}");
        }
        (0..100).for_each(|_| details.learn(due, due + Duration::from_secs(1)));
        assert_eq!(details.early(), MAX_EARLY);
    }
}
