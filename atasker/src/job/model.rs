//! The protocol of a light job, in all its interleavings.

use std::num::NonZeroU64;
use std::sync::{Arc, Weak};
use std::time::Duration;

use super::light::{Again, Handled, Light, OneShot};
use super::pace::{Every, Once};
use super::state::Cancelled;
use crate::clock::{Clock, End, Listener, Moment, Opening, Tick};
use crate::stops::Leftover;
use crate::sync::atomic::{AtomicUsize, Ordering};
use crate::sync::{check_model, thread};
use crate::time::When;

/// A supervisor's part in a stop.
#[derive(Default)]
struct Supervisor {
    ended: AtomicUsize,
}

impl Listener for Supervisor {
    fn came(&self, _ticks: Vec<Arc<dyn Tick>>, _opening: Opening) {}

    fn rung(&self) {}

    fn forgotten(&self, ticks: Vec<Arc<dyn Tick>>) -> Option<Leftover> {
        for tick in ticks.into_iter().filter(|tick| tick.forget()) {
            tick.drop_body();
            self.ended.fetch_add(1, Ordering::SeqCst);
        }
        None
    }

    fn rested(&self) {}

    fn left(&self, work: Vec<Leftover>) {
        work.into_iter().for_each(|work| work());
    }
}

fn clock() -> (Arc<Supervisor>, Arc<Clock>, Opening) {
    let supervisor = Arc::new(Supervisor::default());
    let listener: Weak<dyn Listener> = Arc::<Supervisor>::downgrade(&supervisor) as Weak<dyn Listener>;
    let (clock, opening) = Clock::opened_and_silent(listener);
    (supervisor, clock, opening)
}

fn every(runs: &Arc<AtomicUsize>) -> Arc<Light<Every, Again<impl FnMut() + Send + use<>>>> {
    let runs = Arc::clone(runs);
    let every = Every::new(Duration::from_secs(1)).expect("it is not zero");
    let body = move || _ = runs.fetch_add(1, Ordering::SeqCst);
    Light::new(every, Moment::from_bits(NonZeroU64::MIN.get()), Again(body))
}

/// A job comes while it is cancelled: it is in the clock afterwards only if it was not, its body is dropped once, and
/// nothing starts after the cancellation.
#[test]
fn cancel_and_plan() {
    check_model(|| {
        let (_supervisor, clock, opening) = clock();
        let runs = Arc::new(AtomicUsize::new(0));
        let job = every(&runs);
        let runner = thread::spawn({
            let (job, clock) = (Arc::clone(&job), Arc::clone(&clock));
            move || job.come(&clock, opening)
        });
        let cancelled = job.cancel();
        let ran = runs.load(Ordering::SeqCst);
        if cancelled == Cancelled::Waiting {
            let tick: Arc<dyn Tick> = Arc::<Light<_, _>>::clone(&job);
            clock.take_back(job.spot(), &tick);
            job.drop_body();
        }
        let came = runner.join().expect("it ran");
        assert_ne!(cancelled, Cancelled::TooLate);
        assert_eq!(came.end, None, "the canceller counts it");
        assert!(job.state().is_ended() && !clock.has_ticks(), "nothing of it is left");
        let after = runs.load(Ordering::SeqCst);
        assert!(after == ran || cancelled == Cancelled::Running, "no run starts after a cancellation");
        assert_eq!(Arc::strong_count(&runs), 1, "its body is dropped");
        assert_eq!(job.state().runs(), after as u64);
    });
}

/// A job comes while the clock is closed: one of the two ends it, and it is not planned.
#[test]
fn stop_and_plan() {
    check_model(|| {
        let (supervisor, clock, opening) = clock();
        let runs = Arc::new(AtomicUsize::new(0));
        let job = every(&runs);
        let runner = thread::spawn({
            let (job, clock) = (Arc::clone(&job), Arc::clone(&clock));
            move || job.come(&clock, opening)
        });
        clock.close();
        let came = runner.join().expect("it ran");
        let ended = supervisor.ended.load(Ordering::SeqCst);
        assert_eq!(ended + usize::from(came.end == Some(End::Stopped)), 1, "exactly one ends it");
        assert!(job.state().is_ended() && !clock.has_ticks());
        assert_eq!((runs.load(Ordering::SeqCst), Arc::strong_count(&runs)), (1, 1));
    });
}

/// Two who have it at once, and a cancellation: it runs once at most, and never after a cancellation that said so.
#[test]
fn claim_and_cancel() {
    check_model(|| {
        let (_supervisor, clock, opening) = clock();
        let runs = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&runs);
        let body = OneShot(Some(move || _ = count.fetch_add(1, Ordering::SeqCst)));
        let once = Once::at(When::At(std::time::Instant::now()), Duration::ZERO);
        let job = Light::new(once, Moment::from_bits(1), body);
        let runner = thread::spawn({
            let (job, clock) = (Arc::clone(&job), Arc::clone(&clock));
            move || job.come(&clock, opening)
        });
        let canceller = thread::spawn({
            let job = Arc::clone(&job);
            move || {
                let cancelled = job.cancel();
                if cancelled == Cancelled::Waiting {
                    job.drop_body();
                }
                cancelled
            }
        });
        let mine = Arc::clone(&job).come(&clock, opening);
        let (theirs, cancelled) = (runner.join().expect("it ran"), canceller.join().expect("it cancelled"));
        let ran = usize::from(mine.ran) + usize::from(theirs.ran);
        assert_eq!(ran, runs.load(Ordering::SeqCst));
        assert_eq!(ran + usize::from(cancelled == Cancelled::Waiting), 1, "exactly one wins");
        assert_eq!(Arc::strong_count(&runs), 1, "its body is dropped");
    });
}
