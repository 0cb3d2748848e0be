//! Workers: what makes them run, where they run, and what they tell of themselves.

mod again;
mod drops;
mod errors;
mod hooks;
mod info;
mod life;
mod pauses;
mod places;
mod restarts;
mod stops;
mod triggers;

use std::sync::mpsc;
use std::time::{Duration, Instant};

use atasker::{QueueBody, Worker, WorkerContext, background_task, background_worker};

use crate::support::{next, pool, returns};

const HOUR: Duration = Duration::from_secs(3600);
const SOON: Duration = Duration::from_millis(1);

#[test]
fn a_loop_runs_again_and_again() {
    let s = pool(1);
    let (run, runs) = mpsc::sync_channel(0);
    let worker = background_worker(move |cx: &WorkerContext| _ = run.send(cx.run())).supervisor(&s).start().unwrap();
    assert_eq!([next(&runs), next(&runs), next(&runs)], [1, 2, 3]);
    drop(runs);
    worker.stop();
}

#[test]
fn a_loop_lets_others_of_its_priority_run() {
    let s = pool(1);
    let worker = background_worker(|| ()).supervisor(&s).start().unwrap();
    for _ in 0..3 {
        let task = background_task(|| ()).supervisor(&s).start();
        returns(move || task.wait().unwrap());
    }
    assert!(worker.is_running());
    worker.stop();
}

/// The queue never becomes empty: what comes from outside must not wait for that.
#[test]
fn a_thousand_loops_let_others_of_their_priority_run() {
    let s = pool(2);
    let workers: Vec<_> = (0..1_000).map(|_| background_worker(|| ()).supervisor(&s).start().unwrap()).collect();
    for _ in 0..3 {
        let task = background_task(|| ()).supervisor(&s).start();
        returns(move || task.wait().unwrap());
    }
    drop(workers);
    s.stop();
}

#[test]
fn an_event_runs_when_it_is_triggered_and_not_before() {
    let s = pool(2);
    let (run, runs) = mpsc::channel();
    let worker = background_worker(move || run.send(Instant::now()).unwrap()).event().supervisor(&s).start().unwrap();
    background_task(|| ()).supervisor(&s).start().wait().unwrap();
    let triggered = Instant::now();
    assert!(worker.trigger());
    assert!(next(&runs) >= triggered);
    worker.stop();
    assert_eq!(worker.info().runs, 1);
}

#[test]
fn a_queue_runs_once_for_each_item_in_order() {
    let s = pool(4);
    let (run, runs) = mpsc::channel();
    let body = move |item: u32, cx: &WorkerContext| run.send((item, cx.run())).unwrap();
    let worker = background_worker(body).queue().supervisor(&s).start().unwrap();
    for item in 0..1000 {
        worker.put(item).unwrap();
    }
    worker.stop();
    assert_eq!(runs.try_iter().collect::<Vec<_>>(), (0..1000).map(|n| (n, u64::from(n) + 1)).collect::<Vec<_>>());
}

#[test]
fn a_delay_runs_first_at_once_and_then_again() {
    let s = pool(1);
    let (run, runs) = mpsc::channel();
    let body = move |cx: &WorkerContext| run.send(cx.run()).unwrap();
    let worker = background_worker(body).delay(SOON).supervisor(&s).start().unwrap();
    assert_eq!([next(&runs), next(&runs), next(&runs)], [1, 2, 3]);
    worker.stop();
    let (run, runs) = mpsc::channel();
    let worker = background_worker(move || run.send(()).unwrap()).delay(HOUR).supervisor(&s).start().unwrap();
    next(&runs);
    worker.stop();
}

struct Counter {
    count: u64,
    tell: mpsc::Sender<u64>,
}

impl Worker for Counter {
    type Output = ();

    fn run(&mut self, _cx: &WorkerContext) {
        self.count += 1;
        self.tell.send(self.count).unwrap();
    }
}

#[test]
fn a_struct_keeps_its_state_between_runs() {
    let s = pool(2);
    let (tell, told) = mpsc::channel();
    let worker = background_worker(Counter { count: 10, tell }).event().supervisor(&s).start().unwrap();
    for expected in 11..20 {
        worker.trigger();
        assert_eq!(next(&told), expected);
    }
    worker.stop();
}

struct Sum {
    sum: u64,
    tell: mpsc::Sender<u64>,
}

impl QueueBody for Sum {
    type Item = u64;
    type Output = ();

    fn run(&mut self, item: u64, _cx: &WorkerContext) {
        self.sum += item;
        self.tell.send(self.sum).unwrap();
    }
}

#[test]
fn a_queue_struct_keeps_its_state_between_items() {
    let s = pool(2);
    let (tell, told) = mpsc::channel();
    let worker = background_worker(Sum { sum: 0, tell }).queue().supervisor(&s).start().unwrap();
    for item in [1, 10, 100] {
        worker.put(item).unwrap();
    }
    worker.stop();
    assert_eq!(told.try_iter().collect::<Vec<_>>(), [1, 11, 111]);
}

#[test]
fn the_context_tells_of_the_run() {
    let s = pool(1);
    let (tell, told) = mpsc::channel();
    let body = move |cx: &WorkerContext| {
        let now = Instant::now();
        let before = cx.is_stopping();
        cx.request_stop();
        let told = (cx.name().to_owned(), cx.run(), cx.due(), now, cx.missed(), cx.supervisor().name().to_owned());
        tell.send((told, before, cx.is_stopping())).unwrap();
    };
    let started = Instant::now();
    let worker = background_worker(body).event().name("bell").supervisor(&s).start().unwrap();
    let triggered = Instant::now();
    worker.trigger();
    let ((name, run, due, now, missed, supervisor), before, after) = next(&told);
    assert_eq!((name.as_str(), run, missed, supervisor.as_str()), ("bell", 1, 0, s.name()));
    assert!(started <= triggered && triggered <= due && due <= now, "an untimed run is due at its start");
    assert!(!before && after, "the body sees the stop it asked for");
    worker.stop();
}

#[test]
fn the_contexts_supervisor_takes_tasks() {
    let s = pool(1);
    let (tell, told) = mpsc::channel();
    let body = move |cx: &WorkerContext| {
        let tell = tell.clone();
        background_task(move || tell.send(6 * 7).unwrap()).supervisor(cx.supervisor()).detach();
        cx.request_stop();
    };
    background_worker(body).supervisor(&s).start().unwrap();
    assert_eq!(next(&told), 42);
}

fn tick() {}

struct Poller<T>(T);

impl<T: Send + 'static> Worker for Poller<T> {
    type Output = ();

    fn run(&mut self, _cx: &WorkerContext) {
        _ = &self.0;
    }
}

#[test]
fn workers_are_called_by_the_own_name_of_their_body() {
    let s = pool(2);
    let by_fn = background_worker(tick).event().supervisor(&s).start().unwrap();
    let by_struct = background_worker(Poller(Some(SOON))).event().supervisor(&s).start().unwrap();
    let by_closure = background_worker(|| ()).event().supervisor(&s).start().unwrap();
    let named = background_worker(tick).event().name("clock").supervisor(&s).start().unwrap();
    assert_eq!(by_fn.name(), "tick");
    assert!(by_struct.name().starts_with("Poller"), "{}", by_struct.name());
    assert!(by_closure.name().ends_with("workers_are_called_by_the_own_name_of_their_body::{{closure}}"));
    assert_eq!((named.name(), named.info().name.as_str()), ("clock", "clock"));
}
