//! Starting workers, on supervisors in every state, and their life beside handles.

use std::sync::{Arc, mpsc};

use atasker::{
    Config, Error, EventWorker, Priority, Supervisor, SupervisorState, WorkerContext, background_task,
    background_worker,
};

use super::HOUR;
use crate::support::{Gate, next, pool, returns, supervisor};

#[test]
fn the_first_worker_starts_the_supervisor() {
    let s = pool(1);
    assert_eq!(s.info().state, SupervisorState::Created);
    let worker = background_worker(|| ()).event().supervisor(&s).start().unwrap();
    assert_eq!(s.info().state, SupervisorState::Running);
    assert!(worker.is_running());
}

#[test]
fn a_stopped_supervisor_takes_no_worker_and_its_state_is_dropped() {
    let s = pool(1);
    s.stop();
    let state = Arc::new(());
    let held = || Arc::clone(&state);
    let refused = [
        background_worker({
            let held = held();
            move || _ = &held
        })
        .supervisor(&s)
        .start()
        .map(drop),
        background_worker({
            let held = held();
            move || _ = &held
        })
        .interval(HOUR)
        .supervisor(&s)
        .start()
        .map(drop),
        background_worker({
            let held = held();
            move || _ = &held
        })
        .delay(HOUR)
        .supervisor(&s)
        .start()
        .map(drop),
        background_worker({
            let held = held();
            move || _ = &held
        })
        .event()
        .supervisor(&s)
        .start()
        .map(drop),
        background_worker({
            let held = held();
            move |_: u8| _ = &held
        })
        .queue()
        .supervisor(&s)
        .start()
        .map(drop),
    ];
    for error in refused {
        assert!(matches!(error, Err(Error::Stopped)), "{error:?}");
    }
    assert_eq!(Arc::strong_count(&state), 1);
    s.start().unwrap();
    background_worker(|| ()).event().supervisor(&s).start().unwrap();
}

#[test]
fn a_stopping_supervisor_takes_no_worker() {
    let s = pool(1);
    let (gate, _full) = s.occupy(1, Priority::Normal);
    let stopper = Supervisor::clone(&s);
    let stop = std::thread::spawn(move || stopper.stop());
    crate::support::eventually("it is stopping", || s.info().state == SupervisorState::Stopping);
    let refused = background_worker(|| ()).event().supervisor(&s).start();
    assert!(matches!(refused, Err(Error::Stopped)));
    gate.open();
    assert!(stop.join().unwrap().complete);
}

#[test]
fn a_body_starts_and_stops_workers() {
    let s = pool(1);
    let (tell, told) = mpsc::channel();
    let body = move |cx: &WorkerContext| {
        let inner = background_worker(|_: u8| ()).queue().supervisor(cx.supervisor()).start().unwrap();
        inner.put(1).unwrap();
        inner.stop();
        tell.send(inner.info().runs).unwrap();
        cx.request_stop();
    };
    background_worker(body).supervisor(&s).start().unwrap();
    assert_eq!(next(&told), 1);
}

#[test]
fn a_worker_runs_on_when_its_handle_is_dropped_and_nothing_leaks() {
    let s = pool(2);
    let (run, runs) = mpsc::sync_channel(0);
    let state = Arc::new(());
    let held = Arc::clone(&state);
    let body = move || {
        _ = &held;
        _ = run.send(());
    };
    drop(background_worker(body).name("detached").supervisor(&s).start().unwrap());
    for _ in 0..10 {
        next(&runs);
    }
    assert!(s.info().worker("detached").is_some());
    drop(runs);
    assert!(s.stop().complete);
    assert_eq!(Arc::strong_count(&state), 1, "its state is gone");
    assert!(s.info().workers.is_empty(), "and it is forgotten");
}

#[test]
fn a_handle_kept_by_its_own_state_does_not_outlive_the_supervisor() {
    let s = pool(2);
    let (send, handle) = mpsc::channel::<EventWorker>();
    let state = Arc::new(());
    let held = Arc::clone(&state);
    let mut own = None;
    let body = move || {
        _ = (&held, own.get_or_insert_with(|| next(&handle)));
    };
    let worker = background_worker(body).event().supervisor(&s).start().unwrap();
    send.send(worker.clone()).unwrap();
    worker.trigger();
    drop((worker, send));
    s.stop();
    // The handle might start it again, as long as anybody could start the supervisor.
    drop(s);
    assert_eq!(Arc::strong_count(&state), 1);
}

/// A worker does not keep its supervisor; the drop of the last handle asks for a stop.
#[test]
fn a_worker_ends_when_the_last_supervisor_handle_is_dropped() {
    let s = Supervisor::new("dropped", Config::new().pool_size(1)).unwrap();
    let (tell, told) = mpsc::channel::<()>();
    let body = move |_: &WorkerContext| _ = &tell;
    let worker = background_worker(body).interval(HOUR).supervisor(&s).start().unwrap();
    drop(s);
    assert!(told.recv().is_err(), "its state is dropped");
    returns(move || {
        worker.stop();
        assert!(!worker.is_running());
    });
}

#[test]
fn ten_thousand_workers_start_and_stop() {
    let s = pool(4);
    let started = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let workers: Vec<_> = (0..10_000_u32)
        .map(|number| {
            let started = Arc::clone(&started);
            let body = move || _ = started.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            let builder = background_worker(body).name(format!("w{number}")).interval(HOUR).supervisor(&s);
            if number % 2 == 0 { builder.start().unwrap() } else { builder.initial(HOUR).start().unwrap() }
        })
        .collect();
    assert_eq!(s.info().workers.len(), 10_000);
    crate::support::eventually("half of them have run", || started.load(std::sync::atomic::Ordering::Relaxed) == 5000);
    for worker in &workers[..1000] {
        worker.stop();
    }
    assert_eq!(s.info().workers.iter().filter(|info| info.state == atasker::WorkerState::Stopped).count(), 1000);
    let stopper = Supervisor::clone(&s);
    assert!(returns(move || stopper.stop()).complete);
    assert!(workers.iter().all(|worker| !worker.is_running()));
    drop(workers);
    assert!(s.info().workers.is_empty());
}

#[test]
fn a_full_pool_does_not_delay_starts_and_stops() {
    let s = supervisor(Config::new().pool_size(1).reserve_normal(0).reserve_high(0));
    let (gate, _full) = s.occupy(1, Priority::Low);
    for _ in 0..1000 {
        let worker = background_worker(|| ()).supervisor(&s).start().unwrap();
        worker.stop();
    }
    assert_eq!(s.info().queued.normal, 0, "none of them is still to be run");
    gate.open();
    background_task(|| ()).supervisor(&s).start().wait().unwrap();
}

#[test]
fn a_stop_at_the_very_start_is_a_stop() {
    let s = pool(2);
    for _ in 0..500 {
        let gate = Gate::new();
        let worker = background_worker(|_: u8| ()).queue().supervisor(&s).start().unwrap();
        let (stopper, opened) = (worker.clone(), gate.clone());
        let thread = std::thread::spawn(move || {
            opened.wait();
            stopper.stop();
        });
        gate.open();
        let put = worker.put(1);
        thread.join().unwrap();
        assert_eq!(worker.info().runs, u64::from(put.is_ok()));
    }
}
