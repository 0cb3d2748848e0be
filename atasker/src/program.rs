//! A program's life, as `#[atasker::main]` gives it: the global supervisor is configured and started, the body runs, and
//! whoever started the program gets an exit code once all has stopped.
//!
//! Knows the body only as something that returns. Its order:
//!
//! 1. Handlers for signals are installed, before anything else is there that a signal could leave half done.
//! 2. The supervisor is configured and started; an async body gets its runtime, which the main lane shares.
//! 3. The body runs on this thread, and is no body of the supervisor: it may stop it, wait for that, and go on.
//! 4. A body that has returned with success leaves the program to run until a signal comes, or a stop.
//! 5. A signal announces the stop. Nothing is refused as long as the body runs, for the grace at most: what it has begun to
//!    serve, it can finish.
//! 6. The supervisor stops, in what is left of the grace.
//! 7. The runtime of an async body is shut down.

use std::future::poll_fn;
use std::panic::resume_unwind;
use std::pin::pin;
use std::process::{self, ExitCode, Termination};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::sync::{Arc, OnceLock};
use std::task::Poll;
use std::time::{Duration, Instant};

use crate::config::Config;
use crate::error::{Error, Result};
use crate::lane::{Engine, Leash};
use crate::log;
use crate::panics::contain;
use crate::supervisor::{SignalWatch, StopReport, Supervisor, as_main, task_supervisor};

/// How long the end of a program may take, unless the attribute says otherwise. With what follows it, it is over before the
/// most impatient of those who start programs (Docker: 10 s) kill it, and so its last words are heard.
const GRACE: Duration = Duration::from_secs(8);

/// A stop has this long, however much of the grace the body has used; or the whole grace, where that is less.
const LEAST: Duration = Duration::from_secs(1);

/// Beside that, a body that still runs when the grace is over has this long to return: an async one is dropped at its next
/// await, and a plain one may be told by the end of the stop. Half of it is before the stop, half behind.
const LEAVE: Duration = Duration::from_millis(500);

/// What `#[atasker::main]` does at a signal: the value of its key `on_signal`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OnSignal {
    /// Announces the stop, lets the body return, then stops: what was accepted is worked off. The default.
    #[default]
    Drain,
    /// Announces the stop and cancels at once, as [`stop_now`](Supervisor::stop_now): what is queued is cancelled, what runs is
    /// asked to end, and the body's waits give [`Cancelled`](crate::TaskError::Cancelled). For tools on a command line,
    /// whose user has no more use for what they do. The exit code is that of the body, as with `Drain`: 0 where it returns
    /// `Ok`, so return an `Err` where the caller should know that something is missing.
    Cancel,
}

/// What the attribute's keys say.
#[derive(Debug)]
#[must_use]
pub struct Program {
    config: Config,
    grace: Duration,
    on_signal: OnSignal,
}

/// What the thread that hears the signal and the main thread share.
struct Ending {
    grace: Duration,
    on_signal: OnSignal,
    /// When the signal came.
    asked: OnceLock<Instant>,
    /// Pulled when the grace is over: an async body is dropped at its next await.
    leash: Leash,
}

impl Program {
    /// A program whose end takes 8 s, where its body heeds the announcement.
    pub fn new(config: Config) -> Self {
        Self { config, grace: GRACE, on_signal: OnSignal::default() }
    }

    /// How long its end may take.
    pub fn grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// What it does at a signal.
    pub fn on_signal(mut self, on_signal: OnSignal) -> Self {
        self.on_signal = on_signal;
        self
    }

    /// The life of a program whose `main` is a plain function.
    pub fn run<T: Termination>(self, body: impl FnOnce() -> T) -> ExitCode {
        self.live(|_| Ok(()), |(), _| Some(body().report()))
    }

    /// The life of a program whose `main` is async: it is polled here, with the timers and sockets of a runtime that the main
    /// lane shares.
    pub fn run_future<F: Future<Output: Termination>>(self, body: impl FnOnce() -> F) -> ExitCode {
        self.live(MainRuntime::make, |runtime, leash| runtime.run(leash, body).map(Termination::report))
    }

    /// `prepare` makes what `body` runs on, and what goes last. The body gives nothing where it was dropped unfinished.
    fn live<P>(
        self,
        prepare: impl FnOnce(&Supervisor) -> Result<P>,
        body: impl FnOnce(&P, &Leash) -> Option<ExitCode>,
    ) -> ExitCode {
        let supervisor = task_supervisor();
        let Self { config, grace, on_signal } = self;
        let ending = Arc::new(Ending { grace, on_signal, asked: OnceLock::new(), leash: Leash::default() });
        let (begun, when_begun) = mpsc::channel();
        let (returned, when_returned) = mpsc::channel();
        let at_signal = {
            let ending = Arc::clone(&ending);
            move || {
                // A signal that comes before there is anything to stop waits for it.
                if when_begun.recv() == Ok(()) {
                    ending.end(supervisor, &when_returned);
                }
            }
        };
        let watch = match SignalWatch::begin(supervisor.name(), at_signal) {
            Ok(watch) => watch,
            Err(error) => return failed(&error),
        };
        let prepare = || -> Result<P> {
            supervisor.set_config(config)?;
            let prepared = prepare(supervisor)?;
            supervisor.start()?;
            Ok(prepared)
        };
        let prepared = match prepare() {
            Ok(prepared) => prepared,
            Err(error) => {
                // Before the watch goes, which waits for whoever waits for this.
                drop(begun);
                drop(watch);
                return failed(&error);
            }
        };
        _ = begun.send(());

        let ended = contain(|| as_main(|| body(&prepared, &ending.leash)));
        // By its end the signal's thread hears of it.
        drop::<mpsc::Sender<()>>(returned);
        // A signal that comes behind this look announces a stop, by which the wait ends.
        if matches!(ended, Ok(Some(ExitCode::SUCCESS))) && ending.asked.get().is_none() {
            as_main(|| supervisor.block());
        }
        let report = supervisor.stop_timeout(ending.left());
        drop(prepared);
        // Now that nothing is left, and not before: until here a second signal ends the process.
        drop(watch);
        match ended {
            Ok(Some(code)) => exit_code(code, report),
            Ok(None) => exit_code(failed(&still_runs(ending.since())), report),
            Err(panic) => resume_unwind(panic.into_panic()),
        }
    }
}

impl Ending {
    /// A signal has come, and the program is to end. Runs on the thread that waited for the signal.
    fn end(&self, supervisor: &Supervisor, returned: &Receiver<()>) {
        // Before the announcement: whoever has returned by that finds it.
        self.asked.get_or_init(Instant::now);
        supervisor.request_stop();
        if self.on_signal == OnSignal::Cancel {
            supervisor.stop_now_within(self.grace);
        }
        if self.has_returned_within(self.grace, returned) {
            return;
        }
        // An async body is dropped, and its values may want to stop the supervisor themselves, before it refuses what they do.
        self.leash.pull();
        if self.has_returned_within(self.grace.saturating_add(LEAVE / 2), returned) {
            return;
        }
        // What blocks in it may wait for something of ours, and return by its end.
        supervisor.stop_timeout(self.least());
        if self.has_returned_within(self.grace.saturating_add(LEAST + LEAVE), returned) {
            return;
        }
        // It cannot be ended otherwise, and whoever has sent the signal is not to wait for ever.
        log::program_failed(&still_runs(self.since()));
        process::exit(1);
    }

    /// Waits until the body has returned, or that much time has passed since the signal.
    fn has_returned_within(&self, time: Duration, returned: &Receiver<()>) -> bool {
        let left = time.saturating_sub(self.since());
        returned.recv_timeout(left) == Err(RecvTimeoutError::Disconnected)
    }

    /// How long ago the signal came.
    fn since(&self) -> Duration {
        self.asked.get().map_or(Duration::ZERO, Instant::elapsed)
    }

    /// How long the stop may take.
    fn left(&self) -> Duration {
        self.grace.saturating_sub(self.since()).max(self.least())
    }

    fn least(&self) -> Duration {
        LEAST.min(self.grace)
    }
}

/// The runtime that polls an async body and that the main lane shares, unless the user gives that one of his. Stopping the
/// supervisor leaves it, so that the body can go on after that.
struct MainRuntime {
    /// Taken by the drop.
    engine: Option<Engine>,
    /// The start of its threads' names.
    name: String,
}

impl MainRuntime {
    fn make(supervisor: &Supervisor) -> Result<Self> {
        let lane = supervisor.core.lanes.main();
        let engine = lane.make_shared().map_err(|error| Error::Thread(Arc::new(error)))?;
        Ok(Self { engine: Some(engine), name: supervisor.name().to_owned() })
    }

    /// Runs a body to its end, or until it is asked to end: then it is dropped.
    ///
    /// By the runtime's own way to wait, and not by ours: what a blocking verb of ours in the body waits for must not take
    /// a wake-up that was meant for the body.
    fn run<F: Future>(&self, leash: &Leash, body: impl FnOnce() -> F) -> Option<F::Output> {
        let engine = self.engine.as_ref().expect("it is taken by the drop only");
        // What it holds is dropped with timers and sockets too.
        let _inside = engine.handle().enter();
        let mut body = pin!(body());
        engine.block_on(poll_fn(|cx| {
            loop {
                if leash.is_pulled() {
                    return Poll::Ready(None);
                }
                if let Poll::Ready(output) = body.as_mut().poll(cx) {
                    return Poll::Ready(Some(output));
                }
                if leash.stay(cx.waker()) {
                    return Poll::Pending;
                }
            }
        }))
    }
}

impl Drop for MainRuntime {
    /// What the user's `spawn_blocking` holds up is not waited for longer than a moment.
    fn drop(&mut self) {
        if let Some(engine) = self.engine.take() {
            engine.shut_down(&self.name, true);
        }
    }
}

fn still_runs(time: Duration) -> String {
    let cure = "have it return when `task_supervisor().block()` or `stop_requested()` does";
    format!("main still runs {time:.1?} after a signal: {cure}")
}

/// A failure of the body says more than that of the stop that followed.
fn exit_code(of_body: ExitCode, report: StopReport) -> ExitCode {
    if report.complete {
        return of_body;
    }
    let code = failed(&Error::Incomplete(Box::new(report)));
    if of_body == ExitCode::SUCCESS { code } else { of_body }
}

fn failed(error: &dyn std::fmt::Display) -> ExitCode {
    log::program_failed(error);
    ExitCode::FAILURE
}
