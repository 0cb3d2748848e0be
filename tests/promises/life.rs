//! A supervisor's life: lazy start, block, restart, configuration, what it tells of itself, the end of its owners.

mod announced;
mod config;
mod entered;
mod owners;
mod slow;

use std::sync::{Arc, Barrier, mpsc};
use std::task::{Context, Waker};
use std::time::Duration;

use atasker::{
    Config, Error, PutError, Supervisor, SupervisorState, TaskError, TaskStatus, WorkerState, background_future,
    background_task, background_worker, wait_completed,
};

use crate::support::{PATIENCE, eventually, pool, supervisor};

#[test]
fn first_use_starts_it_and_nothing_before_does() {
    let s = pool(2);
    assert_eq!(s.info().state, SupervisorState::Created);
    s.set_config(s.config().pool_size(3)).unwrap();
    assert!(s.threads().is_empty());
    background_task(|| ()).supervisor(&s).start().wait().unwrap();
    assert_eq!(s.info().state, SupervisorState::Running);
}

#[test]
fn a_worker_and_a_delayed_task_are_first_uses_too() {
    let s = pool(1);
    background_worker(|| ()).event().supervisor(&s).start().unwrap();
    assert_eq!(s.info().state, SupervisorState::Running);
    let s = pool(1);
    background_task(|| ()).delay(Duration::from_millis(1)).supervisor(&s).start().wait().unwrap();
    assert_eq!(s.info().state, SupervisorState::Running);
}

#[test]
fn start_is_idempotent() {
    let s = supervisor(Config::new().pool_size(2).min_threads(2));
    let begin = Arc::new(Barrier::new(8));
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                begin.wait();
                s.start().unwrap();
                // Who comes second finds it started, not about to be.
                assert_eq!(s.info().state, SupervisorState::Running);
            });
        }
    });
    assert_eq!((s.info().threads, s.info().totals.largest_threads), (2, 2));
    background_task(|| ()).supervisor(&s).start().wait().unwrap();
    s.start().unwrap();
    eventually("what was counted stays counted", || s.info().totals.completed == 1);
}

#[test]
fn first_use_from_many_threads_at_once_starts_it_once() {
    for _ in 0..50 {
        let s = supervisor(Config::new().pool_size(2).min_threads(2));
        let begin = Barrier::new(16);
        std::thread::scope(|scope| {
            for n in 0..16 {
                let (s, begin) = (&s, &begin);
                scope.spawn(move || {
                    begin.wait();
                    assert_eq!(background_task(move || n).supervisor(s).start().wait().unwrap(), n);
                });
            }
        });
        let report = s.stop();
        assert_eq!((report.ran, s.info().totals.submitted, s.info().totals.rejected), (16, 16, 0));
    }
}

#[test]
fn stop_before_start_stops_it_and_start_begins() {
    let s = pool(1);
    let report = s.stop();
    assert_eq!((report.complete, report.ran), (true, 0));
    assert_eq!(s.info().state, SupervisorState::Stopped);
    assert!(matches!(background_task(|| ()).supervisor(&s).start().wait(), Err(TaskError::Rejected)));
    s.start().unwrap();
    background_task(|| ()).supervisor(&s).start().wait().unwrap();
}

#[test]
fn after_stop_every_verb_refuses_and_everything_comes_back() {
    let s = pool(2);
    let hour = Duration::from_secs(3600);
    let queue = background_worker(|_: String| ()).queue_bounded(1).supervisor(&s).start().unwrap();
    let event = background_worker(|| ()).event().supervisor(&s).start().unwrap();
    let timed = background_worker(|| ()).interval(hour).supervisor(&s).start().unwrap();
    assert!(s.stop().complete);

    let task = background_task(|| ()).supervisor(&s).start();
    assert_eq!(task.status(), TaskStatus::Rejected);
    assert!(matches!(task.wait(), Err(TaskError::Rejected)));
    let delayed = background_task(|| ()).delay(hour).supervisor(&s).start();
    assert!(matches!(delayed.wait(), Err(TaskError::Rejected)));
    let body = background_task(|| "body").supervisor(&s).try_start().unwrap_err().into_inner();
    assert_eq!(body(), "body");
    let delayed_body = background_task(|| "later").delay(hour).supervisor(&s).try_start().unwrap_err().into_inner();
    assert_eq!(delayed_body(), "later");
    background_task(|| ()).supervisor(&s).detach();

    let item = || "item".to_owned();
    assert_eq!(queue.put(item()), Err(PutError::NotRunning(item())));
    assert_eq!(queue.try_put(item()), Err(PutError::NotRunning(item())));
    assert_eq!(queue.put_timeout(item(), PATIENCE), Err(PutError::NotRunning(item())));
    assert!(!event.trigger());
    assert!(!timed.trigger());
    assert!(matches!(timed.set_interval(hour), Err(Error::NotRunning)));
    assert!(matches!(background_worker(|| ()).supervisor(&s).start(), Err(Error::Stopped)));
    for running in [queue.is_running(), event.is_running(), timed.is_running()] {
        assert!(!running);
    }
    let totals = s.info().totals;
    assert_eq!((totals.submitted, totals.rejected), (5, 5));
}

#[test]
fn restart_works_anew_and_workers_stay_stopped_until_started() {
    let s = pool(2);
    let (tell, told) = mpsc::channel();
    let again = tell.clone();
    let event = background_worker(|| ()).event().name("plain").supervisor(&s).start().unwrap();
    let kept = background_worker(move || again.send(()).unwrap()).event().autostart(true).supervisor(&s);
    let kept = kept.start().unwrap();
    for round in 0..5 {
        background_task(|| ()).supervisor(&s).start().wait().unwrap();
        let report = s.stop();
        assert_eq!((report.complete, report.ran), (true, 1), "counted anew in round {round}");
        assert!(!kept.trigger());
        s.start().unwrap();
        assert!(!event.is_running());
        assert!(!event.trigger());
        assert!(kept.is_running());
        assert!(kept.trigger());
        told.recv_timeout(PATIENCE).unwrap();
    }
    assert_eq!(s.info().worker("plain").unwrap().state, WorkerState::Stopped);
}

#[test]
fn block_starts_what_was_never_started_and_returns_at_the_stop() {
    let s = pool(1);
    std::thread::scope(|scope| {
        let blocked = scope.spawn(|| s.block());
        eventually("block has started it", || s.info().state == SupervisorState::Running);
        assert!(!blocked.is_finished());
        background_task(|| ()).supervisor(&s).start().wait().unwrap();
        assert!(!blocked.is_finished());
        s.stop();
        blocked.join().unwrap();
    });
    // And on a stopped one it returns.
    s.block();
    assert_eq!(s.info().state, SupervisorState::Stopped);
}

#[test]
fn block_returns_only_after_the_last_body_has_ended() {
    let s = pool(1);
    let (gate, _blocker) = s.occupy(1, atasker::Priority::Normal);
    std::thread::scope(|scope| {
        let stop = scope.spawn(|| s.stop());
        eventually("a stop is asked for", || s.info().state == SupervisorState::Stopping);
        let blocked = scope.spawn(|| s.block());
        std::thread::yield_now();
        assert!(!blocked.is_finished());
        gate.open();
        blocked.join().unwrap();
        assert!(stop.join().unwrap().complete);
        assert_eq!(s.info().state, SupervisorState::Stopped);
    });
}

#[test]
fn block_inside_a_body_returns_when_a_stop_is_asked_for() {
    let s = Arc::new(pool(1));
    let (tell, told) = mpsc::channel();
    let inner = (**s).clone();
    let body = move || {
        tell.send(()).unwrap();
        inner.block();
        inner.info().state
    };
    let task = background_task(body).supervisor(&s).start();
    told.recv_timeout(PATIENCE).unwrap();
    assert_eq!(task.status(), TaskStatus::Running);
    // The stop waits for the body, and the body for the ask: neither for the other's end.
    assert!(s.stop().complete);
    assert_eq!(task.wait().unwrap(), SupervisorState::Stopping);
}

/// A block that comes while another thread is starting sees that run, and waits for its end.
#[test]
fn block_during_a_start_waits_for_the_run_that_begins() {
    for _ in 0..100 {
        let s = supervisor(Config::new().pool_size(4).min_threads(4));
        let begin = Barrier::new(4);
        std::thread::scope(|scope| {
            let blocked: Vec<_> = (0..3)
                .map(|_| {
                    scope.spawn(|| {
                        begin.wait();
                        s.block();
                        s.info().state
                    })
                })
                .collect();
            begin.wait();
            s.start().unwrap();
            background_task(|| ()).supervisor(&s).start().wait().unwrap();
            s.stop();
            for blocked in blocked {
                assert_eq!(blocked.join().unwrap(), SupervisorState::Stopped, "block returned while it ran");
            }
        });
    }
}

#[test]
fn info_is_exact_at_rest() {
    let s = supervisor(Config::new().pool_size(2).reserve_normal(1).reserve_high(1));
    let hour = Duration::from_secs(3600);
    let (gate, running) = s.occupy(2, atasker::Priority::Low);
    let (other_gate, critical) = s.occupy(1, atasker::Priority::Critical);
    let queued: Vec<_> =
        (0..7).map(|_| background_task(|| ()).priority(atasker::Priority::Low).supervisor(&s).start()).collect();
    let delayed: Vec<_> = (0..3)
        .map(|_| background_task(|| ()).priority(atasker::Priority::High).delay(hour).supervisor(&s).start())
        .collect();
    queued[0].cancel();
    queued[3].cancel();
    delayed[1].cancel();
    let info = s.info();
    assert_eq!((info.active.low, info.active.critical, info.active.total()), (2, 1, 3));
    assert_eq!((info.queued.low, info.queued.total()), (5, 5));
    assert_eq!((info.delayed.high, info.delayed.total()), (2, 2));
    assert_eq!((info.threads, info.totals.submitted, info.totals.cancelled, info.totals.ran()), (3, 13, 3, 0));
    assert_eq!((info.name.as_str(), info.config), (s.name(), s.config()));

    gate.open();
    other_gate.open();
    wait_completed(running.into_iter().chain(critical)).unwrap();
    drop(queued);
    eventually("the pool rests", || s.info().active.total() == 0 && s.info().queued.total() == 0);
    let report = s.stop();
    let info = s.info();
    assert_eq!((info.active.total(), info.queued.total(), info.delayed.total(), info.threads), (0, 0, 0, 0));
    assert_eq!((report.ran, report.cancelled), (8, 5));
    assert_eq!((info.totals.completed, info.totals.cancelled, info.totals.submitted), (8, 5, 13));
}

#[test]
fn info_tells_of_every_worker() {
    let s = pool(2);
    let hour = Duration::from_secs(3600);
    let queue = background_worker(|_: u8| ()).queue_bounded(3).name("queue").supervisor(&s).start().unwrap();
    let timed = background_worker(|| ()).interval(hour).name("timed").supervisor(&s).start().unwrap();
    queue.pause();
    queue.put(1).unwrap();
    queue.put(2).unwrap();
    eventually("the first run is over", || {
        let info = timed.info();
        info.runs == 1 && info.state == WorkerState::Idle
    });
    let info = s.info();
    assert_eq!(info.workers.len(), 2);
    let queue = info.worker("queue").unwrap();
    assert_eq!(queue.kind, atasker::WorkerKind::Queue { len: 2, capacity: Some(3) });
    assert_eq!((queue.state, queue.runs), (WorkerState::Paused, 0));
    let timed = info.worker("timed").unwrap();
    assert_eq!(timed.kind, atasker::WorkerKind::Interval(hour));
    assert!(timed.next_run.unwrap() - timed.last_run.unwrap() <= hour);
    assert!(info.worker("nobody").is_none());
}

#[test]
fn clones_are_the_same_supervisor() {
    let s = pool(1);
    let clone: Supervisor = (*s).clone();
    assert!(clone.is_same(&s));
    assert!(!clone.is_same(&pool(1)));
    background_task(|| ()).supervisor(&clone).start().wait().unwrap();
    assert_eq!(s.info().totals.submitted, 1);
}

#[test]
fn a_stop_is_seen_by_those_who_wait_for_it_to_be_requested() {
    let s = pool(1);
    let inside = (*s).clone();
    let server = background_future(async move { inside.stop_requested().await });
    let server = server.supervisor(&s).start();
    eventually("it waits", || server.status() == TaskStatus::Running);
    s.stop();
    server.wait().unwrap();
    // At once on a stopped one; not on one that runs anew.
    futures_executor::block_on(s.stop_requested());
    s.start().unwrap();
    let mut next = Box::pin(s.stop_requested());
    let mut cx = Context::from_waker(Waker::noop());
    assert!(next.as_mut().poll(&mut cx).is_pending());
    s.stop();
    s.start().unwrap();
    assert!(next.as_mut().poll(&mut cx).is_ready(), "the run that it saw has ended");
}
