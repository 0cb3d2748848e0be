//! A bounded stop is bounded whatever bodies, hooks and drops do; and what it leaves behind is known.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use atasker::{Supervisor, SupervisorState, WorkerContext, background_future, background_task, background_worker};

use super::{HOUR, running};
use crate::support::{Gate, PATIENCE, eventually, in_time, pool};

const BOUND: Duration = Duration::from_millis(50);

/// Hooks and drops that hold on until the gate opens: a stop that waits for one of them hangs, since it opens only after it.
struct Holds(Gate);

impl Drop for Holds {
    fn drop(&mut self) {
        self.0.wait();
    }
}

struct Hooked {
    gate: Gate,
    begun: Arc<AtomicUsize>,
    ended: mpsc::Sender<()>,
}

impl atasker::Worker for Hooked {
    type Output = ();
    fn run(&mut self, _: &WorkerContext) {}
    fn on_stop(&mut self, _: &WorkerContext) {
        self.begun.fetch_add(1, Ordering::SeqCst);
        self.gate.wait();
        _ = self.ended.send(());
    }
}

fn hooked(s: &Supervisor, count: usize, gate: &Gate) -> (Arc<AtomicUsize>, mpsc::Receiver<()>) {
    let begun = Arc::new(AtomicUsize::new(0));
    let (ended, ends) = mpsc::channel();
    let workers: Vec<_> = (0..count)
        .map(|_| {
            let body = Hooked { gate: gate.clone(), begun: Arc::clone(&begun), ended: ended.clone() };
            background_worker(body).event().name("hooked").supervisor(s).start().unwrap()
        })
        .collect();
    workers.iter().for_each(|worker| assert!(worker.trigger()));
    eventually("all have run", || workers.iter().all(|worker| worker.info().runs == 1));
    (begun, ends)
}

/// More than may run at once: those that have begun are named, and those that have not.
#[test]
fn a_bounded_stop_waits_for_no_hook() {
    in_time(|| {
        let s = pool(4);
        let gate = Gate::new();
        let (begun, ended) = hooked(&s, 200, &gate);
        let report = s.stop_timeout(BOUND);
        assert!(!report.complete);
        assert_eq!(report.abandoned.len(), 200, "{report}");
        assert!(report.abandoned.iter().all(|hook| hook.name == "on_stop of hooked"), "{report}");
        assert!((1..200).contains(&begun.load(Ordering::SeqCst)), "some have begun, and not all");
        gate.open();
        // Nobody waits for them, and yet each runs.
        (0..200).for_each(|_| ended.recv_timeout(PATIENCE).unwrap());
    });
}

#[test]
fn a_bounded_stop_waits_for_no_drop() {
    in_time(|| {
        for patient in [false, true] {
            let s = pool(1);
            let gate = Gate::new();
            let (blocker_gate, _blocker) = s.occupy(1, atasker::Priority::Normal);
            let holds = || Holds(gate.clone());
            let (queued, delayed, flying) = (holds(), holds(), holds());
            background_task(move || drop(queued)).supervisor(&s).detach();
            background_task(move || drop(delayed)).delay(HOUR).supervisor(&s).detach();
            let (tell, told) = mpsc::channel();
            let body = async move {
                let _flying = flying;
                tell.send(()).unwrap();
                std::future::pending::<()>().await;
            };
            background_future(body).supervisor(&s).detach();
            told.recv_timeout(PATIENCE).unwrap();
            let state = holds();
            let timed = background_worker(move || _ = &state).interval(HOUR).initial(HOUR);
            let timed = timed.supervisor(&s).start().unwrap();
            let queue = background_worker(|_: Holds| ()).queue().supervisor(&s).start().unwrap();
            queue.put(holds()).unwrap();
            let item = holds();
            s.every(HOUR, move || _ = &item).unwrap();
            let report = std::thread::scope(|scope| {
                // One who waits without a bound may be in a drop by then.
                let patient = patient.then(|| {
                    let patient = scope.spawn(|| s.stop_now());
                    eventually("it is asked for", || s.info().state == SupervisorState::Stopping);
                    patient
                });
                let report = s.stop_timeout(BOUND);
                blocker_gate.open();
                gate.open();
                patient.into_iter().for_each(|patient| assert_eq!(patient.join().unwrap(), report));
                report
            });
            assert!(!report.complete);
            assert_eq!((report.cancelled, report.discarded), (2, 1), "{report}");
            eventually("all have ended", || !timed.is_running() && !queue.is_running());
        }
    });
}

/// A hook that never ends is left, and the next life is whole.
#[test]
fn after_a_hook_that_was_given_up_on_the_supervisor_starts_anew() {
    in_time(|| {
        let s = pool(1);
        let gate = Gate::new();
        let (_, ended) = hooked(&s, 1, &gate);
        assert_eq!(s.stop_timeout(Duration::ZERO).abandoned.len(), 1);
        s.start().unwrap();
        assert_eq!(background_task(|| 5).supervisor(&s).start().wait().unwrap(), 5);
        let report = s.stop();
        assert_eq!((report.complete, report.ran), (true, 1));
        gate.open();
        ended.recv_timeout(PATIENCE).unwrap();
    });
}

/// A lane's bounded stop is as bounded, and ends that lane only.
#[test]
fn a_bounded_stop_of_a_lane_waits_for_no_drop() {
    in_time(|| {
        let s = pool(1);
        let lane = s.lane("io", atasker::LaneConfig::new().threads(1)).unwrap();
        let gate = Gate::new();
        let held = Holds(gate.clone());
        let (tell, told) = mpsc::channel();
        let task = lane.start(async move {
            let _held = held;
            tell.send(()).unwrap();
            std::future::pending::<()>().await;
        });
        told.recv_timeout(PATIENCE).unwrap();
        let report = lane.stop_timeout(BOUND);
        assert_eq!((report.complete, report.abandoned.len()), (false, 1));
        lane.open().unwrap();
        assert_eq!(lane.start(async { 5 }).wait().unwrap(), 5);
        gate.open();
        assert!(task.wait().is_err());
        assert!(s.stop().complete);
    });
}

/// The report tells of failures and refusals too.
#[test]
fn the_report_tells_of_errors_and_refusals() {
    in_time(|| {
        let s = pool(1);
        let failing = background_worker(|n: u32| if n == 0 { Err("zero") } else { Ok(()) });
        let failing = failing.on_error(|_| ()).queue().supervisor(&s).start().unwrap();
        (0..3).for_each(|n| failing.put(n).unwrap());
        background_task(|| panic!("as told")).supervisor(&s).detach();
        background_future(async { panic!("as told") }).supervisor(&s).detach();
        let task = running(&s, || ());
        task.wait().unwrap();
        background_future(async {}).lane("none").supervisor(&s).detach();
        let begun = Instant::now();
        let report = s.stop();
        assert_eq!((report.complete, report.ran, report.errors, report.rejected), (true, 3, 3, 1), "{report}");
        assert!(report.to_string().contains("3 errors"), "{report}");
        assert!(begun.elapsed() < PATIENCE);
    });
}

/// Nor for what a thread's locals do when it ends, or for what a lane's own stop drops.
#[test]
fn a_bounded_stop_waits_for_no_destructor_of_a_local_and_no_leader_of_a_lane() {
    thread_local! {
        static AT_END: std::cell::RefCell<Option<Holds>> = const { std::cell::RefCell::new(None) };
    }
    in_time(|| {
        let s = pool(1);
        let gate = Gate::new();
        let held = Holds(gate.clone());
        let set = move || AT_END.with(|at_end| *at_end.borrow_mut() = Some(held));
        background_task(set).supervisor(&s).start().wait().unwrap();
        let lane = s.lane("io", atasker::LaneConfig::new().threads(1).pool_size(1)).unwrap();
        let (tell, told) = mpsc::channel();
        let running = lane.start(async move {
            tell.send(()).unwrap();
            std::future::pending::<()>().await;
        });
        told.recv_timeout(PATIENCE).unwrap();
        let captured = Holds(gate.clone());
        let queued = lane.start(async move { drop(captured) });
        let inside = lane.clone();
        background_task(move || _ = inside.stop_now()).supervisor(&s).start().wait().unwrap();
        // It returns although nothing lets go yet.
        s.stop_timeout(BOUND);
        gate.open();
        assert!(running.wait().is_err() && queued.wait().is_err());
        s.start().unwrap();
        assert_eq!(background_task(|| 5).supervisor(&s).start().wait().unwrap(), 5);
    });
}
