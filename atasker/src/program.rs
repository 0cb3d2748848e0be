//! A program's life, as `#[atasker::main]` gives it: the global supervisor is configured and started, the body runs, and
//! whoever started the program gets an exit code once all has stopped.
//!
//! Knows the body only as something that returns.

use std::panic::resume_unwind;
use std::process::{self, ExitCode, Termination};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use crate::config::Config;
use crate::error::{Error, Result, TaskError};
use crate::log;
use crate::panics::contain;
use crate::submit::Lane;
use crate::supervisor::{SignalWatch, StopReport, Supervisor, task_supervisor};

/// How long a stop may take, unless the attribute says otherwise. With what a body has to leave, it is over before the most
/// impatient of those who start programs (Docker: 10 s) kill it, and so its last words are heard.
const GRACE: Duration = Duration::from_secs(8);

/// A body that still runs when the grace is over has this long to return with what the end of the stop tells it.
const LEAVE: Duration = Duration::from_secs(1);

/// What the attribute's keys say.
#[derive(Debug)]
#[must_use]
pub struct Program {
    config: Config,
    grace: Duration,
}

impl Program {
    /// A program whose end takes 8 s at most.
    pub fn new(config: Config) -> Self {
        Self { config, grace: GRACE }
    }

    /// How long its end may take.
    pub fn grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// The life of a program whose `main` is a plain function.
    pub fn run<T: Termination>(self, body: impl FnOnce() -> T) -> ExitCode {
        self.live(|_| body().report())
    }

    /// The life of a program whose `main` is async: it is polled here, with the timers and sockets of the main lane.
    pub fn run_future<F: Future<Output: Termination>>(self, body: impl FnOnce() -> F) -> ExitCode {
        self.live(|supervisor| match Lane::main(supervisor).run_here("main", body()) {
            Ok(result) => result.report(),
            // A stop has had it dropped: that stop's report tells whether all is well.
            Err(Error::Task(TaskError::Cancelled)) => ExitCode::SUCCESS,
            Err(error) => failed(&error),
        })
    }

    fn live(self, body: impl FnOnce(&Supervisor) -> ExitCode) -> ExitCode {
        let supervisor = task_supervisor();
        let (watch, returned) = match self.begin(supervisor) {
            Ok(begun) => begun,
            Err(error) => return failed(&error),
        };
        let ended = contain(|| body(supervisor));
        drop(returned);
        let report = if matches!(ended, Ok(code) if code == ExitCode::SUCCESS) {
            supervisor.block();
            supervisor.stop()
        } else {
            supervisor.stop_timeout(self.grace)
        };
        watch.end();
        match ended {
            Ok(code) => exit_code(code, report),
            Err(panic) => resume_unwind(panic.into_panic()),
        }
    }

    /// Everything before the body. The sender is to be dropped once that has returned.
    fn begin(&self, supervisor: &'static Supervisor) -> Result<(SignalWatch, mpsc::Sender<()>)> {
        supervisor.set_config(self.config.clone())?;
        supervisor.start()?;
        let (returned, when_returned) = mpsc::channel::<()>();
        let grace = self.grace;
        let watch = SignalWatch::begin(supervisor.name(), move || {
            let asked = Instant::now();
            supervisor.stop_timeout(grace);
            // What blocks in the body cannot be ended otherwise, and whoever has sent the signal is not to wait for ever.
            let left = grace.saturating_add(LEAVE).saturating_sub(asked.elapsed());
            if when_returned.recv_timeout(left) == Err(RecvTimeoutError::Timeout) {
                let cure = "have it return when `task_supervisor().block()` or `stop_requested()` does";
                let ran = asked.elapsed();
                log::program_failed(&format_args!("main still runs {ran:.1?} after a signal: {cure}"));
                process::exit(1);
            }
        });
        match watch {
            Ok(watch) => Ok((watch, returned)),
            Err(error) => {
                supervisor.stop_timeout(grace);
                Err(error)
            }
        }
    }
}

/// A failure of the body says more than that of the stop that followed.
fn exit_code(of_body: ExitCode, report: StopReport) -> ExitCode {
    if report.complete {
        return of_body;
    }
    let code = failed(&Error::Incomplete(Box::new(report)));
    if of_body == ExitCode::SUCCESS { code } else { of_body }
}

fn failed(error: &Error) -> ExitCode {
    log::program_failed(error);
    ExitCode::FAILURE
}
