//! Workers that were built by hand start again, with the body and the state they have.

use std::sync::{Arc, OnceLock, mpsc};
use std::time::Duration;

use atasker::{
    Config, Error, EventWorker, LoopWorker, QueueWorker, Supervisor, TestClock, Worker, WorkerContext,
    background_worker,
};

use super::HOUR;
use crate::support::{Drops, Gate, clocked_pool, eventually, in_time, next, pool};

/// Counts its runs over all lives, and its lives.
struct Counting {
    runs: u32,
    lives: u32,
    tell: mpsc::Sender<(u32, u32)>,
}

impl Worker for Counting {
    type Output = ();

    fn run(&mut self, _cx: &WorkerContext) {
        self.runs += 1;
        self.tell.send((self.lives, self.runs)).unwrap();
    }

    fn on_start(&mut self, _cx: &WorkerContext) {
        self.lives += 1;
    }
}

fn counting() -> (Counting, mpsc::Receiver<(u32, u32)>) {
    let (tell, told) = mpsc::channel();
    (Counting { runs: 0, lives: 0, tell }, told)
}

#[test]
fn a_worker_starts_again_with_its_state_and_its_hooks() {
    let s = pool(1);
    let (body, told) = counting();
    let worker: EventWorker = background_worker(body).event().name("counts").supervisor(&s).start().unwrap();
    for life in 1..=3 {
        worker.trigger();
        assert_eq!(next(&told), (life, life));
        assert!(matches!(worker.start(), Err(Error::AlreadyRunning)));
        worker.stop();
        assert!(!worker.trigger());
        assert_eq!((worker.info().runs, worker.name()), (1, "counts"));
        worker.clone().start().unwrap();
    }
    worker.trigger();
    assert_eq!(next(&told), (4, 4));
    worker.restart().unwrap();
    worker.trigger();
    assert_eq!(next(&told), (5, 5));
}

#[test]
fn what_is_built_does_nothing_until_it_is_started() {
    let s = pool(1);
    let (body, told) = counting();
    let worker: LoopWorker = background_worker(body).supervisor(&s).build().unwrap();
    assert!(!worker.is_running() && s.info().workers.is_empty());
    worker.start().unwrap();
    assert_eq!(next(&told), (1, 1));
    worker.stop();
    // Not even its supervisor is started by it.
    let other = pool(1);
    let built = background_worker(|| ()).event().supervisor(&other).build().unwrap();
    assert_eq!(other.info().state, atasker::SupervisorState::Created);
    drop(built);
}

#[test]
fn what_makes_no_sense_is_told_when_it_is_built() {
    let s = pool(1);
    let zero = background_worker(|| ()).interval(Duration::ZERO).supervisor(&s).build().unwrap_err();
    assert!(zero.to_string().contains("interval"), "{zero}");
    let none = background_worker(|| async {}).event().lane("none").supervisor(&s).build().unwrap_err();
    assert!(none.to_string().contains("none"), "{none}");
}

#[test]
fn each_kind_starts_again() {
    in_time(|| {
        let (s, clock): (_, TestClock) = clocked_pool(1);
        let (tell, told) = mpsc::channel();
        let body = |name: &'static str| {
            let tell = tell.clone();
            move || tell.send(name).unwrap()
        };
        let interval = background_worker(body("interval")).interval(HOUR).supervisor(&s).build().unwrap();
        let delay = background_worker(body("delay")).delay(HOUR).supervisor(&s).build().unwrap();
        let cron = background_worker(body("cron")).cron("0 * * * *").supervisor(&s).build().unwrap();
        let planned = background_worker(body("planned"))
            .schedule(|cx: &atasker::ScheduleContext| Some(atasker::When::from(cx.now() + HOUR)));
        let planned = planned.supervisor(&s).build().unwrap();
        let tell_async = tell.clone();
        let on_lane = background_worker(move || {
            let tell = tell_async.clone();
            async move { tell.send("async").unwrap() }
        });
        let on_lane = on_lane.interval(HOUR).supervisor(&s).build().unwrap();
        let items = tell.clone();
        let queue: QueueWorker<&'static str> =
            background_worker(move |item| items.send(item).unwrap()).queue().supervisor(&s).build().unwrap();
        for _ in 0..3 {
            interval.start().unwrap();
            delay.start().unwrap();
            cron.start().unwrap();
            planned.start().unwrap();
            on_lane.start().unwrap();
            queue.start().unwrap();
            queue.put("queue").unwrap();
            // One run of each at its next moment, and the first of those that run at once.
            clock.advance(HOUR);
            let mut ran: Vec<_> = told.try_iter().collect();
            ran.sort_unstable();
            ran.dedup();
            assert_eq!(ran, ["async", "cron", "delay", "interval", "planned", "queue"]);
            interval.set_interval(HOUR * 2).unwrap();
            interval.stop();
            delay.stop();
            cron.stop();
            planned.stop();
            on_lane.stop();
            queue.stop();
            assert!(queue.put("late").is_err());
        }
    });
}

#[test]
fn it_starts_again_after_a_stop_of_its_supervisor() {
    let s = pool(1);
    let (body, told) = counting();
    let worker = background_worker(body).event().supervisor(&s).start().unwrap();
    worker.trigger();
    assert_eq!(next(&told), (1, 1));
    s.stop();
    assert!(matches!(worker.start(), Err(Error::Stopped)));
    s.start().unwrap();
    // A refused start has lost nothing.
    worker.start().unwrap();
    worker.trigger();
    assert_eq!(next(&told), (2, 2));
}

#[test]
fn one_with_autostart_is_started_by_whoever_comes_first() {
    let s = pool(1);
    let (body, told) = counting();
    let worker = background_worker(body).event().autostart(true).supervisor(&s).start().unwrap();
    for life in [1, 2] {
        worker.trigger();
        assert_eq!(next(&told), (life, life));
        worker.stop();
        worker.start().unwrap();
    }
    worker.trigger();
    assert_eq!(next(&told), (3, 3));
    s.stop();
    // A refused start leaves the body to the supervisor.
    assert!(matches!(worker.start(), Err(Error::Stopped)));
    s.start().unwrap();
    eventually("it has started with its supervisor", || worker.is_running());
    worker.trigger();
    assert_eq!(next(&told), (4, 4));
    assert!(matches!(worker.start(), Err(Error::AlreadyRunning)));
}

#[test]
fn one_that_is_stopping_says_that_it_runs() {
    let s = pool(1);
    let (gate, (tell, told)) = (Gate::new(), mpsc::channel());
    let hold = gate.clone();
    let worker = background_worker(move || {
        tell.send(()).unwrap();
        hold.wait();
    });
    let worker = worker.event().supervisor(&s).start().unwrap();
    worker.trigger();
    next(&told);
    worker.request_stop();
    assert!(matches!(worker.start(), Err(Error::AlreadyRunning)));
    gate.open();
    worker.stop();
    worker.start().unwrap();
}

#[test]
fn in_its_own_body_and_in_async_bodies_a_restart_is_refused() {
    in_time(|| {
        let s = pool(1);
        let own: Arc<OnceLock<EventWorker>> = Arc::default();
        let (tell, told) = mpsc::channel();
        let itself = Arc::clone(&own);
        let worker = background_worker(move || tell.send(itself.get().unwrap().restart()).unwrap());
        let worker = worker.event().supervisor(&s).start().unwrap();
        own.set(worker.clone()).unwrap();
        worker.trigger();
        assert!(matches!(next(&told), Err(Error::Deadlock)));
        let other = worker.clone();
        let task = atasker::background_future(async move { other.restart() }).supervisor(&s).start();
        assert!(matches!(task.wait().unwrap(), Err(Error::WouldBlock)));
        assert!(worker.is_running());
    });
}

#[atasker::background_worker(event)]
fn declared() {}

#[test]
fn one_that_an_attribute_declares_is_started_by_its_name() {
    let s = pool(1);
    declared.on(&s).start().unwrap();
    declared.stop();
    let handle: EventWorker = EventWorker::clone(&declared);
    let error = handle.start().unwrap_err();
    assert!(matches!(&error, Error::Config(_)) && error.to_string().contains("declared"), "{error}");
}

/// The state goes with the last handle, or with the supervisor's last owner, whatever holds on to what.
#[test]
fn what_is_kept_goes_with_the_handles_and_with_the_supervisor() {
    in_time(|| {
        for (autostart, starts, knows_itself) in
            [(false, true, false), (false, true, true), (true, true, false), (true, true, true), (false, false, false)]
        {
            let drops = Drops::new();
            let s = Supervisor::new("kept", Config::new().pool_size(1)).unwrap();
            let (value, own): (_, Arc<OnceLock<EventWorker>>) = (drops.value(), Arc::default());
            let itself = knows_itself.then(|| Arc::clone(&own));
            let body = move || _ = (&value, &itself);
            let worker = background_worker(body).event().autostart(autostart).supervisor(&s).build().unwrap();
            if knows_itself {
                own.set(worker.clone()).unwrap();
            }
            drop(own);
            if starts {
                worker.start().unwrap();
                s.stop();
                assert_eq!(drops.count(), 0);
            }
            drop(worker);
            assert_eq!(drops.count(), usize::from(!autostart && !knows_itself));
            drop(s);
            assert_eq!(drops.count(), 1, "{autostart} {starts} {knows_itself}");
        }
        // One that runs when the last owner goes.
        let drops = Drops::new();
        let (value, s) = (drops.value(), Supervisor::new("kept", Config::new().pool_size(1)).unwrap());
        let worker = background_worker(move || _ = &value).event().autostart(true).supervisor(&s).start().unwrap();
        drop(s);
        eventually("it has stopped, and nobody could start it", || drops.count() == 1);
        assert!(matches!(worker.start(), Err(Error::AlreadyRunning | Error::Stopped)));
    });
}
