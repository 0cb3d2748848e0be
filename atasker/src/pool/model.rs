//! The pool's protocols: submit and park, admission, close. With shuttle: a pool has too many steps for loom.

use std::sync::{Arc, Weak};

use crate::config::Config;
use crate::pool::{Entry, Job, Overseer, Pool, Ran, Refusal, Source, Tally};
use crate::priority::Priority;
use crate::sync::atomic::{AtomicUsize, Ordering};
use crate::sync::{check_model, thread};
use crate::time::Deadline;
use crate::wait::WaitList;

/// Whom the pool tells that it is quiet.
#[derive(Default)]
struct Listener {
    quiet: WaitList,
}

impl Overseer for Listener {
    fn look_for_slow_starts(&self, _at: std::time::Instant) {}
    fn quiet(&self) {
        self.quiet.wake_all();
    }
    fn no_thread(&self, error: &std::io::Error, _stranded: bool) {
        panic!("{error}");
    }
    fn idle(&self) {}
}

/// A job that records how many of its priority and above run at once.
struct Probe {
    running: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
    done: Arc<AtomicUsize>,
}

impl Job for Probe {
    fn name(&self) -> &str {
        "probe"
    }
    fn is_live(&self) -> bool {
        true
    }
    fn run(&self, tally: &Tally<'_>) -> Ran {
        let running = self.running.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(running, Ordering::SeqCst);
        thread::yield_now();
        self.running.fetch_sub(1, Ordering::SeqCst);
        self.done.fetch_add(1, Ordering::SeqCst);
        let ran = Ran::Task { panicked: false };
        tally.ended(ran);
        ran
    }
    fn refuse(self: Arc<Self>, _pool: &Arc<Pool>, _why: Refusal) -> bool {
        true
    }
    fn drop_body(self: Arc<Self>, _pool: &Arc<Pool>) {}
    fn is_task(&self) -> bool {
        true
    }
    fn is_asked_to_end(&self) -> bool {
        false
    }
}

/// A job that spawns two others from inside, one after the other, and goes on when each has run.
struct Spawner {
    pool: Arc<Pool>,
    probe: Arc<Probe>,
}

impl Job for Spawner {
    fn name(&self) -> &str {
        "spawner"
    }
    fn is_live(&self) -> bool {
        true
    }
    fn run(&self, tally: &Tally<'_>) -> Ran {
        for _ in 0..2 {
            let before = self.probe.done.load(Ordering::SeqCst);
            let spawned = Arc::<Probe>::clone(&self.probe);
            assert!(self.pool.submit(Priority::Normal, Entry::Job(spawned), Source::Caller).is_ok());
            // Were it to stay in this thread's ring, the model's bound on steps would tell.
            while self.probe.done.load(Ordering::SeqCst) == before {
                thread::yield_now();
            }
        }
        let ran = Ran::Task { panicked: false };
        tally.ended(ran);
        ran
    }
    fn refuse(self: Arc<Self>, _pool: &Arc<Pool>, _why: Refusal) -> bool {
        true
    }
    fn drop_body(self: Arc<Self>, _pool: &Arc<Pool>) {}
    fn is_task(&self) -> bool {
        true
    }
    fn is_asked_to_end(&self) -> bool {
        false
    }
}

/// What a body spawns into its thread's ring is found by another thread, which may just be going to sleep.
#[test]
fn spawn_inside_and_park() {
    check_model(|| {
        let listener = Arc::new(Listener::default());
        let overseer: Weak<dyn Overseer> = Arc::downgrade(&(Arc::clone(&listener) as Arc<dyn Overseer>));
        let config = Config::new().pool_size(2).reserve_normal(0).reserve_high(0);
        let pool = Pool::new("model", &config, overseer);
        pool.open().expect("threads are to be had in a model");
        let count = || Arc::new(AtomicUsize::new(0));
        let probe = Arc::new(Probe { running: count(), most: count(), done: count() });
        let spawner = Arc::new(Spawner { pool: Arc::clone(&pool), probe: Arc::clone(&probe) });
        assert!(pool.submit(Priority::Low, Entry::Job(spawner), Source::Caller).is_ok());
        let outside = Arc::<Probe>::clone(&probe);
        assert!(pool.submit(Priority::Normal, Entry::Job(outside), Source::Caller).is_ok());
        while probe.done.load(Ordering::SeqCst) < 3 {
            thread::yield_now();
        }
        pool.drain();
        listener.quiet.block_until(Deadline::Never, || pool.close_if_quiet(pool.opening()).then_some(()));
        pool.join(pool.opening());
    });
}

/// Callers submit while threads go to sleep and the pool then drains: every job runs, within the ceiling.
#[test]
fn submit_and_park() {
    check_model(|| {
        let listener = Arc::new(Listener::default());
        let overseer: Weak<dyn Overseer> = Arc::downgrade(&(Arc::clone(&listener) as Arc<dyn Overseer>));
        let config = Config::new().pool_size(1).reserve_normal(0).reserve_high(1);
        let pool = Pool::new("model", &config, overseer);
        pool.open().expect("threads are to be had in a model");
        let (most, done) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let running = Arc::new(AtomicUsize::new(0));
        let submitters: Vec<_> = [Priority::Low, Priority::High, Priority::Normal]
            .into_iter()
            .map(|priority| {
                let (pool, running, most, done) = (pool.clone(), running.clone(), most.clone(), done.clone());
                thread::spawn(move || {
                    for _ in 0..2 {
                        let probe =
                            Arc::new(Probe { running: running.clone(), most: most.clone(), done: done.clone() });
                        assert!(pool.submit(priority, Entry::Job(probe), Source::Caller).is_ok());
                    }
                })
            })
            .collect();
        submitters.into_iter().for_each(|submitter| submitter.join().expect("submitted"));
        pool.drain();
        listener.quiet.block_until(Deadline::Never, || pool.close_if_quiet(pool.opening()).then_some(()));
        assert_eq!(done.load(Ordering::SeqCst), 6);
        assert!(most.load(Ordering::SeqCst) <= 2, "more ran than there are places");
        pool.join(pool.opening());
        assert_eq!(pool.sample().threads, 0);
    });
}

/// One thread, as the clock's, puts in many and calls once behind the last, while a pool thread goes to sleep: all run.
#[test]
fn many_and_park() {
    check_model(|| {
        let listener = Arc::new(Listener::default());
        let overseer: Weak<dyn Overseer> = Arc::downgrade(&(Arc::clone(&listener) as Arc<dyn Overseer>));
        let config = Config::new().pool_size(2).reserve_normal(0).reserve_high(0);
        let pool = Pool::new("model", &config, overseer);
        pool.open().expect("threads are to be had in a model");
        let count = || Arc::new(AtomicUsize::new(0));
        let probe = Arc::new(Probe { running: count(), most: count(), done: count() });
        let put = |source| {
            let job = Arc::<Probe>::clone(&probe);
            assert!(pool.submit(Priority::Normal, Entry::Job(job), source).is_ok());
        };
        // Its thread is somewhere between its look and its sleep when the others come.
        put(Source::Caller);
        (0..3).for_each(|_| put(Source::InsideMany));
        pool.call_for_many();
        // Nothing else calls: were one forgotten, the model's bound on steps would tell.
        while probe.done.load(Ordering::SeqCst) < 4 {
            thread::yield_now();
        }
        assert!(probe.most.load(Ordering::SeqCst) <= 2, "more ran than there are places");
        pool.drain();
        listener.quiet.block_until(Deadline::Never, || pool.close_if_quiet(pool.opening()).then_some(()));
        pool.join(pool.opening());
    });
}
