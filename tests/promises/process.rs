//! What ends or outlives a process: exit, destructors, forks. Each is tried in a child process.

use std::cell::RefCell;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use atasker::{
    Config, LaneConfig, Priority, Supervisor, background_future, background_task, background_worker, task_supervisor,
};

use crate::support::{PATIENCE, child_ends_with, in_limited_child};

/// Uses the global supervisor in every way that a destructor might. Whatever comes of it: no panic, no hang.
fn use_everything() {
    let task = background_task(|| 42).start();
    let status = task.status();
    assert!(matches!(task.wait(), Ok(42) | Err(_)), "{status}");
    background_task(|| ()).priority(Priority::Critical).detach();
    background_task(|| ()).delay(Duration::from_micros(1)).start().wait().ok();
    _ = background_task(|| ()).try_start().map(|task| task.cancel());
    if let Ok(worker) = background_worker(|_: u8| ()).queue().start() {
        _ = worker.put(1);
        worker.stop();
    }
    let task = background_future(async { 42 }).start();
    assert!(matches!(task.wait(), Ok(42) | Err(_)));
    _ = task_supervisor().info();
}

/// Does something when its thread ends.
struct AtEnd(Option<Box<dyn FnOnce()>>);

impl Drop for AtEnd {
    fn drop(&mut self) {
        if let Some(end) = self.0.take() {
            end();
        }
    }
}

thread_local! {
    static AT_END: RefCell<AtEnd> = const { RefCell::new(AtEnd(None)) };
}

fn at_end(end: impl FnOnce() + 'static) {
    AT_END.with(|at_end| at_end.borrow_mut().0 = Some(Box::new(end)));
}

#[test]
fn use_from_a_tls_destructor_is_ok_or_err() {
    if !in_limited_child() {
        child_ends_with("process::use_from_a_tls_destructor_is_ok_or_err", 0);
        return;
    }
    let (tell, told) = mpsc::channel();
    // Before the library's own locals are made on the thread, and after: they go in the other order.
    for used_before in [false, true] {
        let tell = tell.clone();
        let thread = std::thread::spawn(move || {
            if used_before {
                use_everything();
            }
            at_end(move || {
                use_everything();
                tell.send(()).unwrap();
            });
            use_everything();
        });
        thread.join().unwrap();
        told.recv_timeout(PATIENCE).unwrap();
    }
}

#[test]
fn use_from_a_tls_destructor_of_a_pool_thread_is_ok_or_err() {
    if !in_limited_child() {
        child_ends_with("process::use_from_a_tls_destructor_of_a_pool_thread_is_ok_or_err", 0);
        return;
    }
    // The thread leaves because it is idle; then because of a stop.
    for keep_alive in [Duration::ZERO, Duration::from_secs(3600)] {
        let config = Config::new().pool_size(1).reserve_normal(0).reserve_high(0).keep_alive(keep_alive);
        task_supervisor().set_config(config).unwrap();
        task_supervisor().start().unwrap();
        let (tell, told) = mpsc::channel();
        let body = move || {
            at_end(move || {
                use_everything();
                tell.send(()).unwrap();
            });
        };
        background_task(body).start().wait().unwrap();
        if !keep_alive.is_zero() {
            assert!(task_supervisor().stop().complete);
        }
        told.recv_timeout(PATIENCE).unwrap();
    }
}

#[test]
fn stop_from_a_tls_destructor_of_a_pool_thread_does_not_wait_for_itself() {
    if !in_limited_child() {
        child_ends_with("process::stop_from_a_tls_destructor_of_a_pool_thread_does_not_wait_for_itself", 0);
        return;
    }
    let s = Supervisor::new("tls", Config::new().pool_size(1)).unwrap();
    let own = s.clone();
    let (tell, told) = mpsc::channel();
    let body = move || {
        at_end(move || {
            _ = own.stop();
            tell.send(()).unwrap();
        });
    };
    background_task(body).supervisor(&s).start().wait().unwrap();
    assert!(s.stop().complete);
    told.recv_timeout(PATIENCE).unwrap();
}

#[cfg(unix)]
#[test]
fn use_from_an_exit_handler_is_ok_or_err() {
    static RAN: AtomicBool = AtomicBool::new(false);
    extern "C" fn handler() {
        use_everything();
        RAN.store(true, Ordering::SeqCst);
        // SAFETY: it ends the process, with a code that says that the handler came this far.
        unsafe { libc::_exit(7) };
    }
    if !in_limited_child() {
        child_ends_with("process::use_from_an_exit_handler_is_ok_or_err", 7);
        return;
    }
    use_everything();
    // SAFETY: the handler is a fn that lives as long as the process and does not unwind (a panic aborts).
    assert_eq!(unsafe { libc::atexit(handler) }, 0);
    std::process::exit(0);
}

#[test]
fn exit_with_work_queued_keeps_the_exit_code() {
    if !in_limited_child() {
        child_ends_with("process::exit_with_work_queued_keeps_the_exit_code", 23);
        return;
    }
    task_supervisor().set_config(Config::new().pool_size(2)).unwrap();
    let hour = Duration::from_secs(3600);
    let (tell, told) = mpsc::channel();
    for _ in 0..2 {
        let tell = tell.clone();
        let body = move || {
            tell.send(()).unwrap();
            loop {
                std::thread::park();
            }
        };
        background_task(body).priority(Priority::Low).detach();
    }
    (0..2).for_each(|_| told.recv_timeout(PATIENCE).unwrap());
    for _ in 0..10_000 {
        background_task(std::thread::yield_now).detach();
        background_task(|| ()).priority(Priority::Low).detach();
        background_task(|| ()).delay(hour).detach();
    }
    background_worker(std::thread::yield_now).start().unwrap();
    background_worker(|| ()).interval(Duration::from_micros(100)).start().unwrap();
    background_worker(|| async {}).interval(Duration::from_micros(100)).start().unwrap();
    std::process::exit(23);
}

/// What a child of a fork finds, as bits, so that all of it fits into an exit code.
#[cfg(unix)]
#[test]
fn after_a_fork_the_child_is_refused_at_once_and_the_parent_goes_on() {
    if !in_limited_child() {
        child_ends_with("process::after_a_fork_the_child_is_refused_at_once_and_the_parent_goes_on", 0);
        return;
    }
    let s = Supervisor::new("fork", Config::new().pool_size(2)).unwrap();
    let hour = Duration::from_secs(3600);
    let queue = background_worker(|_: u32| ()).queue().supervisor(&s).start().unwrap();
    let event = background_worker(|| ()).event().supervisor(&s).start().unwrap();
    let (go, gone) = mpsc::channel::<()>();
    let running = background_task(move || _ = gone.recv()).supervisor(&s).start();
    let delayed = background_task(|| ()).delay(hour).supervisor(&s).start();

    // SAFETY: the child makes calls of the library, which is what is tested, and ends by `_exit`.
    let pid = unsafe { libc::fork() };
    assert!(pid >= 0);
    if pid == 0 {
        // SAFETY: its signal ends a child that hangs.
        unsafe { libc::alarm(20) };
        let results = [
            background_task(|| ()).supervisor(&s).start().wait().is_err(),
            background_task(|| ()).delay(hour).supervisor(&s).start().wait().is_err(),
            background_task(|| ()).supervisor(&s).try_start().is_err(),
            running.wait().is_err() && delayed.wait().is_err(),
            queue.put(1).is_err() && queue.try_put(2).is_err(),
            !event.trigger() && background_worker(|| ()).supervisor(&s).start().is_err(),
            s.start().is_err() && s.set_config(Config::new()).is_err(),
            !s.stop().complete && !s.stop_timeout(hour).complete && !s.stop_now().complete,
        ];
        s.block();
        queue.stop();
        event.request_stop();
        drop(s);
        let wrong = (0..8).filter(|&n| !results[n]).fold(0, |wrong, n| wrong | 1 << n);
        // SAFETY: it ends the process.
        unsafe { libc::_exit(wrong) };
    }
    let mut status = 0;
    // SAFETY: the pointer is to a live integer that the call fills in.
    assert_eq!(unsafe { libc::waitpid(pid, &raw mut status, 0) }, pid);
    assert!(libc::WIFEXITED(status), "the child ended by signal {}", libc::WTERMSIG(status));
    assert_eq!(libc::WEXITSTATUS(status), 0, "bits of what was not refused: {:#b}", libc::WEXITSTATUS(status));

    drop(go);
    running.wait().unwrap();
    queue.put(1).unwrap();
    assert!(event.trigger());
    assert_eq!(background_task(|| 42).supervisor(&s).start().wait().unwrap(), 42);
    let report = s.stop();
    assert_eq!((report.complete, report.ran, report.cancelled, report.discarded), (true, 2, 1, 0));
}

/// The same for async bodies and lanes.
#[cfg(unix)]
#[test]
fn after_a_fork_async_bodies_are_refused_in_the_child() {
    if !in_limited_child() {
        child_ends_with("process::after_a_fork_async_bodies_are_refused_in_the_child", 0);
        return;
    }
    let s = Supervisor::new("fork", Config::new().async_threads(1)).unwrap();
    let lane = s.lane("io", LaneConfig::new().threads(1)).unwrap();
    assert_eq!(lane.block_on(async { 1 }).unwrap(), 1);
    let running = background_future(std::future::pending::<()>()).supervisor(&s).start();
    // SAFETY: the child makes calls of the library, which is what is tested, and ends by `_exit`.
    let pid = unsafe { libc::fork() };
    assert!(pid >= 0);
    if pid == 0 {
        // SAFETY: its signal ends a child that hangs.
        unsafe { libc::alarm(20) };
        let results = [
            background_future(async {}).supervisor(&s).start().wait().is_err(),
            background_future(async {}).supervisor(&s).lane("io").try_start().is_err(),
            running.wait().is_err(),
            lane.block_on(async {}).is_err() && lane.open().is_err() && lane.start(async {}).wait().is_err(),
            s.find_lane("io").is_err() && s.lane("other", LaneConfig::new()).is_err(),
            !lane.stop().complete && !s.stop_now().complete,
            background_worker(|| async {}).supervisor(&s).start().is_err(),
        ];
        drop(lane);
        drop(s);
        let wrong = (0..7).filter(|&n| !results[n]).fold(0, |wrong, n| wrong | 1 << n);
        // SAFETY: it ends the process.
        unsafe { libc::_exit(wrong) };
    }
    let mut status = 0;
    // SAFETY: the pointer is to a live integer that the call fills in.
    assert_eq!(unsafe { libc::waitpid(pid, &raw mut status, 0) }, pid);
    assert!(libc::WIFEXITED(status), "the child ended by signal {}", libc::WTERMSIG(status));
    assert_eq!(libc::WEXITSTATUS(status), 0, "bits of what was not refused: {:#b}", libc::WEXITSTATUS(status));
    assert_eq!(lane.block_on(async { 2 }).unwrap(), 2);
    assert!(s.stop_now().complete);
    assert!(running.wait().is_err());
}

/// A fork that comes while other threads hold the library's locks: they are held for ever in the child.
#[cfg(unix)]
#[test]
fn a_fork_under_load_does_not_hang_the_child() {
    if !in_limited_child() {
        child_ends_with("process::a_fork_under_load_does_not_hang_the_child", 0);
        return;
    }
    let s = Supervisor::new("fork", Config::new().pool_size(2)).unwrap();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !done.load(Ordering::SeqCst) {
                    background_task(|| ()).supervisor(&s).start().wait().unwrap();
                    let hour = Duration::from_secs(3600);
                    background_task(|| ()).delay(hour).supervisor(&s).start().cancel();
                }
            });
        }
        for _ in 0..100 {
            // SAFETY: the child makes calls of the library, which is what is tested, and ends by `_exit`.
            let pid = unsafe { libc::fork() };
            assert!(pid >= 0);
            if pid == 0 {
                // SAFETY: its signal ends a child that hangs.
                unsafe { libc::alarm(20) };
                let task = background_task(|| ()).supervisor(&s).start();
                task.cancel();
                let refused = task.wait().is_err() & s.start().is_err() & !s.stop().complete;
                background_task(|| ()).supervisor(&s).detach();
                let delayed = background_task(|| ()).delay(Duration::from_secs(1)).supervisor(&s).start();
                delayed.cancel();
                drop(delayed);
                // SAFETY: it ends the process.
                unsafe { libc::_exit(i32::from(!refused)) };
            }
            let mut status = 0;
            // SAFETY: the pointer is to a live integer that the call fills in.
            assert_eq!(unsafe { libc::waitpid(pid, &raw mut status, 0) }, pid);
            assert_eq!(status, 0, "the child ended by signal {}", libc::WTERMSIG(status));
        }
        done.store(true, Ordering::SeqCst);
    });
}

#[cfg(unix)]
#[test]
fn a_child_may_make_a_supervisor_of_its_own() {
    if !in_limited_child() {
        child_ends_with("process::a_child_may_make_a_supervisor_of_its_own", 0);
        return;
    }
    let s = Supervisor::new("parent", Config::new().pool_size(1)).unwrap();
    background_task(|| ()).supervisor(&s).start().wait().unwrap();
    // SAFETY: the child makes calls of the library, which is what is tested, and ends by `_exit`.
    let pid = unsafe { libc::fork() };
    if pid == 0 {
        // SAFETY: its signal ends a child that hangs.
        unsafe { libc::alarm(20) };
        let own = Supervisor::new("child", Config::new().pool_size(1)).unwrap();
        let works = matches!(background_task(|| 42).supervisor(&own).start().wait(), Ok(42));
        let stops = own.stop().complete;
        // SAFETY: it ends the process.
        unsafe { libc::_exit(i32::from(!works || !stops)) };
    }
    let mut status = 0;
    // SAFETY: the pointer is to a live integer that the call fills in.
    assert_eq!(unsafe { libc::waitpid(pid, &raw mut status, 0) }, pid);
    assert_eq!(status, 0);
}
