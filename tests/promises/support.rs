//! What tests share: supervisors that check for leaked threads, gates to synchronise by, and child processes.

use std::ops::Deref;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use atasker::{Config, Supervisor, Task, TestClock, background_task};

/// How long a test waits for something that must happen, before it fails instead of hanging.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A supervisor of a test's own. When it goes, it is stopped, and no thread of it may be left.
pub(crate) struct Tested {
    supervisor: Supervisor,
    prefix: String,
}

/// A supervisor with `pool_size` places and no reserves.
pub(crate) fn pool(pool_size: usize) -> Tested {
    supervisor(Config::new().pool_size(pool_size).reserve_normal(0).reserve_high(0))
}

/// A supervisor with that configuration, and threads that can be told from all others.
pub(crate) fn supervisor(config: Config) -> Tested {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    let prefix = format!("t{}", NUMBER.fetch_add(1, Ordering::Relaxed));
    let supervisor = Supervisor::new(prefix.clone(), config).expect("the test's configuration is sound");
    Tested { supervisor, prefix }
}

/// The same on a clock that the test moves.
pub(crate) fn clocked_pool(pool_size: usize) -> (Tested, TestClock) {
    let s = pool(pool_size);
    let clock = TestClock::of(&s).expect("it was made just now");
    (s, clock)
}

impl Tested {
    /// The names of its threads that the system knows of; empty where the system doesn't tell.
    pub(crate) fn threads(&self) -> Vec<String> {
        let own = format!("{}-", self.prefix);
        let Ok(tasks) = std::fs::read_dir("/proc/self/task") else { return Vec::new() };
        let names = tasks.flatten().filter_map(|task| std::fs::read_to_string(task.path().join("comm")).ok());
        names.map(|name| name.trim().to_owned()).filter(|name| name.starts_with(&own)).collect()
    }

    /// Fills so many places with bodies that wait until the gate opens; returns when all of them run.
    pub(crate) fn occupy(&self, places: usize, priority: atasker::Priority) -> (Gate, Vec<Task<()>>) {
        let gate = Gate::new();
        let running = Latch::new(places);
        let tasks = (0..places)
            .map(|_| {
                let (gate, running) = (gate.clone(), running.clone());
                let body = move || {
                    running.count_down();
                    gate.wait();
                };
                background_task(body).priority(priority).supervisor(self).start()
            })
            .collect();
        running.wait();
        (gate, tasks)
    }
}

impl Deref for Tested {
    type Target = Supervisor;

    fn deref(&self) -> &Supervisor {
        &self.supervisor
    }
}

impl Drop for Tested {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        let report = self.supervisor.stop();
        if report.complete {
            // A joined thread has ended, but the system may list it for a moment more.
            eventually("no thread is left after stop", || self.threads().is_empty());
        }
    }
}

/// Holds bodies until it is opened.
#[derive(Clone, Default)]
pub(crate) struct Gate(Arc<(Mutex<bool>, Condvar)>);

impl Gate {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn open(&self) {
        *self.0.0.lock().unwrap() = true;
        self.0.1.notify_all();
    }

    pub(crate) fn wait(&self) {
        let open = self.0.0.lock().unwrap();
        let (open, _) = self.0.1.wait_timeout_while(open, PATIENCE, |open| !*open).unwrap();
        assert!(*open, "the gate was not opened");
    }
}

/// Opens when it was counted down to zero.
#[derive(Clone)]
pub(crate) struct Latch(Arc<(Mutex<usize>, Condvar)>);

impl Latch {
    pub(crate) fn new(count: usize) -> Self {
        Self(Arc::new((Mutex::new(count), Condvar::new())))
    }

    pub(crate) fn count_down(&self) {
        let mut left = self.0.0.lock().unwrap();
        *left = left.saturating_sub(1);
        self.0.1.notify_all();
    }

    pub(crate) fn wait(&self) {
        let left = self.0.0.lock().unwrap();
        let (left, _) = self.0.1.wait_timeout_while(left, PATIENCE, |left| *left > 0).unwrap();
        assert_eq!(*left, 0, "the latch was not counted down");
    }
}

/// Yields until `condition` holds: for what no channel tells (a state that becomes visible). Fails after [`PATIENCE`].
pub(crate) fn eventually(what: &str, condition: impl Fn() -> bool) {
    let start = std::time::Instant::now();
    while !condition() {
        assert!(start.elapsed() < PATIENCE, "never came true: {what}");
        std::thread::yield_now();
    }
}

/// Runs the calling test anew in a child process, where [`in_child`] is true, and gives what came of it.
///
/// `test` is the test's full path, such as `process::exit_with_work_queued`.
pub(crate) fn child(test: &str) -> Output {
    Command::new(std::env::current_exe().expect("a test binary knows its path"))
        .args([test, "--exact", "--nocapture", "--test-threads=1"])
        .env(CHILD, test)
        .output()
        .expect("the test binary starts")
}

/// Whether this process is a test's child.
pub(crate) fn in_child() -> bool {
    std::env::var_os(CHILD).is_some()
}

const CHILD: &str = "ATASKER_TEST_CHILD";

/// Runs the calling test anew in a child process, which must end with `code`; 0 if the test just passes there.
///
/// A child that hangs is killed, so the test fails instead of hanging with it.
pub(crate) fn child_ends_with(test: &str, code: i32) -> Output {
    let output = child(test);
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(stdout.contains("running 1 test"), "there is no test {test}: {stdout}");
    assert_eq!(output.status.code(), Some(code), "{}: {stdout}\n{stderr}", output.status);
    output
}

/// [`in_child`], with a limit on the child's life.
pub(crate) fn in_limited_child() -> bool {
    #[cfg(unix)]
    if in_child() {
        // SAFETY: it takes a number and touches no memory of ours; its signal ends the process.
        unsafe { libc::alarm(u32::try_from(PATIENCE.as_secs()).expect("a minute fits")) };
    }
    in_child()
}

/// Kilobytes of memory that the process holds, once the allocator has given back what it can. Pages of its own program are
/// not among them: how many of those are there depends on what the system has read. 0 where the system does not tell.
pub(crate) fn held() -> usize {
    #[cfg(target_env = "gnu")]
    // SAFETY: it only returns free memory to the system.
    unsafe {
        libc::malloc_trim(0);
    }
    let Ok(status) = std::fs::read_to_string("/proc/self/status") else { return 0 };
    status
        .lines()
        .find_map(|line| line.strip_prefix("RssAnon:"))
        .unwrap()
        .trim()
        .trim_end_matches(" kB")
        .parse()
        .unwrap()
}

/// What comes next through the channel.
pub(crate) fn next<T>(channel: &std::sync::mpsc::Receiver<T>) -> T {
    channel.recv_timeout(PATIENCE).expect("something comes through the channel")
}

/// Calls `f` on a thread of its own, so that the test fails instead of hanging where `f` does not return.
pub(crate) fn returns<R: Send + 'static>(f: impl FnOnce() -> R + Send + 'static) -> R {
    let (tell, told) = std::sync::mpsc::channel();
    std::thread::spawn(move || _ = tell.send(f()));
    next(&told)
}

/// Starts a task of the default priority there.
pub(crate) fn start<T: Send + 'static>(supervisor: &Supervisor, body: impl FnOnce() -> T + Send + 'static) -> Task<T> {
    background_task(body).supervisor(supervisor).start()
}

/// Calls `f` on a thread of its own, so that a deadlock in it fails the test instead of hanging it.
pub(crate) fn in_time<R: Send + 'static>(f: impl FnOnce() -> R + Send + 'static) -> R {
    let (done, when_done) = std::sync::mpsc::channel();
    let thread = std::thread::spawn(move || done.send(f()).unwrap());
    match when_done.recv_timeout(PATIENCE) {
        Ok(result) => result,
        Err(std::sync::mpsc::RecvTimeoutError::Timeout) => panic!("it hangs"),
        Err(_) => std::panic::resume_unwind(thread.join().unwrap_err()),
    }
}

/// Calls its closure when it is dropped.
pub(crate) struct OnDrop<F: FnOnce()>(Option<F>);

impl<F: FnOnce()> OnDrop<F> {
    pub(crate) fn new(f: F) -> Self {
        Self(Some(f))
    }
}

impl<F: FnOnce()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        if let Some(f) = self.0.take() {
            f();
        }
    }
}

/// Counts how often values were dropped.
#[derive(Clone, Default)]
pub(crate) struct Drops(Arc<AtomicUsize>);

impl Drops {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// A value whose drop counts.
    pub(crate) fn value(&self) -> impl Send + Sync + use<> {
        let count = Arc::clone(&self.0);
        OnDrop::new(move || _ = count.fetch_add(1, Ordering::SeqCst))
    }

    pub(crate) fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}
