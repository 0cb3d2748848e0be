//! A bounded stop: it names what it gave up on, and what it gave up on disturbs nothing later.

use std::sync::mpsc;
use std::time::{Duration, Instant};

use atasker::{
    Config, Priority, PutError, SupervisorState, TaskError, TaskStatus, WorkerContext, background_task,
    background_worker, is_cancelled, wait_completed,
};

use super::running;
use crate::support::{Gate, PATIENCE, eventually, pool, supervisor};

const BOUND: Duration = Duration::from_millis(50);

#[test]
fn a_task_that_ignores_stop_is_named_and_how_long_it_has_been_running() {
    let s = pool(2);
    let gate = Gate::new();
    let held = gate.clone();
    let begun = Instant::now();
    let task = running(&s, move || held.wait());
    let report = s.stop_timeout(BOUND);
    assert!(begun.elapsed() >= BOUND, "it gave up early");
    assert!(!report.complete);
    assert_eq!(report.ran, 0);
    let [abandoned] = &report.abandoned[..] else { panic!("{report:?}") };
    assert_eq!(abandoned.name, "held");
    assert!(abandoned.running_for >= BOUND && abandoned.running_for <= begun.elapsed());
    assert!(report.to_string().contains("held"), "{report}");
    assert_eq!(s.info().state, SupervisorState::Stopped);
    assert_eq!(s.stop(), report, "who asks later gets the same report");
    gate.open();
    task.wait().unwrap();
}

#[test]
fn a_bounded_stop_that_is_in_time_is_complete() {
    let s = pool(2);
    let tasks: Vec<_> = (0..100).map(|_| background_task(|| ()).supervisor(&s).start()).collect();
    let report = s.stop_timeout(PATIENCE);
    assert_eq!((report.complete, report.ran), (true, 100));
    wait_completed(tasks).unwrap();
}

#[test]
fn what_is_queued_when_the_time_is_over_is_cancelled_and_what_runs_is_asked_to_end() {
    let s = pool(1);
    let (tell, told) = mpsc::channel();
    let task = running(&s, move || {
        while !is_cancelled() {
            std::thread::yield_now();
        }
        tell.send(()).unwrap();
        "late"
    });
    let queued: Vec<_> = (0..20).map(|_| background_task(|| ()).supervisor(&s).start()).collect();
    let worker = background_worker(|_: u64| ()).queue().supervisor(&s).start().unwrap();
    (0..7).for_each(|n| worker.put(n).unwrap());
    let report = s.stop_timeout(BOUND);
    assert_eq!((report.cancelled, report.discarded, report.abandoned.len()), (20, 7, 1));
    assert!(queued.into_iter().all(|task| matches!(task.wait(), Err(TaskError::Cancelled))));
    assert!(!worker.is_running());
    assert_eq!(worker.put(1), Err(PutError::NotRunning(1)));
    told.recv_timeout(PATIENCE).unwrap();
    assert_eq!(task.wait().unwrap(), "late");
}

/// Who is told to end at once ends at once: the picture of what runs must have been taken before that.
#[test]
fn what_ends_as_soon_as_it_is_asked_to_is_named_too() {
    for _ in 0..200 {
        let s = pool(1);
        let task = running(&s, || {
            while !is_cancelled() {
                std::hint::spin_loop();
            }
        });
        let report = s.stop_timeout(Duration::ZERO);
        assert_eq!((report.complete, report.ran, report.abandoned.len()), (false, 0, 1));
        task.wait().unwrap();
    }
}

#[test]
fn after_it_start_works_anew_and_the_late_end_disturbs_nothing() {
    let s = supervisor(Config::new().pool_size(2).reserve_normal(0).reserve_high(0));
    for _ in 0..5 {
        s.start().unwrap();
        let gate = Gate::new();
        let held = gate.clone();
        let abandoned = running(&s, move || held.wait());
        let waits_in_vain = background_task(|| ()).delay(Duration::from_secs(3600)).supervisor(&s).start();
        assert_eq!(s.stop_timeout(Duration::ZERO).abandoned.len(), 1);
        assert!(matches!(waits_in_vain.wait(), Err(TaskError::Cancelled)));

        s.start().unwrap();
        // All places are there again, although the body of the run before still runs.
        let (other_gate, tasks) = s.occupy(2, Priority::Normal);
        let queued = background_task(|| 42).supervisor(&s).start();
        gate.open();
        abandoned.wait().unwrap();
        // Its end gave no place free that was not its own.
        eventually("its thread is gone", || s.threads().len() <= 2);
        let info = s.info();
        assert_eq!((info.active.total(), info.queued.total(), info.threads), (2, 1, 2));
        assert_eq!(queued.status(), TaskStatus::Queued);
        other_gate.open();
        wait_completed(tasks).unwrap();
        assert_eq!(queued.wait().unwrap(), 42);
        let report = s.stop();
        assert_eq!((report.complete, report.ran, report.cancelled), (true, 3, 0));
    }
}

#[test]
fn an_abandoned_worker_is_named_and_can_be_started_once_it_has_ended() {
    let s = pool(2);
    let gate = Gate::new();
    let held = gate.clone();
    let (tell, told) = mpsc::channel();
    let body = move |cx: &WorkerContext| {
        tell.send(cx.run()).unwrap();
        held.wait();
    };
    let worker = background_worker(body).event().name("stubborn").supervisor(&s).start().unwrap();
    assert!(worker.trigger());
    told.recv_timeout(PATIENCE).unwrap();
    let report = s.stop_timeout(BOUND);
    assert_eq!(report.abandoned.len(), 1);
    assert_eq!(report.abandoned[0].name, "stubborn");
    assert!(worker.is_running() && !worker.trigger());

    s.start().unwrap();
    let other = background_worker(|_: u8| ()).queue().supervisor(&s).start().unwrap();
    gate.open();
    eventually("it has ended", || !worker.is_running());
    assert!(other.is_running(), "its end took nobody else out");
    assert_eq!(s.info().state, SupervisorState::Running);
    let report = s.stop();
    assert_eq!((report.complete, report.discarded), (true, 0));
}

/// Workers that only waited for a place are not abandoned: they end with the stop, and are counted out of the queue once.
#[test]
fn queued_workers_leave_nothing_in_the_counts() {
    let s = pool(1);
    let gate = Gate::new();
    let held = gate.clone();
    let task = running(&s, move || held.wait());
    let event = background_worker(|| ()).event().supervisor(&s).start().unwrap();
    let queue = background_worker(|_: u8| ()).queue().supervisor(&s).start().unwrap();
    assert!(event.trigger());
    queue.put(1).unwrap();
    assert_eq!(s.info().queued.normal, 2);
    let report = s.stop_timeout(Duration::ZERO);
    assert_eq!((report.abandoned.len(), report.discarded), (1, 1));
    assert!(!event.is_running() && !queue.is_running());
    assert_eq!(s.info().queued.normal, 0);
    gate.open();
    task.wait().unwrap();

    s.start().unwrap();
    let (gate, tasks) = s.occupy(1, Priority::Normal);
    let queued = background_task(|| ()).supervisor(&s).start();
    assert_eq!(s.info().queued.normal, 1);
    gate.open();
    wait_completed(tasks.into_iter().chain([queued])).unwrap();
}

#[test]
fn an_abandoned_body_may_go_on_to_use_the_supervisor() {
    let s = pool(1);
    let gate = Gate::new();
    let held = gate.clone();
    let own = (*s).clone();
    let task = running(&s, move || {
        held.wait();
        // Of the next run: it waits for its place like everybody's.
        background_task(|| 42).supervisor(&own).start().wait()
    });
    assert!(!s.stop_timeout(Duration::ZERO).complete);
    s.start().unwrap();
    gate.open();
    assert_eq!(task.wait_timeout(PATIENCE).unwrap().unwrap(), 42);
    assert_eq!(s.stop().ran, 1);
}

#[test]
fn nested_bodies_are_named_each() {
    let s = pool(1);
    let gate = Gate::new();
    let (held, own) = (gate.clone(), (*s).clone());
    let (tell, told) = mpsc::channel();
    let outer = move || {
        let inner = move || {
            tell.send(()).unwrap();
            held.wait();
        };
        background_task(inner).name("inner").supervisor(&own).start().wait()
    };
    let outer = background_task(outer).name("outer").supervisor(&s).start();
    told.recv_timeout(PATIENCE).unwrap();
    let report = s.stop_timeout(Duration::ZERO);
    let mut names: Vec<_> = report.abandoned.iter().map(|abandoned| abandoned.name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["inner", "outer"]);
    gate.open();
    outer.wait().unwrap().unwrap();
}
