//! How much fits: threads that come and go, a system that gives none, a million of everything, and no idle work.

mod refused;
mod threads;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use atasker::{Supervisor, background_task, background_worker};

use crate::support::{Gate, PATIENCE, child_ends_with, eventually, held, in_limited_child, pool};

const MILLION: usize = 1_000_000;

#[cfg(target_os = "linux")]
#[test]
fn a_million_queued_no_ops_all_run_and_memory_falls_back() {
    if !in_limited_child() {
        child_ends_with("capacity::a_million_queued_no_ops_all_run_and_memory_falls_back", 0);
        return;
    }
    let s = pool(2);
    background_task(|| ()).supervisor(&s).start().wait().unwrap();
    let before = held();
    let (gate, _blockers) = s.occupy(2, atasker::Priority::Normal);
    let ran = Arc::new(AtomicUsize::new(0));
    for _ in 0..MILLION {
        let ran = Arc::clone(&ran);
        background_task(move || ran.fetch_add(1, Ordering::Relaxed)).supervisor(&s).detach();
    }
    let full = held();
    gate.open();
    eventually("all have run", || ran.load(Ordering::Relaxed) == MILLION && s.info().active.total() == 0);
    let after = held();
    assert!(full - before > 25_000, "a full queue shows: {before} kB, then {full} kB");
    assert!(
        after.saturating_sub(before) < (full - before) / 10,
        "before {before} kB, full {full} kB, after {after} kB"
    );
}

#[cfg(target_os = "linux")]
#[test]
fn tasks_cancelled_behind_a_full_pool_do_not_pile_up() {
    if !in_limited_child() {
        child_ends_with("capacity::tasks_cancelled_behind_a_full_pool_do_not_pile_up", 0);
        return;
    }
    let s = pool(2);
    let (gate, _blockers) = s.occupy(2, atasker::Priority::Normal);
    let cancel = |times: usize| {
        for _ in 0..times {
            let task = background_task(|| ()).supervisor(&s).start();
            assert_eq!(task.cancel(), atasker::CancelOutcome::Dequeued);
        }
    };
    cancel(10_000);
    let before = held();
    cancel(500_000);
    let after = held();
    assert!(after < before + 10_000, "before {before} kB, after {after} kB");
    assert_eq!(s.info().queued.total(), 0);
    gate.open();
}

#[test]
fn a_million_delayed_tasks_fit_and_block_nobody() {
    let s = pool(1);
    for _ in 0..MILLION {
        background_task(|| ()).delay(Duration::from_secs(3600)).supervisor(&s).detach();
    }
    background_task(|| ()).supervisor(&s).start().wait().unwrap();
    assert_eq!(s.info().delayed.total(), MILLION);
    let report = s.stop();
    assert_eq!((report.ran, report.cancelled), (1, MILLION as u64));
}

/// A hunt for lost wake-ups: each task comes when the pool is about to sleep or asleep, and one that is not noticed
/// is waited for in vain.
#[test]
fn single_tasks_each_wake_a_sleeping_pool() {
    let s = pool(2);
    for n in 0..MILLION / 5 {
        let task = background_task(move || n).supervisor(&s).start();
        assert_eq!(task.wait_timeout(PATIENCE).unwrap(), n);
        spin(n % 64);
    }
}

#[test]
fn single_puts_each_wake_a_sleeping_worker() {
    let s = pool(2);
    let seen = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&seen);
    let consumer = background_worker(move |n: usize| count.store(n, Ordering::Release)).queue().supervisor(&s);
    let consumer = consumer.start().unwrap();
    for n in 1..=MILLION / 5 {
        consumer.put(n).unwrap();
        eventually("the item is taken", || seen.load(Ordering::Acquire) == n);
        spin(n % 64);
    }
}

/// So that the next wake-up comes at another moment of the thread's going to sleep.
fn spin(rounds: usize) {
    for _ in 0..rounds * 8 {
        std::hint::spin_loop();
    }
}

/// How often each thread of the process has gone to sleep, by name.
#[cfg(target_os = "linux")]
fn sleeps() -> std::collections::BTreeMap<String, u64> {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap().flatten();
    tasks
        .filter_map(|task| {
            let name = std::fs::read_to_string(task.path().join("comm")).ok()?.trim().to_owned();
            let status = std::fs::read_to_string(task.path().join("status")).ok()?;
            let count = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"))?;
            Some((name, count.trim().parse().unwrap()))
        })
        .collect()
}

#[cfg(target_os = "linux")]
#[test]
fn one_put_wakes_one_thread() {
    if !in_limited_child() {
        child_ends_with("capacity::one_put_wakes_one_thread", 0);
        return;
    }
    let s = Supervisor::new("wake", atasker::Config::new().pool_size(8)).unwrap();
    fill(&s, 8);
    let ran = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&ran);
    let consumer =
        background_worker(move |add: usize| _ = count.fetch_add(add, Ordering::SeqCst)).queue().supervisor(&s);
    let consumer = consumer.start().unwrap();
    let rest = || s.info().active.total() == 0 && ours().iter().all(|(_, state)| state == "S");
    eventually("all sleep", rest);
    let before = sleeps();
    const PUTS: u64 = 50;
    for n in 1..=PUTS {
        consumer.put(1).unwrap();
        eventually("it has run", || ran.load(Ordering::SeqCst) as u64 == n);
        eventually("all sleep again", rest);
    }
    let after = sleeps();
    let slept: u64 = ours().iter().map(|(name, _)| after[name] - before[name]).sum();
    // Each put costs the woken thread one sleep; locks that it meets may cost another now and then.
    assert!(slept < 2 * PUTS, "{PUTS} puts made threads sleep {slept} times");

    /// The pool's threads, and what the system says they do.
    fn ours() -> Vec<(String, String)> {
        let tasks = std::fs::read_dir("/proc/self/task").unwrap().flatten();
        let stats = tasks.filter_map(|task| std::fs::read_to_string(task.path().join("stat")).ok());
        let each = stats.filter_map(|stat| {
            let (name, rest) = stat.split_once('(')?.1.split_once(") ")?;
            Some((name.to_owned(), rest[..1].to_owned()))
        });
        each.filter(|(name, _)| name.starts_with("wake-")).collect()
    }
}

/// Makes the pool have so many threads.
fn fill(s: &Supervisor, threads: usize) {
    let gate = Gate::new();
    let running = Arc::new(std::sync::Barrier::new(threads + 1));
    for _ in 0..threads {
        let (gate, running) = (gate.clone(), Arc::clone(&running));
        let body = move || {
            running.wait();
            gate.wait();
        };
        background_task(body).supervisor(s).detach();
    }
    running.wait();
    gate.open();
}

/// The one test that sleeps: nothing may happen, so there is nothing to wait for.
#[cfg(target_os = "linux")]
#[test]
fn an_idle_program_does_not_wake() {
    if !in_limited_child() {
        child_ends_with("capacity::an_idle_program_does_not_wake", 0);
        return;
    }
    let hour = Duration::from_secs(3600);
    let s = Supervisor::new("idle", atasker::Config::new().pool_size(4).keep_alive(hour)).unwrap();
    for _ in 0..25 {
        background_worker(|| ()).event().supervisor(&s).start().unwrap();
        background_worker(|_: u64| ()).queue().supervisor(&s).start().unwrap();
        background_worker(|| ()).interval(hour).supervisor(&s).start().unwrap();
        background_worker(|| ()).initial(hour).supervisor(&s).start().unwrap();
    }
    fill(&s, 4);
    background_task(|| ()).delay(hour).supervisor(&s).detach();
    let first_runs = |s: &Supervisor| s.info().workers.iter().map(|worker| worker.runs).sum::<u64>();
    eventually("the interval workers have had their first run", || first_runs(&s) == 25);
    eventually("the pool rests", || s.info().active.total() == 0);
    std::thread::sleep(Duration::from_millis(200));

    let (sleeps_before, cpu_before) = (sleeps(), cpu_time());
    std::thread::sleep(Duration::from_secs(3));
    let (sleeps_after, cpu_after) = (sleeps(), cpu_time());
    let woken: Vec<_> = sleeps_before.iter().filter(|&(name, _)| name.starts_with("idle-")).collect();
    assert!(woken.len() > 4, "the pool and the clock are there: {woken:?}");
    for (name, before) in woken {
        assert_eq!(sleeps_after[name], *before, "{name} was woken");
    }
    assert!(cpu_after - cpu_before < Duration::from_millis(50), "it used {:?}", cpu_after - cpu_before);
    assert_eq!(first_runs(&s), 25);
}

/// The processor time that the process has used.
#[cfg(target_os = "linux")]
fn cpu_time() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the pointer is to a live value of the type that the call fills in.
    assert_eq!(unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &raw mut time) }, 0);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap())
}
