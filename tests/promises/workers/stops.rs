//! Stopping one worker: who waits, who only asks, and that nobody waits for himself.

use std::pin::pin;
use std::sync::{Arc, mpsc};
use std::task::{Context, Wake, Waker};
use std::thread::ThreadId;

use atasker::{
    EventWorker, LaneConfig, Priority, StopReport, Supervisor, WorkerContext, background_task, background_worker,
};

use super::HOUR;
use crate::support::{Gate, Tested, eventually, next, pool, returns};

/// An event worker in the middle of a run, which ends when the gate opens.
fn in_a_run(s: &Tested) -> (EventWorker, Gate) {
    let (gate, (entered, is_in)) = (Gate::new(), mpsc::channel());
    let body = {
        let gate = gate.clone();
        move || {
            _ = entered.send(());
            gate.wait();
        }
    };
    let worker = background_worker(body).event().supervisor(s).start().unwrap();
    worker.trigger();
    next(&is_in);
    (worker, gate)
}

#[test]
fn stop_waits_for_the_run_under_way_and_request_stop_does_not() {
    let s = pool(2);
    let (worker, gate) = in_a_run(&s);
    worker.request_stop();
    assert!(worker.is_running(), "until the run has ended");
    let (stopper, (stopped, has_stopped)) = (worker.clone(), mpsc::channel());
    let thread = std::thread::spawn(move || {
        stopper.stop();
        stopped.send(()).unwrap();
    });
    assert!(has_stopped.try_recv().is_err());
    gate.open();
    next(&has_stopped);
    thread.join().unwrap();
    assert!(!worker.is_running());
    worker.stop();
    worker.request_stop();
}

#[test]
fn stop_async_ends_when_the_worker_does() {
    let s = pool(2);
    let (worker, gate) = in_a_run(&s);
    let stopper = worker.clone();
    let never_polled = worker.stop_async();
    drop(never_polled);
    assert!(worker.trigger(), "it asks at its first poll");
    let thread = std::thread::spawn(move || futures_executor::block_on(stopper.stop_async()));
    eventually("it has asked", || !worker.trigger());
    assert!(worker.is_running());
    gate.open();
    returns(move || thread.join().unwrap());
    assert!(!worker.is_running());
    futures_executor::block_on(worker.stop_async());
}

#[test]
fn stop_async_of_an_idle_worker_ends_at_once() {
    let s = pool(1);
    let (gate, _full) = s.occupy(1, Priority::Normal);
    let worker = background_worker(|| ()).interval(HOUR).initial(HOUR).supervisor(&s).start().unwrap();
    let stopped = worker.clone();
    returns(move || futures_executor::block_on(stopped.stop_async()));
    assert!(!worker.is_running());
    gate.open();
}

#[test]
fn a_queued_run_does_not_start_after_a_stop() {
    let s = pool(1);
    let (gate, _full) = s.occupy(1, Priority::Normal);
    let worker = background_worker(|| ()).event().supervisor(&s).start().unwrap();
    worker.trigger();
    let stopped = worker.clone();
    returns(move || stopped.stop());
    gate.open();
    background_task(|| ()).supervisor(&s).start().wait().unwrap();
    assert_eq!(worker.info().runs, 0);
}

#[test]
fn the_supervisors_stop_ends_workers_after_the_run_that_was_promised() {
    let s = pool(2);
    let (worker, gate) = in_a_run(&s);
    let repeating = background_worker(|| ()).supervisor(&s).start().unwrap();
    assert!(worker.trigger(), "a run would come after this one");
    let stopper = Supervisor::clone(&s);
    let stop = std::thread::spawn(move || stopper.stop());
    eventually("the stop is asked for", || !worker.trigger());
    assert!(worker.is_running());
    gate.open();
    assert!(stop.join().unwrap().complete);
    assert!(!worker.is_running() && !repeating.is_running());
    assert_eq!(worker.info().runs, 2);
}

#[test]
fn stops_from_a_workers_own_body_only_ask() {
    let s = pool(1);
    let (send, handle) = mpsc::channel::<EventWorker>();
    let (tell, told) = mpsc::channel::<(bool, StopReport)>();
    let body = move |cx: &WorkerContext| {
        let own = next(&handle);
        own.stop();
        futures_executor::block_on(own.stop_async());
        tell.send((own.is_running(), cx.supervisor().stop())).unwrap();
    };
    let worker = background_worker(body).event().supervisor(&s).start().unwrap();
    send.send(worker.clone()).unwrap();
    worker.trigger();
    let (was_running, report) = next(&told);
    assert!(was_running && !report.complete);
    assert!(s.stop().complete);
    assert!(!worker.is_running());
}

#[test]
fn every_stop_of_the_supervisor_from_a_workers_body_only_asks() {
    type Stop = fn(&Supervisor) -> StopReport;
    let stops: [Stop; 4] = [
        Supervisor::stop,
        Supervisor::stop_now,
        |s| s.stop_timeout(HOUR),
        |s| futures_executor::block_on(s.stop_async()),
    ];
    for stop in stops {
        let s = pool(1);
        let (tell, told) = mpsc::channel();
        let body = move |cx: &WorkerContext| tell.send(stop(cx.supervisor()).complete).unwrap();
        background_worker(body).supervisor(&s).start().unwrap();
        assert!(!next(&told));
        assert!(s.stop().complete);
    }
}

/// All places are taken by the very body that waits: it runs what is left of the worker itself.
#[test]
fn a_stop_from_a_full_pool_works_off_the_queue_itself() {
    let s = pool(1);
    let (tell, told) = mpsc::channel::<(u32, ThreadId)>();
    let body = move |item: u32| tell.send((item, std::thread::current().id())).unwrap();
    let worker = background_worker(body).queue().supervisor(&s).start().unwrap();
    let stopper = worker.clone();
    let task = background_task(move || {
        for item in 0..10 {
            stopper.put(item).unwrap();
        }
        stopper.stop();
        (stopper.is_running(), std::thread::current().id())
    });
    let task = task.supervisor(&s).start();
    let (running, thread) = returns(move || task.wait().unwrap());
    assert!(!running);
    assert_eq!(told.try_iter().collect::<Vec<_>>(), (0..10).map(|item| (item, thread)).collect::<Vec<_>>());
}

#[test]
fn a_stop_from_a_full_pool_ends_a_worker_of_any_kind() {
    let s = pool(1);
    let event = background_worker(|| ()).event().supervisor(&s).start().unwrap();
    let interval = background_worker(|| ()).interval(HOUR).supervisor(&s).start().unwrap();
    let repeating = background_worker(|| ()).supervisor(&s).start().unwrap();
    let task = background_task(move || {
        event.trigger();
        event.stop();
        interval.stop();
        repeating.stop();
        [event.is_running(), interval.is_running(), repeating.is_running()]
    });
    let task = task.supervisor(&s).start();
    assert_eq!(returns(move || task.wait().unwrap()), [false; 3]);
}

#[test]
fn a_stop_of_one_worker_from_the_body_of_another_returns() {
    let s = pool(1);
    let (tell, told) = mpsc::channel();
    let other = background_worker(|_: u32| ()).queue().supervisor(&s).start().unwrap();
    let body = move |cx: &WorkerContext| {
        other.put(1).unwrap();
        other.stop();
        tell.send((other.is_running(), other.info().runs)).unwrap();
        cx.request_stop();
    };
    background_worker(body).supervisor(&s).start().unwrap();
    assert_eq!(next(&told), (false, 1));
}

#[test]
fn many_stops_at_once_all_return_when_it_has_ended() {
    let s = pool(2);
    let (worker, gate) = in_a_run(&s);
    let (tell, told) = mpsc::channel();
    for _ in 0..8 {
        let (stopper, tell) = (worker.clone(), tell.clone());
        std::thread::spawn(move || {
            stopper.stop();
            tell.send(stopper.is_running()).unwrap();
        });
    }
    let inside = worker.clone();
    let task = background_task(move || inside.stop()).supervisor(&s).start();
    gate.open();
    for _ in 0..8 {
        assert!(!next(&told));
    }
    returns(move || task.wait().unwrap());
}

#[test]
fn the_guard_stops_the_worker_when_it_is_dropped() {
    let s = pool(2);
    let (run, runs) = mpsc::channel();
    let worker = background_worker(move |item: u32| run.send(item).unwrap()).queue().supervisor(&s).start().unwrap();
    {
        let guard = worker.stop_on_drop();
        guard.put(1).unwrap();
        assert!(guard.is_running());
        drop(worker.clone());
        assert!(worker.is_running(), "a handle is no guard");
    }
    assert!(!worker.is_running());
    assert_eq!(runs.try_iter().collect::<Vec<_>>(), [1], "as stop does: what was queued has run");
}

/// The state is dropped by the end of the worker, not kept by its handles.
#[background_worker(event)]
fn declared(state: &Arc<()>) {
    _ = state;
}

#[test]
fn the_state_is_gone_when_a_stop_returns_and_no_handle_could_start_it_again() {
    let s = pool(2);
    let state = Arc::new(());
    let held = Arc::clone(&state);
    let worker = background_worker(move || _ = &held).event().supervisor(&s).start().unwrap();
    let held = Arc::clone(&state);
    let queue = background_worker(move |_: Arc<()>| _ = &held).queue().supervisor(&s).start().unwrap();
    queue.pause();
    queue.put(Arc::clone(&state)).unwrap();
    worker.stop();
    queue.stop();
    assert_eq!(Arc::strong_count(&state), 3, "what was queued is gone, the bodies are kept");
    drop((worker, queue));
    assert_eq!(Arc::strong_count(&state), 1);
    declared.on(&s).start(Arc::clone(&state)).unwrap();
    declared.stop();
    assert_eq!(Arc::strong_count(&state), 1, "an attribute's worker starts with new state");
}

/// One that is polled and dropped, as a `select` does, a thousand times.
#[test]
fn a_stop_async_that_is_dropped_leaves_no_waker() {
    struct Nobody;
    impl Wake for Nobody {
        fn wake(self: Arc<Self>) {}
    }
    fn poll_and_drop<F: Future>(stop: F, waker: &Waker) {
        assert!(pin!(stop).poll(&mut Context::from_waker(waker)).is_pending());
    }
    let s = pool(2);
    let (worker, gate) = in_a_run(&s);
    let lane = s.lane("io", LaneConfig::new().threads(1)).unwrap();
    let (open, opened) = tokio::sync::oneshot::channel::<()>();
    let body = lane.start(opened);
    let nobody = Arc::new(Nobody);
    let waker = Waker::from(Arc::clone(&nobody));
    for _ in 0..1_000 {
        poll_and_drop(worker.stop_async(), &waker);
        poll_and_drop(lane.stop_async(), &waker);
        poll_and_drop(s.stop_async(), &waker);
    }
    drop(waker);
    assert_eq!(Arc::strong_count(&nobody), 1);
    gate.open();
    drop(open);
    assert!(body.wait().unwrap().is_err());
}
