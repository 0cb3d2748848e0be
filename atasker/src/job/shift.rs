//! What runs jobs whose moment has come: one entry in the pool's queue for many of them.
//!
//! An entry each would be a hop from thread to thread for each, which costs more than most of these bodies. The price of
//! sharing one is that a body which takes long would keep the others from idle threads; so the clock looks after each crowd,
//! and has another thread come for what is left of it after [`PATIENCE`].

use std::sync::Arc;
use std::time::Duration;

use super::Jobs;
use crate::clock::{self, End, Opening, Tick};
use crate::outside;
use crate::pool::{self, Entry, Job, Pool, Ran, Refusal, Source, Tally};
use crate::priority::Priority;
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicUsize, Ordering};
use crate::time::When::At;

/// Where jobs run.
const PRIORITY: Priority = Priority::Normal;

/// So many jobs share one entry, and hence one thread, as long as they are brief.
const SHARE: usize = 128;

/// After so long, another thread is called for those that one thread has not got to; and a thread that has more to do lets
/// go of its place, and queues again.
const PATIENCE: Duration = Duration::from_millis(1);

/// Jobs whose moment came together.
pub(super) struct Crowd {
    jobs: Arc<Jobs>,
    opening: Opening,
    ticks: Vec<Arc<dyn Tick>>,
    /// Those before it have been taken by some thread.
    next: AtomicUsize,
    /// Lock rule: before none.
    care: Mutex<Care>,
}

/// Who sees to it that a crowd gets done.
///
/// Invariant: where there are ticks left, it is queued or watched, or a thread has it that looks once more
/// (`model_of_crowds::share_and_look_after`).
struct Care {
    /// Entries that stand in the pool's queue.
    queued: usize,
    /// The clock will look after it.
    watched: bool,
}

/// One entry of a crowd.
struct Shift {
    crowd: Arc<Crowd>,
    /// Which of the ticks runs, or ran last.
    current: AtomicUsize,
}

/// Of a shift that has begun nothing.
const NONE: usize = usize::MAX;

impl Crowd {
    /// Puts them into the pool's queue, for threads that the clock will call for.
    pub(super) fn send(jobs: &Arc<Jobs>, ticks: Vec<Arc<dyn Tick>>, opening: Opening) {
        // Who moves a clock by hand looks after nothing.
        let share = if jobs.clock.is_manual() { 1 } else { SHARE };
        let shares = ticks.len().div_ceil(share);
        let watched = ticks.len() > 1 && share > 1;
        let care = Mutex::new(Care { queued: 0, watched });
        let crowd = Arc::new(Self { jobs: Arc::clone(jobs), opening, ticks, next: AtomicUsize::new(0), care });
        for _ in 0..shares {
            crowd.queue(Source::InsideMany);
        }
        if watched {
            crowd.watch();
        }
    }

    fn queue(self: &Arc<Self>, source: Source) {
        self.care.lock().queued += 1;
        let shift = Arc::new(Shift { crowd: Arc::clone(self), current: AtomicUsize::new(NONE) });
        if self.jobs.pool.submit(PRIORITY, Entry::Job(shift), source).is_err() {
            // A closed pool: a bounded stop has run out.
            self.forget();
        }
    }

    /// Has the clock look after it, when it is awake anyway if that can be.
    fn watch(self: &Arc<Self>) {
        let now = self.jobs.clock.now();
        let bell: Arc<dyn clock::Bell> = Arc::<Self>::clone(self);
        if self.jobs.clock.insert_about(At(now + PATIENCE), PATIENCE, bell).is_err() {
            self.spread();
        }
    }

    /// The clock is stopped and looks after nothing: from here on, no job waits for the thread of another.
    fn spread(self: &Arc<Self>) {
        for _ in 0..self.left() {
            self.queue(Source::Inside);
        }
    }

    /// A thread has come to it.
    fn begin(self: &Arc<Self>) {
        let watch = {
            let mut care = self.care.lock();
            care.queued -= 1;
            let watch = !care.watched && self.left() > 1 && !self.jobs.clock.is_manual();
            care.watched |= watch;
            watch
        };
        if watch {
            self.watch();
        }
    }

    /// Takes the next one.
    fn next(&self) -> Option<usize> {
        // Relaxed: only the number matters; the ticks are as they were when the entry was queued.
        Some(self.next.fetch_add(1, Ordering::Relaxed)).filter(|next| *next < self.ticks.len())
    }

    fn left(&self) -> usize {
        self.ticks.len().saturating_sub(self.next.load(Ordering::Relaxed))
    }

    /// None of those that are left will run.
    fn forget(&self) {
        let first = self.next.swap(self.ticks.len(), Ordering::Relaxed).min(self.ticks.len());
        self.jobs.forget(self.ticks[first..].to_vec()).into_iter().for_each(outside::run);
    }
}

impl clock::Bell for Crowd {
    fn ring(self: Arc<Self>, _key: clock::Key) {
        self.look_after();
        outside::let_go(self);
    }

    fn dropped(self: Arc<Self>) -> bool {
        self.spread();
        false
    }

    fn drop_body(self: Arc<Self>) {}
}

impl Crowd {
    /// Has another thread come for what is left of it.
    fn look_after(self: &Arc<Self>) {
        {
            let mut care = self.care.lock();
            // One that stands in the queue is not held up by its own: whoever begins it has it watched.
            care.watched = self.left() > 0 && care.queued == 0;
            if !care.watched {
                return;
            }
        }
        self.queue(Source::Inside);
        self.watch();
    }
}

impl Shift {
    /// Runs one after the other.
    fn work(&self) {
        let Crowd { jobs, opening, ticks, .. } = &*self.crowd;
        let home = pool::home();
        let clock = &jobs.clock;
        if !clock.is_of(*opening) {
            // Left by a body that a stop had given up on, after the next start.
            return self.crowd.forget();
        }
        let mut now = clock.moment(clock.now());
        let until = now.later(PATIENCE);
        let (mut runs, mut panics) = (0, 0);
        while !home.as_ref().is_some_and(|home| home.is_hurried())
            && let Some(next) = self.crowd.next()
        {
            // Relaxed: for reports, and for this thread's own bodies.
            self.current.store(next, Ordering::Relaxed);
            let came = Arc::clone(&ticks[next]).come(clock, *opening);
            runs += u64::from(came.ran);
            panics += u64::from(came.panicked);
            match came.end {
                None => {}
                Some(End::Over) => jobs.counts.completed(),
                Some(End::Stopped) => jobs.counts.cancelled(1),
            }
            now = came.now.unwrap_or_else(|| clock.moment(clock.now()));
            if (now >= until || jobs.pool.is_wanted_above(PRIORITY)) && self.crowd.left() > 0 {
                self.crowd.queue(Source::Inside);
                break;
            }
        }
        jobs.counts.ran(runs, panics);
        if home.is_some_and(|home| home.is_hurried()) {
            self.crowd.forget();
        }
    }

    fn current(&self) -> Option<&Arc<dyn Tick>> {
        self.crowd.ticks.get(self.current.load(Ordering::Relaxed))
    }
}

impl Job for Shift {
    fn name(&self) -> &str {
        self.current().map_or("light jobs", |tick| tick.name())
    }

    fn is_live(&self) -> bool {
        true
    }

    fn run(&self, _tally: &Tally<'_>) -> Ran {
        self.crowd.begin();
        self.work();
        Ran::Errand
    }

    fn refuse(self: Arc<Self>, _pool: &Arc<Pool>, _why: Refusal) -> bool {
        true
    }

    fn drop_body(self: Arc<Self>, _pool: &Arc<Pool>) {
        self.crowd.forget();
    }

    fn is_task(&self) -> bool {
        false
    }

    fn is_asked_to_end(&self) -> bool {
        self.current().is_some_and(|tick| tick.is_asked_to_end())
    }
}
