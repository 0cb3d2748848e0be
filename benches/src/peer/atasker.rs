//! `atasker`: by the builder, by the attribute, and its workers.

use std::{
    sync::{Arc, LazyLock},
    time::{Duration, Instant},
};

use atasker::{
    AsyncWorker, Config, Priority, QueueWorker, Supervisor, Task, WorkerContext, background_future, background_task,
    background_worker,
};

use crate::{
    peer::{Async, Mailbox, Peer, Pool, Size, Timer, Waits},
    record::Figures,
    scenario::{self, Run, Scenario},
};

/// A supervisor of its own, `pool_size` 2, the builder at every call.
pub(crate) static BUILDER: Peer = Peer {
    name: "atasker",
    about: "`background_task(..).supervisor(..)`, `pool_size` 2; `background_worker(..)` with `.queue()`, `.interval(..)`",
    runs: &[
        (Scenario::Flood, scenario::detached::<Atasker>),
        (Scenario::FloodDropped, scenario::dropped::<Atasker>),
        (Scenario::FloodCaptureLess, scenario::capture_less::<Atasker>),
        (Scenario::FourProducers, scenario::four_producers::<Atasker>),
        (Scenario::Tree, scenario::from_inside::<Atasker>),
        (Scenario::Handles, scenario::all_alive::<Atasker>),
        (Scenario::IdleWake, scenario::from_idle::<Atasker>),
        (Scenario::RoundTrip, scenario::one_at_a_time::<Atasker>),
        (Scenario::Urgent, scenario::into_busy::<Atasker>),
        (Scenario::UrgentBlocked, scenario::into_blocked::<Atasker>),
        (Scenario::Interval, scenario::each_millisecond::<Workers>),
        (Scenario::IntervalTen, scenario::each_ten_milliseconds::<Workers>),
        (Scenario::IntervalFlooded, scenario::beside_floods::<Workers>),
        (Scenario::ManyIntervals, scenario::many::<Workers>),
        (Scenario::ManyAsyncIntervals, scenario::many::<AsyncWorkers>),
        (Scenario::Idle, idle),
        (Scenario::Memory, scenario::queued_detached::<Atasker>),
        (Scenario::MemoryHandle, scenario::queued_with_handle::<Atasker>),
        (Scenario::Items, scenario::from_one::<Queue>),
        (Scenario::ItemsFour, scenario::from_four::<Queue>),
        (Scenario::BoundedItems, scenario::bounded_from_one::<Queue>),
        (Scenario::BoundedItemsFour, scenario::bounded_from_four::<Queue>),
        (Scenario::PutToRun, scenario::from_sleeper::<Queue>),
        (Scenario::PutToRunBusy, scenario::from_busy::<Queue>),
        (Scenario::NestedWait, scenario::inside::<Atasker>),
        (Scenario::AsyncNoop, scenario::one_after_the_other::<Atasker>),
        (Scenario::AsyncNoopAlive, scenario::many_alive::<Atasker>),
    ],
};

/// The same bodies through an annotated function, the way most programs call it.
pub(crate) static ATTRIBUTE: Peer = Peer {
    name: "atasker-attribute",
    about: "`#[background_task(supervisor = …)]` and `f::detach(..)`",
    runs: &[
        (Scenario::Flood, scenario::detached::<Attribute>),
        (Scenario::FloodDropped, scenario::dropped::<Attribute>),
        (Scenario::FourProducers, scenario::four_producers::<Attribute>),
    ],
};

struct Atasker(Supervisor);

fn supervisor(size: Size) -> Supervisor {
    let config = Config::new().pool_size(size.threads).reserve_normal(0).reserve_high(size.reserve);
    Supervisor::new("bench", config).expect("the configuration is sound")
}

fn async_supervisor(size: Size) -> Supervisor {
    Supervisor::new("bench", Config::new().async_threads(size.all())).expect("the configuration is sound")
}

impl Pool for Atasker {
    const RESERVES: bool = true;

    fn open(size: Size) -> &'static Self {
        Box::leak(Box::new(Self(supervisor(size))))
    }

    fn detach<F: FnOnce() + Send + 'static>(&'static self, body: F) {
        background_task(body).supervisor(&self.0).detach();
    }

    fn dropped<F: FnOnce() + Send + 'static>(&'static self, body: F) {
        drop(background_task(body).supervisor(&self.0).start());
    }

    fn low<F: FnOnce() + Send + 'static>(&'static self, body: F) {
        background_task(body).supervisor(&self.0).priority(Priority::Low).detach();
    }

    fn high<F: FnOnce() + Send + 'static>(&'static self, body: F) {
        background_task(body).supervisor(&self.0).priority(Priority::High).detach();
    }
}

impl Waits for Atasker {
    type Task<T: Send + 'static> = Task<T>;

    fn start<T: Send + 'static, F: FnOnce() -> T + Send + 'static>(&'static self, body: F) -> Self::Task<T> {
        background_task(body).supervisor(&self.0).start()
    }

    fn wait<T: Send + 'static>(&'static self, task: Self::Task<T>) -> T {
        task.wait().expect("the body does not panic")
    }
}

impl Async for Atasker {
    fn open(size: Size) -> &'static Self {
        Box::leak(Box::new(Self(async_supervisor(size))))
    }

    fn start(&'static self, n: u64) -> impl Future<Output = u64> + Send {
        let task = background_future(async move { n }).supervisor(&self.0).start();
        async move { task.await.expect("the body does not panic") }
    }

    fn run<T: Send + 'static>(&'static self, body: impl Future<Output = T> + Send + 'static) -> T {
        background_future(body).supervisor(&self.0).start().wait().expect("the body does not panic")
    }
}

/// What the attribute's expression looks up at each call; the queue workers run there too.
static SHARED: LazyLock<Supervisor> = LazyLock::new(|| supervisor(Size::TWO));

#[background_task(supervisor = *SHARED)]
fn annotated<F: FnOnce() + Send + 'static>(body: F) {
    body();
}

struct Attribute;

impl Pool for Attribute {
    fn open(_: Size) -> &'static Self {
        &Self
    }

    fn detach<F: FnOnce() + Send + 'static>(&'static self, body: F) {
        annotated::detach(body);
    }

    fn dropped<F: FnOnce() + Send + 'static>(&'static self, body: F) {
        drop(annotated(body));
    }
}

/// A queue worker, which takes a place of the pool only while there are items.
struct Queue(QueueWorker<u64>);

impl Mailbox for Queue {
    fn open(bound: Option<usize>, mut body: impl FnMut(u64) + Send + 'static) -> Self {
        let worker = background_worker(move |item: u64| body(item)).supervisor(&SHARED);
        let started = match bound {
            None => worker.queue().start(),
            Some(bound) => worker.queue_bounded(bound).start(),
        };
        Self(started.expect("the supervisor takes workers"))
    }

    fn put(&self, item: u64) {
        self.0.put(item).expect("the worker runs");
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        self.0.request_stop();
    }
}

/// Interval workers, at a higher priority than what floods their pool.
struct Workers(Supervisor);

impl Timer for Workers {
    fn open() -> &'static Self {
        Box::leak(Box::new(Self(supervisor(Size::TWO))))
    }

    fn start<B>(&'static self, every: Duration, bodies: impl Iterator<Item = (Duration, B)>)
    where
        B: FnMut(Instant) + Send + 'static,
    {
        for (first, mut body) in bodies {
            let worker = background_worker(move |cx: &WorkerContext| body(cx.due())).supervisor(&self.0);
            let started = worker.priority(Priority::High).interval(every).initial(first).start();
            drop(started.expect("the supervisor takes workers"));
        }
    }

    fn flood(&'static self, piece: impl Fn() + Send + Sync + 'static) {
        again(&self.0, Arc::new(piece));
    }
}

/// The same workers with async bodies.
struct AsyncWorkers(Supervisor);

/// An async worker's body.
struct Body<B>(B);

impl<B: FnMut(Instant) + Send + 'static> AsyncWorker for Body<B> {
    type Output = ();

    async fn run(&mut self, cx: &WorkerContext) {
        (self.0)(cx.due());
    }
}

impl Timer for AsyncWorkers {
    fn open() -> &'static Self {
        Box::leak(Box::new(Self(async_supervisor(Size::TWO))))
    }

    fn start<B>(&'static self, every: Duration, bodies: impl Iterator<Item = (Duration, B)>)
    where
        B: FnMut(Instant) + Send + 'static,
    {
        for (first, body) in bodies {
            let worker = background_worker(Body(body)).supervisor(&self.0).priority(Priority::High);
            let started = worker.interval(every).initial(first).start();
            drop(started.expect("the supervisor takes workers"));
        }
    }
}

/// A task that begins anew when it has ended, behind whatever waits.
fn again(supervisor: &'static Supervisor, piece: Arc<impl Fn() + Send + Sync + 'static>) {
    let body = move || {
        piece();
        again(supervisor, piece);
    };
    background_task(body).supervisor(supervisor).priority(Priority::Low).detach();
}

/// Workers of all kinds, none of which is due.
fn idle(run: &Run) -> Figures {
    const HOUR: Duration = Duration::from_secs(3600);
    scenario::idle(run, |workers| {
        let takes = "the supervisor takes workers";
        for n in 0..workers {
            let name = format!("idle-{n}");
            match n % 4 {
                0 => drop(background_worker(|| ()).name(name).supervisor(&SHARED).event().start().expect(takes)),
                1 => drop(background_worker(|| ()).name(name).supervisor(&SHARED).interval(HOUR).start().expect(takes)),
                2 => drop(background_worker(|| ()).name(name).supervisor(&SHARED).delay(HOUR).start().expect(takes)),
                _ => drop(background_worker(|_: u64| ()).name(name).supervisor(&SHARED).queue().start().expect(takes)),
            }
        }
    })
}
