//! Each run is admitted at the worker's priority.

use std::sync::mpsc::{self, Sender};

use atasker::{Config, Priority, WorkerContext, WorkerState, background_task, background_worker};

use super::HOUR;
use crate::support::{Tested, eventually, next, pool, returns, supervisor};

fn reserved() -> Tested {
    supervisor(Config::new().pool_size(1).reserve_normal(1).reserve_high(1))
}

/// One worker of each kind, of that priority, that runs (at least) once and says so.
fn one_of_each(s: &Tested, priority: Priority, tell: &Sender<&'static str>) {
    let body = |kind: &'static str| {
        let tell = tell.clone();
        move |cx: &WorkerContext| {
            tell.send(kind).unwrap();
            cx.request_stop();
        }
    };
    let repeating = background_worker(body("loop")).priority(priority).supervisor(s).start().unwrap();
    let interval = background_worker(body("interval")).interval(HOUR).priority(priority).supervisor(s);
    let interval = interval.start().unwrap();
    let delay = background_worker(body("delay")).delay(HOUR).priority(priority).supervisor(s).start().unwrap();
    let event = background_worker(body("event")).event().priority(priority).supervisor(s).start().unwrap();
    event.trigger();
    let on_item = body("queue");
    let queue = background_worker(move |(): (), cx: &WorkerContext| on_item(cx));
    let queue = queue.queue().priority(priority).supervisor(s).start().unwrap();
    queue.put(()).unwrap();
    if priority == Priority::Low {
        let infos = [repeating.info(), interval.info(), delay.info(), event.info(), queue.info()];
        assert!(infos.iter().all(|info| info.state == WorkerState::Queued && info.runs == 0), "{infos:?}");
    }
}

#[test]
fn a_low_worker_of_any_kind_waits_while_the_pool_is_full() {
    let s = pool(1);
    let (gate, _full) = s.occupy(1, Priority::Normal);
    let (tell, told) = mpsc::channel();
    one_of_each(&s, Priority::Low, &tell);
    // Both wait, and the higher one is taken first.
    let high = tell.clone();
    background_task(move || high.send("high").unwrap()).priority(Priority::High).supervisor(&s).detach();
    assert_eq!(s.info().queued.low, 5);
    gate.open();
    assert_eq!(next(&told), "high");
    assert_eq!([(); 5].map(|()| next(&told)), ["loop", "interval", "delay", "event", "queue"]);
}

#[test]
fn a_high_worker_of_any_kind_starts_in_the_reserve() {
    let s = reserved();
    let (gate, _low) = s.occupy(1, Priority::Low);
    let (other, _normal) = s.occupy(1, Priority::Normal);
    let (tell, told) = mpsc::channel();
    one_of_each(&s, Priority::High, &tell);
    let mut kinds = [(); 5].map(|()| next(&told));
    kinds.sort_unstable();
    assert_eq!(kinds, ["delay", "event", "interval", "loop", "queue"]);
    gate.open();
    other.open();
}

#[test]
fn a_normal_worker_does_not_start_in_the_high_reserve() {
    let s = reserved();
    let (gate, _low) = s.occupy(1, Priority::Low);
    let (other, _normal) = s.occupy(1, Priority::Normal);
    let worker = background_worker(|| ()).event().supervisor(&s).start().unwrap();
    worker.trigger();
    background_task(|| ()).priority(Priority::High).supervisor(&s).start().wait().unwrap();
    assert_eq!((worker.info().state, worker.info().runs), (WorkerState::Queued, 0));
    other.open();
    eventually("it has its place", || worker.info().runs == 1);
    gate.open();
}

#[test]
fn a_critical_worker_starts_while_all_is_full() {
    let s = pool(1);
    let (gate, _full) = s.occupy(1, Priority::High);
    let (tell, told) = mpsc::channel();
    one_of_each(&s, Priority::Critical, &tell);
    for _ in 0..5 {
        next(&told);
    }
    gate.open();
}

/// Every run anew, not only the first.
#[test]
fn a_second_run_waits_for_its_place_too() {
    let s = pool(1);
    let (tell, told) = mpsc::channel();
    let body = move |item: &'static str| tell.send(item).unwrap();
    let worker = background_worker(body).queue().priority(Priority::Low).supervisor(&s).start().unwrap();
    worker.put("first").unwrap();
    assert_eq!(next(&told), "first");
    eventually("it is at rest", || worker.info().state == WorkerState::Idle);
    let (gate, _full) = s.occupy(1, Priority::Normal);
    worker.put("second").unwrap();
    assert_eq!((worker.info().state, s.info().queued.low), (WorkerState::Queued, 1));
    gate.open();
    assert_eq!(next(&told), "second");
}

#[test]
fn a_low_queue_worker_yields_to_a_high_task_between_items() {
    let s = pool(1);
    let (tell, told) = mpsc::channel();
    let body = {
        let tell = tell.clone();
        move |item: u32, cx: &WorkerContext| {
            tell.send(item.to_string()).unwrap();
            if item == 0 {
                let tell = tell.clone();
                let task = background_task(move || tell.send("high".to_owned()).unwrap()).priority(Priority::High);
                task.supervisor(cx.supervisor()).detach();
            }
        }
    };
    let (gate, _full) = s.occupy(1, Priority::Normal);
    let worker = background_worker(body).queue().priority(Priority::Low).supervisor(&s).start().unwrap();
    for item in 0..4 {
        worker.put(item).unwrap();
    }
    gate.open();
    assert_eq!([(); 5].map(|()| next(&told)), ["0", "high", "1", "2", "3"]);
    worker.stop();
}

#[test]
fn a_queue_worker_that_never_runs_out_lets_its_equals_run() {
    let s = pool(1);
    let (send, handle) = mpsc::channel::<atasker::QueueWorker<()>>();
    let mut own = None;
    let body = move |(): ()| _ = own.get_or_insert_with(|| next(&handle)).put(());
    let worker = background_worker(body).queue().supervisor(&s).start().unwrap();
    send.send(worker.clone()).unwrap();
    worker.put(()).unwrap();
    for _ in 0..3 {
        let task = background_task(|| ()).supervisor(&s).start();
        returns(move || task.wait().unwrap());
    }
    assert!(worker.is_running());
    worker.stop();
}
