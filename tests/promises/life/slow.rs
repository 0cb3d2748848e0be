//! Tasks that wait too long for a place are told of while they still wait.

use std::sync::mpsc;
use std::time::Duration;

use atasker::{
    Config, Priority, SlowStart, Slowness, Task, TaskStatus, background_task, background_worker, wait_completed,
};

use crate::support::{Gate, PATIENCE, Tested, pool};

const WARN: Duration = Duration::from_millis(20);
const ERROR: Duration = Duration::from_millis(60);

/// A pool whose one place is taken, and which tells of everybody who waits for it from now on.
struct Busy {
    s: Tested,
    gate: Gate,
    blocker: Vec<Task<()>>,
    told: mpsc::Receiver<SlowStart>,
}

fn busy(thresholds: impl FnOnce(Config) -> Config) -> Busy {
    let s = pool(1);
    let (tell, told) = mpsc::channel();
    s.on_slow_start(move |start| _ = tell.send(start.clone()));
    let (gate, blocker) = s.occupy(1, Priority::Normal);
    s.set_config(thresholds(s.config())).unwrap();
    Busy { s, gate, blocker, told }
}

impl Busy {
    /// Lets all of them run, and stops: nobody is told of any more.
    fn end(self, tasks: impl IntoIterator<Item = Task<()>>) {
        self.gate.open();
        wait_completed(self.blocker.into_iter().chain(tasks)).unwrap();
        self.s.stop();
        assert!(self.told.try_recv().is_err());
    }
}

#[test]
fn a_slow_start_is_told_while_it_still_waits_once_as_a_warning_and_once_as_an_error() {
    let busy = busy(|config| config.warn_after(WARN).error_after(ERROR));
    let waiting = background_task(|| ()).name("report").priority(Priority::Low).supervisor(&busy.s).start();
    let mut told: Vec<_> = (0..2).map(|_| busy.told.recv_timeout(PATIENCE).unwrap()).collect();
    assert_eq!(waiting.status(), TaskStatus::Queued);
    // Both at once, if the look comes late.
    told.sort_by_key(|start| start.slowness == Slowness::Error);
    for (start, slowness, least) in [(&told[0], Slowness::Warning, WARN), (&told[1], Slowness::Error, ERROR)] {
        assert_eq!((start.name.as_str(), start.priority, start.slowness), ("report", Priority::Low, slowness));
        assert!(start.waited >= least, "{:?} is early", start.waited);
    }
    busy.end([waiting]);
}

#[test]
fn every_slow_start_is_told_once_workers_too() {
    let busy = busy(|config| config.warn_after(WARN));
    let tasks: Vec<_> = (0..20)
        .map(|n| {
            let named = background_task(|| ()).name(format!("task {n}"));
            named.priority(Priority::ALL[n % 3]).supervisor(&busy.s).start()
        })
        .collect();
    let worker = background_worker(|| ()).event().name("worker").supervisor(&busy.s).start().unwrap();
    assert!(worker.trigger());
    let mut names: Vec<_> = (0..21).map(|_| busy.told.recv_timeout(PATIENCE).unwrap().name).collect();
    names.sort();
    let mut expected: Vec<_> = (0..20).map(|n| format!("task {n}")).chain(["worker".to_owned()]).collect();
    expected.sort();
    assert_eq!(names, expected);
    busy.end(tasks);
}

#[test]
fn who_starts_in_time_or_was_cancelled_is_not_told_of() {
    let busy = busy(|config| config.warn_after(WARN));
    let cancelled = background_task(|| ()).name("cancelled").supervisor(&busy.s).start();
    cancelled.cancel();
    let slow = background_task(|| ()).name("slow").supervisor(&busy.s).start();
    assert_eq!(busy.told.recv_timeout(PATIENCE).unwrap().name, "slow");
    busy.end([slow]);
}

#[test]
fn a_hook_that_panics_hurts_nobody_and_is_replaced_by_the_next() {
    let busy = busy(|config| config.warn_after(WARN));
    let (panicking, panicked) = mpsc::channel();
    busy.s.on_slow_start(move |_| {
        panicking.send(()).unwrap();
        panic!("the hook's own");
    });
    let first = background_task(|| ()).supervisor(&busy.s).start();
    panicked.recv_timeout(PATIENCE).unwrap();
    let (tell, told) = mpsc::channel();
    busy.s.on_slow_start(move |start| tell.send(start.name.clone()).unwrap());
    let second = background_task(|| ()).name("second").supervisor(&busy.s).start();
    assert_eq!(told.recv_timeout(PATIENCE).unwrap(), "second");
    busy.gate.open();
    wait_completed(busy.blocker.into_iter().chain([first, second])).unwrap();
}

#[test]
fn the_hook_may_use_the_supervisor() {
    let busy = busy(|config| config.warn_after(WARN));
    let own = (*busy.s).clone();
    let (tell, told) = mpsc::channel();
    busy.s.on_slow_start(move |_| {
        // More places: the cure for slow starts.
        own.set_config(own.config().pool_size(2)).unwrap();
        tell.send(own.info().queued.total()).unwrap();
    });
    background_task(|| ()).supervisor(&busy.s).start().wait_timeout(PATIENCE).unwrap();
    told.recv_timeout(PATIENCE).unwrap();
    busy.gate.open();
    wait_completed(busy.blocker).unwrap();
    // The hook owns the supervisor: taken out, so that it can go.
    busy.s.on_slow_start(|_| ());
}

/// Each report is told for itself, though those of one look come together.
#[test]
fn a_hook_that_panics_at_one_report_hears_of_the_others() {
    let s = pool(1);
    let (tell, told) = mpsc::channel();
    s.on_slow_start(move |start| {
        tell.send(start.name.clone()).unwrap();
        panic!("at {}", start.name);
    });
    let (gate, blocker) = s.occupy(1, Priority::Normal);
    s.set_config(s.config().warn_after(WARN)).unwrap();
    let tasks: Vec<_> =
        (0..5).map(|number| background_task(|| ()).name(format!("slow {number}")).supervisor(&s).start()).collect();
    let mut names: Vec<_> = (0..5).map(|_| told.recv_timeout(PATIENCE).unwrap()).collect();
    names.sort();
    assert_eq!(names, (0..5).map(|number| format!("slow {number}")).collect::<Vec<_>>());
    gate.open();
    wait_completed(blocker.into_iter().chain(tasks)).unwrap();
}
