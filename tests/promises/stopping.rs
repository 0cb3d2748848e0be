//! Stopping: what is drained, what is cancelled, who waits, and what the report says.

mod beside;
mod bounded;
mod lossless;
mod sharp;
mod together;

use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use atasker::{
    Priority, PutError, StopReport, Supervisor, SupervisorState, TaskError, TaskStatus, WorkerContext, WorkerState,
    background_task, background_worker, is_cancelled,
};

use crate::support::{Gate, PATIENCE, Tested, eventually, pool};

const HOUR: Duration = Duration::from_secs(3600);

/// Starts a task that tells when it runs, and then runs `body`.
fn running<T: Send + 'static>(s: &Supervisor, body: impl FnOnce() -> T + Send + 'static) -> atasker::Task<T> {
    let (tell, told) = mpsc::channel();
    let body = move || {
        tell.send(()).unwrap();
        body()
    };
    let task = background_task(body).name("held").supervisor(s).start();
    told.recv_timeout(PATIENCE).unwrap();
    task
}

/// Stops it by `stop` on a thread, and opens the gate once the stop is asked for.
fn stop_and_open(s: &Tested, gate: &Gate, stop: impl FnOnce(&Supervisor) -> StopReport + Send) -> StopReport {
    std::thread::scope(|scope| {
        let stopping = scope.spawn(|| stop(s));
        eventually("a stop is asked for", || s.info().state == SupervisorState::Stopping);
        gate.open();
        stopping.join().unwrap()
    })
}

#[test]
fn stop_drains_what_is_queued_and_cancels_what_is_delayed() {
    let s = pool(1);
    let (gate, blocker) = s.occupy(1, Priority::Normal);
    let queued: Vec<_> = (0..100).map(|n| background_task(move || n).supervisor(&s).start()).collect();
    let delayed: Vec<_> = (0..10).map(|_| background_task(|| ()).delay(HOUR).supervisor(&s).start()).collect();
    let report = stop_and_open(&s, &gate, |s| s.stop());
    assert_eq!((report.complete, report.ran, report.cancelled, report.discarded), (true, 101, 10, 0));
    assert!(report.abandoned.is_empty());
    for (n, task) in queued.into_iter().enumerate() {
        assert_eq!(task.try_result().unwrap(), n);
    }
    for task in delayed {
        assert_eq!(task.status(), TaskStatus::Cancelled);
        assert!(matches!(task.wait(), Err(TaskError::Cancelled)));
    }
    blocker.into_iter().for_each(|task| task.wait().unwrap());
}

#[test]
fn delayed_tasks_are_cancelled_at_the_ask_and_not_at_the_end() {
    let s = pool(1);
    let (gate, _blocker) = s.occupy(1, Priority::Normal);
    let delayed = background_task(|| ()).delay(HOUR).supervisor(&s).start();
    std::thread::scope(|scope| {
        let stopping = scope.spawn(|| s.stop());
        // Returns while the blocker still holds the stop up.
        assert!(matches!(delayed.wait_timeout(PATIENCE), Err(atasker::WaitError::Failed(TaskError::Cancelled))));
        assert!(!stopping.is_finished());
        gate.open();
        stopping.join().unwrap();
    });
}

/// What accepted work starts is accepted, but for what the clock would have to bring, and new workers.
#[test]
fn from_the_ask_on_bodies_are_served_and_callers_refused() {
    let s = pool(2);
    let own = (*s).clone();
    let queue = background_worker(|_: u8| ()).queue().supervisor(&s).start().unwrap();
    let event = background_worker(|| ()).event().supervisor(&s).start().unwrap();
    let timed = background_worker(|| ()).interval(HOUR).initial(HOUR).supervisor(&s).start().unwrap();
    let (gate, (put, trigger)) = (Gate::new(), (queue.clone(), event.clone()));
    let held = gate.clone();
    let body = move || {
        held.wait();
        let task = background_task(|| 42).supervisor(&own).start();
        let delayed = background_task(|| ()).delay(HOUR).supervisor(&own).start();
        let worker = background_worker(|| ()).supervisor(&own).start();
        assert!(!timed.trigger() && worker.is_err() && own.start().is_err());
        assert!(matches!(delayed.wait(), Err(TaskError::Rejected)));
        (task.wait().unwrap(), put.put(7), trigger.trigger())
    };
    let task = running(&s, body);
    std::thread::scope(|scope| {
        let stopping = scope.spawn(|| s.stop());
        eventually("a stop is asked for", || s.info().state == SupervisorState::Stopping);
        eventually("its workers drain", || {
            [&queue.info(), &event.info()].iter().all(|worker| worker.state == WorkerState::Stopping)
        });
        assert_eq!(queue.try_put(1), Err(PutError::NotRunning(1)));
        let rejected = background_task(|| "back").supervisor(&s).try_start().unwrap_err();
        assert_eq!((rejected.into_inner()(), event.trigger()), ("back", false));
        gate.open();
        let report = stopping.join().unwrap();
        assert_eq!((report.complete, report.ran, report.rejected, report.errors), (true, 2, 2, 0));
    });
    assert_eq!(task.wait().unwrap(), (42, Ok(()), true));
    assert_eq!((queue.info().runs, event.info().runs), (1, 1));
}

#[test]
fn a_queued_task_may_still_be_waited_for_by_a_body_during_a_stop() {
    let s = pool(1);
    let own = (*s).clone();
    let (tell, told) = mpsc::channel();
    let body = move || {
        let nested = background_task(|| 42).supervisor(&own).start();
        tell.send(()).unwrap();
        own.block();
        nested.wait().unwrap()
    };
    let task = background_task(body).supervisor(&s).start();
    told.recv_timeout(PATIENCE).unwrap();
    assert_eq!(s.stop().ran, 2);
    assert_eq!(task.wait().unwrap(), 42);
}

#[test]
fn workers_end_after_the_run_under_way_and_queue_workers_after_what_is_queued() {
    let s = pool(1);
    let (gate, _blocker) = s.occupy(1, Priority::Normal);
    let seen = Arc::new(Mutex::new(Vec::new()));
    let note = Arc::clone(&seen);
    let queue = background_worker(move |n: u32| note.lock().unwrap().push(n)).queue().supervisor(&s).start().unwrap();
    let looping = background_worker(|| ()).supervisor(&s).start().unwrap();
    let timed = background_worker(|| ()).interval(HOUR).initial(HOUR).supervisor(&s).start().unwrap();
    (0..500).for_each(|n| queue.put(n).unwrap());
    let report = stop_and_open(&s, &gate, |s| s.stop());
    assert_eq!((report.complete, report.discarded), (true, 0));
    assert!(seen.lock().unwrap().iter().copied().eq(0..500));
    assert!(!queue.is_running() && !looping.is_running() && !timed.is_running());
    assert!(s.info().workers.iter().all(|worker| worker.state == atasker::WorkerState::Stopped));
}

#[test]
fn a_stop_during_a_long_initial_delay_returns_at_once() {
    let s = pool(1);
    let worker = background_worker(|| ()).interval(HOUR).initial(HOUR).supervisor(&s).start().unwrap();
    assert!(s.stop().complete);
    assert_eq!(worker.info().runs, 0);
}

#[test]
fn stop_inside_a_body_only_asks() {
    type Stop = fn(&Supervisor) -> StopReport;
    let stops: [Stop; 4] = [
        Supervisor::stop,
        |s| s.stop_timeout(HOUR),
        Supervisor::stop_now,
        |s| futures_executor::block_on(s.stop_async()),
    ];
    for stop in stops {
        let s = pool(1);
        let own = (*s).clone();
        let task = running(&s, move || (stop(&own), own.info().state));
        let (report, state) = task.wait_timeout(PATIENCE).unwrap();
        assert!(!report.complete);
        assert_eq!(state, SupervisorState::Stopping);
        // It goes on to its end without anybody waiting for it.
        s.block();
        let report = s.stop();
        assert_eq!((report.complete, report.ran), (true, 1));
    }
}

#[test]
fn stop_inside_a_workers_body_or_hook_only_asks() {
    struct Stopper(mpsc::Sender<bool>);
    impl atasker::Worker for Stopper {
        type Output = ();
        fn run(&mut self, cx: &WorkerContext) {
            self.0.send(cx.supervisor().stop().complete).unwrap();
        }
        fn on_start(&mut self, cx: &WorkerContext) {
            self.0.send(cx.supervisor().info().state != SupervisorState::Running).unwrap();
        }
        fn on_stop(&mut self, cx: &WorkerContext) {
            self.0.send(cx.supervisor().stop_now().complete).unwrap();
        }
    }
    let s = pool(1);
    let (tell, told) = mpsc::channel();
    let worker = background_worker(Stopper(tell)).event().supervisor(&s).start().unwrap();
    assert!(worker.trigger());
    for _ in 0..3 {
        assert!(!told.recv_timeout(PATIENCE).unwrap());
    }
    s.block();
    assert!(s.stop().complete);
}

#[test]
fn stop_in_the_drop_of_what_a_body_captured_waits_not_for_itself() {
    struct StopsOnDrop(Supervisor, mpsc::Sender<bool>);
    impl Drop for StopsOnDrop {
        fn drop(&mut self) {
            self.1.send(self.0.stop().complete).unwrap();
        }
    }
    let s = pool(1);
    let (tell, told) = mpsc::channel();
    let captured = StopsOnDrop((*s).clone(), tell.clone());
    background_task(move || drop(captured)).supervisor(&s).start().wait().unwrap();
    assert!(!told.recv_timeout(PATIENCE).unwrap());
    s.block();

    // A queued one that a stop cancels drops what it captured too, on whatever thread.
    s.start().unwrap();
    let (gate, _blocker) = s.occupy(1, Priority::Normal);
    let captured = StopsOnDrop((*s).clone(), tell);
    let queued = background_task(move || _ = &captured).supervisor(&s).start();
    std::thread::scope(|scope| {
        let stopping = scope.spawn(|| s.stop_now());
        // Only then may the place become free: between the ask and the cancellation it would still start.
        eventually("it is cancelled", || queued.is_finished());
        gate.open();
        stopping.join().unwrap();
    });
    assert!(matches!(queued.wait(), Err(TaskError::Cancelled)));
    told.recv_timeout(PATIENCE).unwrap();
}

#[test]
fn stop_now_cancels_what_is_queued_discards_items_and_asks_what_runs() {
    let s = pool(1);
    let task = running(&s, || {
        while !is_cancelled() {
            std::thread::yield_now();
        }
        "put the tools away"
    });
    let queued: Vec<_> = (0..100).map(|_| background_task(|| ()).supervisor(&s).start()).collect();
    let delayed = background_task(|| ()).delay(HOUR).supervisor(&s).start();
    let items: Vec<_> = [("five", 5), ("three", 3)]
        .into_iter()
        .map(|(name, items)| {
            let worker = background_worker(|_: u64| ()).queue().name(name).supervisor(&s).start().unwrap();
            (0..items).for_each(|n| worker.put(n).unwrap());
            worker
        })
        .collect();
    let report = s.stop_now();
    assert_eq!((report.complete, report.ran, report.cancelled, report.discarded), (true, 1, 101, 8));
    assert_eq!(task.wait().unwrap(), "put the tools away");
    assert!(queued.into_iter().chain([delayed]).all(|task| matches!(task.wait(), Err(TaskError::Cancelled))));
    assert_eq!((items[0].info().discarded, items[1].info().discarded), (5, 3));
    let info = s.info();
    assert_eq!(info.worker("five").unwrap().discarded, 5);
    assert_eq!((info.queued.total(), info.active.total(), info.delayed.total()), (0, 0, 0));
}

#[test]
fn a_putter_that_waits_for_room_gets_its_item_back_from_a_stop() {
    let s = pool(1);
    let (gate, _blocker) = s.occupy(1, Priority::Normal);
    let worker = background_worker(|_: u32| ()).queue_bounded(1).supervisor(&s).start().unwrap();
    worker.put(1).unwrap();
    std::thread::scope(|scope| {
        let (begun, begin) = mpsc::channel();
        let put = scope.spawn({
            let worker = &worker;
            move || {
                begun.send(()).unwrap();
                worker.put(2)
            }
        });
        begin.recv().unwrap();
        let stopping = scope.spawn(|| s.stop_now());
        eventually("what is queued is discarded", || worker.info().discarded == 1);
        gate.open();
        assert_eq!(stopping.join().unwrap().discarded, 1);
        assert_eq!(put.join().unwrap(), Err(PutError::NotRunning(2)));
    });
}

/// Cancelled entries that a stop takes out of the queues are counted out once.
#[test]
fn nothing_is_left_in_the_counts_after_a_stop_with_cancelled_tasks() {
    let s = pool(1);
    for round in 0..3 {
        let task = running(&s, || {
            while !is_cancelled() {
                std::thread::yield_now();
            }
        });
        let queued: Vec<_> = (0..10).map(|_| background_task(|| ()).supervisor(&s).start()).collect();
        queued.iter().take(4).for_each(|task| _ = task.cancel());
        assert_eq!(s.info().queued.total(), 6);
        let report = s.stop_now();
        assert_eq!((report.ran, report.cancelled), (1, 10));
        assert_eq!(s.info().queued.total(), 0, "in round {round}");
        task.wait().unwrap();
        s.start().unwrap();
        assert_eq!(s.info().queued.total(), 0, "after the restart of round {round}");
    }
}

#[test]
fn is_stopped_only_after_the_last_body() {
    let s = pool(4);
    for _ in 0..50 {
        s.start().unwrap();
        let ended = Arc::new(std::sync::atomic::AtomicUsize::new(0));
        for _ in 0..40 {
            let ended = Arc::clone(&ended);
            let body = move || {
                std::thread::yield_now();
                ended.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            };
            background_task(body).supervisor(&s).detach();
        }
        std::thread::scope(|scope| {
            scope.spawn(|| s.stop());
            eventually("it is stopped", || s.info().state == SupervisorState::Stopped);
            assert_eq!(ended.load(std::sync::atomic::Ordering::SeqCst), 40);
        });
    }
}
