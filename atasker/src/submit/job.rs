//! The ways in for light jobs.

use std::time::Duration;

use crate::cron::IntoCron;
use crate::error::Result;
use crate::job::Job;
use crate::panics::drop_contained;
use crate::supervisor::Supervisor;
use crate::time::When;

/// Light jobs: closures on a clock by the hundred thousand, each no more than an entry of the supervisor's clock.
///
/// | | light job | timed worker |
/// |---|---|---|
/// | costs | about 100 bytes with its entry | about 600 |
/// | first run | after one period: it is a timer | at once, or after `initial` |
/// | priority | `Normal`; those that are due together share a place for a millisecond at a time | its own, each run admitted by itself |
/// | has | a handle: `cancel`, `is_active`, `next_run`, `runs` | a name, state, errors, hooks, pause, trigger, counters, every key |
/// | body | `FnMut()`; a panic is told and counted, and the job lives on | `Err`s too, with `on_error` |
/// | after a stop | is gone | may be started again |
///
/// They never run on the clock's thread, and none runs twice at once: ticks that pass during a run are missed, and the grid
/// stays. None is early; as with workers, what is planned 100 ms ahead or more may be late by a thousandth of that, 1 ms at
/// most, so that many are woken together.
impl Supervisor {
    /// Runs `body` each `period`, first after one: on a fixed grid from now on, without drift.
    ///
    /// # Errors
    ///
    /// [`Error::Config`](crate::Error::Config) for a period of zero; [`Error::Stopped`](crate::Error::Stopped) once a stop was
    /// asked for; [`Error::Thread`](crate::Error::Thread) where the system gives no thread for the clock;
    /// [`Error::Forked`](crate::Error::Forked) in a fork of the process it was made in.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::mpsc;
    /// use std::time::Duration;
    /// use atasker::task_supervisor;
    ///
    /// let (tell, told) = mpsc::channel();
    /// for session in 0..1000 {
    ///     let tell = tell.clone();
    ///     task_supervisor().every(Duration::from_millis(20), move || tell.send(session).unwrap())?;
    /// }
    /// assert_eq!(told.iter().take(2000).count(), 2000);
    /// assert!(task_supervisor().info().jobs.active >= 1000);
    /// # Ok::<(), atasker::Error>(())
    /// ```
    pub fn every(&self, period: Duration, body: impl FnMut() + Send + 'static) -> Result<Job> {
        match self.core.ensure_running() {
            Ok(()) => self.core.jobs.every(period, body),
            Err(error) => refuse(error, body),
        }
    }

    /// Runs `body` once, at an `Instant` or a `SystemTime`; at once, where that is past.
    ///
    /// By a `SystemTime` it follows the wall clock when that is set. For the result of a run, and for priorities, start a
    /// task with a [`delay`](crate::TaskBuilder::delay).
    ///
    /// # Errors
    ///
    /// As [`every`](Supervisor::every), but for the period.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::mpsc;
    /// use std::time::{Duration, Instant, SystemTime};
    /// use atasker::task_supervisor;
    ///
    /// let (tell, told) = mpsc::channel();
    /// let later = tell.clone();
    /// task_supervisor().at(Instant::now() + Duration::from_millis(2), move || later.send("later").unwrap())?;
    /// task_supervisor().at(SystemTime::now(), move || tell.send("now").unwrap())?;
    /// let mut came = [told.recv().unwrap(), told.recv().unwrap()];
    /// came.sort();
    /// assert_eq!(came, ["later", "now"]);
    /// # Ok::<(), atasker::Error>(())
    /// ```
    pub fn at(&self, when: impl Into<When>, body: impl FnOnce() + Send + 'static) -> Result<Job> {
        match self.core.ensure_running() {
            Ok(()) => self.core.jobs.at(when.into(), body),
            Err(error) => refuse(error, body),
        }
    }

    /// Runs `body` when a cron line says: a text, whose zone is UTC, or a [`Cron`](crate::Cron), which has its own.
    ///
    /// # Errors
    ///
    /// As [`every`](Supervisor::every); [`Error::Config`](crate::Error::Config) says what is wrong with the line or its zone.
    ///
    /// # Examples
    ///
    /// ```
    /// use atasker::{task_supervisor, Cron, When};
    ///
    /// let utc = task_supervisor().cron("0 9 * * Mon-Fri", || println!("good morning"))?;
    /// let prague = Cron::parse("0 9 * * Mon-Fri")?.tz("Europe/Prague");
    /// let prague = task_supervisor().cron(prague, || println!("dobré ráno"))?;
    /// assert!(matches!(utc.next_run(), Some(When::Wall(_))));
    /// assert!(utc.next_run() != prague.next_run());
    /// # Ok::<(), atasker::Error>(())
    /// ```
    pub fn cron(&self, line: impl IntoCron, body: impl FnMut() + Send + 'static) -> Result<Job> {
        let line = line.into_cron().and_then(|line| line.resolve());
        let ready = line.map_err(Into::into).and_then(|line| self.core.ensure_running().map(|()| line));
        match ready {
            Ok(line) => self.core.jobs.cron(line, body),
            Err(error) => refuse(error, body),
        }
    }
}

fn refuse(error: crate::Error, body: impl Sized) -> Result<Job> {
    drop_contained(body);
    Err(error)
}
