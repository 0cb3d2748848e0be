//! What a body may return, and what becomes of its failures.

use std::fmt;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver};

use atasker::{EventWorker, Outcome, QueueBody, Worker, WorkerContext, WorkerError, background_worker};

use crate::support::{Tested, child_ends_with, eventually, in_limited_child, next, pool};

/// An event worker that gives these outcomes in turn, and tells of each run.
fn giving<O: Outcome + Send + 'static>(s: &Tested, outcomes: Vec<O>) -> (EventWorker, Receiver<String>) {
    let (tell, told) = mpsc::channel();
    let mut outcomes = outcomes.into_iter();
    let worker = background_worker(move || outcomes.next().expect("as many runs as outcomes"))
        .event()
        .on_error(move |error: &WorkerError| tell.send(error.to_string()).unwrap())
        .supervisor(s)
        .start()
        .unwrap();
    (worker, told)
}

/// Triggers it, and waits for the end of that run.
fn run_once(worker: &EventWorker) {
    let runs = worker.info().runs;
    assert!(worker.trigger());
    eventually("the run has ended", || {
        worker.info().runs == runs + 1 && worker.info().state != atasker::WorkerState::Running
    });
}

#[test]
fn every_kind_of_outcome_is_taken() {
    let s = pool(2);
    let (worker, told) = giving(&s, vec![(), ()]);
    run_once(&worker);
    run_once(&worker);
    worker.stop();

    let (worker, _told) = giving(&s, vec![ControlFlow::Continue(()), ControlFlow::Break(())]);
    run_once(&worker);
    assert!(worker.is_running());
    run_once(&worker);
    eventually("Break stops it", || !worker.is_running());

    let (worker, told_err) = giving(&s, vec![Err("no ink"), Ok(())]);
    run_once(&worker);
    assert_eq!(next(&told_err), "no ink");
    run_once(&worker);
    assert!(worker.is_running());
    worker.stop();

    let outcomes = vec![Ok(ControlFlow::Continue(())), Err(7), Ok(ControlFlow::Break(()))];
    let (worker, told_flow) = giving(&s, outcomes);
    run_once(&worker);
    run_once(&worker);
    assert_eq!(next(&told_flow), "7");
    assert!(worker.is_running());
    run_once(&worker);
    eventually("Ok(Break) stops it", || !worker.is_running());
    assert_eq!((worker.info().runs, worker.info().errors), (3, 1));
    assert!(told.try_recv().is_err());
}

#[test]
fn a_worker_lives_on_after_an_err_and_a_panic_and_stops_at_once() {
    let s = pool(2);
    let (tell, told) = mpsc::channel();
    let mut seen = Vec::new();
    let body = move |cx: &WorkerContext| {
        seen.push(cx.run());
        tell.send(seen.clone()).unwrap();
        match cx.run() {
            1 => Err("failed"),
            2 => panic!("panicked"),
            _ => Ok(()),
        }
    };
    let (hook, errors) = mpsc::channel();
    let worker = background_worker(body)
        .event()
        .on_error(move |error| hook.send((error.is_panic(), error.message().to_owned())).unwrap())
        .supervisor(&s)
        .start()
        .unwrap();
    let mut state = Vec::new();
    for _ in 0..3 {
        worker.trigger();
        state = next(&told);
    }
    assert_eq!(state, [1, 2, 3], "its state survives both");
    worker.stop();
    let errors: Vec<_> = errors.try_iter().collect();
    assert_eq!(errors, [(false, "failed".to_owned()), (true, "panicked".to_owned())]);
    let info = worker.info();
    assert_eq!((info.runs, info.errors, info.panics), (3, 1, 1));
}

#[test]
fn a_worker_of_every_kind_lives_on_after_its_body_panics() {
    let s = pool(4);
    let (tell, told) = mpsc::channel();
    let body = |kind: &'static str| {
        let tell = tell.clone();
        move |cx: &WorkerContext| {
            if cx.run() == 3 {
                tell.send(kind).unwrap();
                cx.request_stop();
            }
            assert!(cx.run() > 2, "the first two runs panic");
        }
    };
    let soon = super::SOON;
    let repeating = background_worker(body("loop")).on_error(|_| ()).supervisor(&s).start().unwrap();
    let interval = background_worker(body("interval")).interval(soon).on_error(|_| ()).supervisor(&s).start().unwrap();
    let delay = background_worker(body("delay")).delay(soon).on_error(|_| ()).supervisor(&s).start().unwrap();
    let queue_body = body("queue");
    let queue = background_worker(move |(): (), cx: &WorkerContext| queue_body(cx))
        .queue()
        .on_error(|_| ())
        .supervisor(&s)
        .start()
        .unwrap();
    for _ in 0..3 {
        queue.put(()).unwrap();
    }
    let mut kinds: Vec<_> = (0..4).map(|_| next(&told)).collect();
    kinds.sort_unstable();
    assert_eq!(kinds, ["delay", "interval", "loop", "queue"]);
    repeating.stop();
    interval.stop();
    delay.stop();
    queue.stop();
    assert_eq!(queue.info().panics, 2);
}

/// An error whose text can't be had.
struct Mute;

impl fmt::Display for Mute {
    fn fmt(&self, _f: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("no text")
    }
}

#[test]
fn an_error_whose_display_panics_is_contained() {
    let s = pool(1);
    let (worker, told) = giving(&s, vec![Err(Mute), Ok(())]);
    run_once(&worker);
    assert_eq!(next(&told), "panicked: no text");
    run_once(&worker);
    worker.stop();
    assert_eq!(worker.info().runs, 2);
}

/// Counts in its trait hook, by trait for both kinds of struct.
struct Failing(Arc<AtomicU64>);

impl Worker for Failing {
    type Output = Result<(), &'static str>;

    fn run(&mut self, _cx: &WorkerContext) -> Self::Output {
        Err("failed")
    }

    fn on_error(&mut self, error: &WorkerError, cx: &WorkerContext) {
        assert_eq!((error.message(), cx.run()), ("failed", 1));
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl QueueBody for Failing {
    type Item = &'static str;
    type Output = Result<(), String>;

    fn run(&mut self, item: &'static str, _cx: &WorkerContext) -> Self::Output {
        Err(item.to_owned())
    }

    fn on_error(&mut self, error: &WorkerError, _cx: &WorkerContext) {
        assert_eq!(error.message(), "item");
        self.0.fetch_add(10, Ordering::Relaxed);
    }
}

#[test]
fn the_traits_on_error_is_told_and_the_builders_takes_its_place() {
    let s = pool(2);
    let told = Arc::new(AtomicU64::new(0));
    let worker = background_worker(Failing(Arc::clone(&told))).event().supervisor(&s).start().unwrap();
    run_once(&worker);
    worker.stop();
    assert_eq!((told.load(Ordering::Relaxed), worker.info().panics), (1, 0));

    let queue = background_worker(Failing(Arc::clone(&told))).queue().supervisor(&s).start().unwrap();
    queue.put("item").unwrap();
    queue.stop();
    assert_eq!((told.load(Ordering::Relaxed), queue.info().panics), (11, 0));

    let builders = Arc::clone(&told);
    let hook = move |_: &WorkerError| _ = builders.fetch_add(100, Ordering::Relaxed);
    let worker = background_worker(Failing(Arc::clone(&told))).event().on_error(hook).supervisor(&s).start().unwrap();
    run_once(&worker);
    worker.stop();
    assert_eq!(told.load(Ordering::Relaxed), 111);
}

#[test]
fn a_failure_without_on_error_is_one_line_on_stderr() {
    if !in_limited_child() {
        let output = child_ends_with("workers::errors::a_failure_without_on_error_is_one_line_on_stderr", 0);
        let stderr = String::from_utf8_lossy(&output.stderr);
        let lines: Vec<_> = stderr.lines().filter(|line| line.starts_with("atasker: ")).collect();
        assert_eq!(lines.len(), 2, "{stderr}");
        for (line, text) in lines.iter().zip(["no ink", "no paper"]) {
            assert!(line.contains("printer") && line.contains(text), "{line}");
        }
        return;
    }
    let s = pool(1);
    let body = |item: &'static str| if item == "no paper" { panic!("{item}") } else { Err(item) };
    let worker = background_worker(move |item: &'static str| -> Result<(), &'static str> { body(item) })
        .queue()
        .name("printer")
        .supervisor(&s)
        .start()
        .unwrap();
    worker.put("no ink").unwrap();
    worker.put("no paper").unwrap();
    worker.stop();
}

#[test]
fn a_break_discards_what_is_queued_and_counts_it() {
    let s = pool(1);
    let (gate, _full) = s.occupy(1, atasker::Priority::Normal);
    let body = |item: u32| if item == 2 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) };
    let worker = background_worker(body).queue().supervisor(&s).start().unwrap();
    for item in 0..10 {
        worker.put(item).unwrap();
    }
    gate.open();
    eventually("Break stops it", || !worker.is_running());
    let info = worker.info();
    assert_eq!((info.runs, info.discarded), (3, 7));
    assert_eq!(s.stop().discarded, 7);
}
