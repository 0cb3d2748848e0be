//! Allocations and live bytes, counted by the allocator. Exact: the same in each run, whatever else the machine does.

use std::time::{Duration, Instant};

use atasker::{Supervisor, background_task, background_worker};

use crate::{
    allocations::{self, Allocated},
    figure::{Measured, Section},
    load::{self, EVENTS, Gate, TAKES},
};

/// Enough that what is paid once does not show.
const TASKS: usize = 100_000;
const WORKERS: usize = 1_000;
/// So far away that it is not due before the guard ends.
const LATER: Duration = Duration::from_secs(3600);

pub(crate) fn measure(to: &mut Measured) {
    task(to, ["detached_0", "detached_0_run"], load::detach::<0>);
    task(to, ["detached_8", "detached_8_run"], load::detach::<1>);
    task(to, ["detached_16", "detached_16_run"], load::detach::<2>);
    task(to, ["detached_24", "detached_24_run"], load::detach::<3>);
    task(to, ["detached_32", "detached_32_run"], load::detach::<4>);
    handle(to);
    delayed(to);
    items(to);
    triggers(to);
    workers(to);
    jobs(to);
}

/// What is allocated until everything is queued, and what more until everything has run.
fn task(to: &mut Measured, [queued, run]: [&'static str; 2], submit: impl Fn(&Supervisor, usize)) {
    let pool = load::supervisor(1);
    let gate = Gate::close(&pool);
    let submitted = allocations::count(|| submit(&pool, TASKS));
    let ran = allocations::count(|| gate.open());
    pool.stop();
    to.push(Section::Allocations, queued, each(submitted, TASKS).0);
    to.push(Section::Bytes, queued, each(submitted, TASKS).1);
    to.push(Section::Allocations, run, each(ran, TASKS).0);
}

fn handle(to: &mut Measured) {
    let pool = load::supervisor(1);
    let mut handles = Vec::with_capacity(TASKS);
    let gate = Gate::close(&pool);
    let submitted = allocations::count(|| load::start(&pool, TASKS, &mut handles));
    let ran = allocations::count(|| {
        gate.open();
        load::collect(handles);
    });
    pool.stop();
    to.push(Section::Allocations, "handle_16", each(submitted, TASKS).0);
    to.push(Section::Bytes, "handle_16", each(submitted, TASKS).1);
    to.push(Section::Allocations, "handle_16_run", each(ran, TASKS).0);
}

fn delayed(to: &mut Measured) {
    let pool = load::supervisor(1);
    let queued = allocations::count(|| {
        for n in 0..TASKS {
            let words = std::hint::black_box([n as u64; 2]);
            background_task(move || _ = std::hint::black_box(words)).supervisor(&pool).delay(LATER).detach();
        }
    });
    pool.stop_now();
    to.push(Section::Allocations, "delayed_16", each(queued, TASKS).0);
    to.push(Section::Bytes, "delayed_16", each(queued, TASKS).1);
}

fn items(to: &mut Measured) {
    let pool = load::supervisor(1);
    let body = |item: u64| _ = std::hint::black_box(item);
    let worker = background_worker(body).supervisor(&pool).queue().start().expect(TAKES);
    let put = || (0..TASKS as u64).for_each(|item| worker.put(item).expect("it runs"));
    let gate = Gate::close(&pool);
    let queued = allocations::count(put);
    let ran = allocations::count(|| gate.open());
    pool.stop();
    to.push(Section::Allocations, "item", each(queued, TASKS).0);
    to.push(Section::Bytes, "item", each(queued, TASKS).1);
    to.push(Section::Allocations, "item_run", each(ran, TASKS).0);
}

/// From trigger to the end of the run; each finds its worker idle.
fn triggers(to: &mut Measured) {
    const ROUNDS: usize = 10;
    let pool = load::supervisor(1);
    let workers = load::events(&pool, EVENTS);
    // The queue has its size from here on.
    load::trigger_all(&pool, &workers);
    let ran = allocations::count(|| (0..ROUNDS).for_each(|_| load::trigger_all(&pool, &workers)));
    pool.stop();
    to.push(Section::Allocations, "trigger", each(ran, ROUNDS * EVENTS).0);
}

fn workers(to: &mut Measured) {
    worker(to, ["idle_loop", "stopped_loop"], |pool, _| {
        background_worker(|| ()).supervisor(pool).initial(LATER).start().expect(TAKES)
    });
    worker(to, ["idle_interval", "stopped_interval"], |pool, _| {
        background_worker(|| ()).supervisor(pool).interval(LATER).initial(LATER).start().expect(TAKES)
    });
    worker(to, ["idle_delay", "stopped_delay"], |pool, _| {
        background_worker(|| ()).supervisor(pool).delay(LATER).initial(LATER).start().expect(TAKES)
    });
    worker(to, ["idle_queue", "stopped_queue"], |pool, _| {
        background_worker(|item: u64| _ = std::hint::black_box(item)).supervisor(pool).queue().start().expect(TAKES)
    });
    worker(to, ["idle_event", "stopped_event"], |pool, _| {
        background_worker(|| ()).supervisor(pool).event().start().expect(TAKES)
    });
}

/// Light jobs of one moment, so that it is known how they lie in the clock.
fn jobs(to: &mut Measured) {
    let pool = load::supervisor(1);
    let at = Instant::now() + LATER;
    // What the first pays for the clock and its thread.
    pool.at(at, || ()).expect(TAKES);
    let started = allocations::count(|| {
        for n in 0..TASKS as u64 {
            pool.at(at, move || _ = std::hint::black_box(n)).expect(TAKES);
        }
    });
    pool.stop();
    to.push(Section::Allocations, "job", each(started, TASKS).0);
    to.push(Section::Bytes, "idle_job", each(started, TASKS).1);
}

/// Workers that wait, and what is left of them after a stop while their handles are kept.
fn worker<H>(to: &mut Measured, [idle, stopped]: [&'static str; 2], start: impl Fn(&Supervisor, usize) -> H) {
    let pool = load::supervisor(1);
    let mut handles = Vec::with_capacity(WORKERS);
    let started = allocations::count(|| handles.extend((0..WORKERS).map(|n| start(&pool, n))));
    let left = allocations::count(|| {
        // The supervisor's stop lets go of every worker, and joins the threads that may still hold one.
        pool.stop();
    });
    to.push(Section::Bytes, idle, each(started, WORKERS).1);
    to.push(Section::Bytes, stopped, each(started, WORKERS).1 + each(left, WORKERS).1);
    drop(handles);
}

fn each(allocated: Allocated, of: usize) -> (f64, f64) {
    (allocated.calls as f64 / of as f64, allocated.live as f64 / of as f64)
}
