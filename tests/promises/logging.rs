//! What is told to `tracing`, and what goes to stderr where nobody listens there.
//!
//! A subscriber that pool threads see is the process's, so each test has a child process.

use std::fmt;
use std::process::Output;
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use atasker::{Config, Priority, Supervisor, background_future, background_task, background_worker, wait_completed};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Metadata, Subscriber, span};

use crate::support::{Gate, PATIENCE, child_ends_with, eventually, in_limited_child};

/// An event of the library: its level, and its fields as text, the message among them.
#[derive(Clone, Debug)]
struct Told {
    level: Level,
    text: String,
}

/// Keeps every event of the library.
#[derive(Clone, Default)]
struct Capture(Arc<Mutex<Vec<Told>>>);

struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.push_str(&format!("{}={value:?} ", field.name()));
    }
}

impl Subscriber for Capture {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "atasker"
    }

    fn event(&self, event: &Event<'_>) {
        let mut text = Text(String::new());
        event.record(&mut text);
        self.0.lock().unwrap().push(Told { level: *event.metadata().level(), text: text.0 });
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

impl Capture {
    /// Becomes the process's subscriber.
    fn install() -> Self {
        let capture = Self::default();
        tracing::subscriber::set_global_default(capture.clone()).unwrap();
        capture
    }

    /// The events of that level with all of these words.
    fn with(&self, level: Level, words: &[&str]) -> usize {
        let told = self.0.lock().unwrap();
        told.iter().filter(|told| told.level == level && words.iter().all(|word| told.text.contains(word))).count()
    }

    fn expect(&self, level: Level, words: &[&str]) {
        eventually(&format!("{level} {words:?}"), || self.with(level, words) > 0);
        assert_eq!(self.with(level, words), 1, "{:?}", self.0.lock().unwrap());
    }
}

/// Panics whenever it is asked anything.
struct Panicking;

impl Subscriber for Panicking {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "atasker"
    }

    fn event(&self, _: &Event<'_>) {
        panic!("the subscriber's own");
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        panic!("the subscriber's own");
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

fn named(name: &str) -> Supervisor {
    Supervisor::new(name, Config::new().pool_size(1).reserve_normal(0).reserve_high(0)).unwrap()
}

/// Lets everything happen that the library tells of, and waits until it has.
fn everything() {
    let s = named("quarry");
    background_task(|| panic!("out of paper")).name("printer").supervisor(&s).detach();
    let uncollected = background_task(|| panic!("out of ink")).name("plotter").supervisor(&s).start();
    eventually("it has panicked", || uncollected.is_finished());
    drop(uncollected);
    // One error is given; what comes behind it would be seen by nobody.
    let several = [("stapler", "out of staples"), ("binder", "out of thread")];
    let several = several.map(|(name, of)| background_task(move || panic!("{of}")).name(name).supervisor(&s).start());
    assert!(wait_completed::<()>(several).unwrap_err().to_string().contains("out of staples"));
    let failing = background_worker(|| Err::<(), _>("no more stones")).event().name("digger").supervisor(&s);
    let failing = failing.start().unwrap();
    assert!(failing.trigger());
    let panicking =
        background_worker(|| -> () { panic!("a cave-in") }).event().name("miner").supervisor(&s).start().unwrap();
    assert!(panicking.trigger());
    eventually("both have failed", || failing.info().errors == 1 && panicking.info().panics == 1);

    background_future(async {}).lane("harbor").name("sailor").supervisor(&s).detach();

    let gate = Gate::new();
    let (held, (tell, told)) = (gate.clone(), mpsc::channel());
    let holds = move || {
        tell.send(()).unwrap();
        held.wait();
    };
    background_task(holds).supervisor(&s).detach();
    told.recv_timeout(PATIENCE).unwrap();
    let (warn, error) = (Duration::from_millis(5), Duration::from_millis(10));
    s.set_config(s.config().warn_after(warn).error_after(error)).unwrap();
    let (hook, hooked) = mpsc::channel();
    s.on_slow_start(move |start| _ = hook.send(start.slowness));
    let slow = background_task(|| ()).name("porter").priority(Priority::High).supervisor(&s).start();
    (0..2).for_each(|_| _ = hooked.recv_timeout(PATIENCE).unwrap());
    s.set_config(s.config().warn_after(None).error_after(None)).unwrap();
    gate.open();
    slow.wait().unwrap();
    let queue = background_worker(|_: u8| ()).queue().name("cart").supervisor(&s).start().unwrap();
    queue.pause();
    (0..3).for_each(|n| queue.put(n).unwrap());
    assert_eq!(s.stop_now().discarded, 3);
    background_task(|| ()).name("latecomer").supervisor(&s).detach();
}

#[test]
fn every_failure_nobody_sees_is_an_event() {
    if !in_limited_child() {
        let output = child_ends_with("logging::every_failure_nobody_sees_is_an_event", 0);
        // Who has a subscriber is told there and nowhere else.
        assert!(!lines(&output).iter().any(|line| line.starts_with("atasker:")), "{:?}", lines(&output));
        return;
    }
    let capture = Capture::install();
    everything();
    capture.expect(Level::ERROR, &["printer", "out of paper"]);
    capture.expect(Level::ERROR, &["plotter", "out of ink"]);
    capture.expect(Level::ERROR, &["binder", "out of thread"]);
    assert_eq!(capture.with(Level::ERROR, &["stapler"]), 0, "that one was given");
    capture.expect(Level::ERROR, &["digger", "no more stones"]);
    capture.expect(Level::ERROR, &["miner", "a cave-in"]);
    capture.expect(Level::WARN, &["latecomer", "rejected"]);
    capture.expect(Level::WARN, &["sailor", "rejected", "there is no lane `harbor`"]);
    capture.expect(Level::WARN, &["quarry", "porter", "High"]);
    capture.expect(Level::ERROR, &["quarry", "porter", "High"]);
    capture.expect(Level::WARN, &["cart", "items=3"]);
    capture.expect(Level::INFO, &["quarry", "started"]);
    capture.expect(Level::INFO, &["quarry", "stopping"]);
    capture.expect(Level::INFO, &["quarry", "stopped"]);
}

#[test]
fn what_somebody_sees_is_no_error_event() {
    if !in_limited_child() {
        child_ends_with("logging::what_somebody_sees_is_no_error_event", 0);
        return;
    }
    let capture = Capture::install();
    let s = named("seen");
    let task = background_task(|| panic!("collected")).supervisor(&s).start();
    assert!(task.wait().unwrap_err().is_panic());
    let (tell, told) = mpsc::channel();
    let worker = background_worker(|| Err::<(), _>("handled")).event().supervisor(&s);
    let worker = worker.on_error(move |error| tell.send(error.message().to_owned()).unwrap()).start().unwrap();
    assert!(worker.trigger());
    assert_eq!(told.recv_timeout(PATIENCE).unwrap(), "handled");
    assert!(s.stop().complete);
    assert_eq!(capture.with(Level::ERROR, &[]), 0, "{:?}", capture.0.lock().unwrap());
}

#[test]
fn a_stop_that_gives_up_is_a_warning_that_names_the_body() {
    if !in_limited_child() {
        child_ends_with("logging::a_stop_that_gives_up_is_a_warning_that_names_the_body", 0);
        return;
    }
    let capture = Capture::install();
    let s = named("stuck");
    let (gate, (tell, told)) = (Gate::new(), mpsc::channel());
    let held = gate.clone();
    let body = move || {
        tell.send(()).unwrap();
        held.wait();
    };
    let task = background_task(body).name("stubborn").supervisor(&s).start();
    told.recv_timeout(PATIENCE).unwrap();
    assert!(!s.stop_timeout(Duration::ZERO).complete);
    capture.expect(Level::WARN, &["stuck", "stubborn"]);
    gate.open();
    task.wait().unwrap();
}

fn lines(output: &Output) -> Vec<String> {
    String::from_utf8_lossy(&output.stderr).lines().map(str::to_owned).collect()
}

#[test]
fn without_a_subscriber_each_failure_is_one_line_on_stderr() {
    if !in_limited_child() {
        let output = child_ends_with("logging::without_a_subscriber_each_failure_is_one_line_on_stderr", 0);
        let lines = lines(&output);
        let failures = [
            "printer out of paper",
            "plotter out of ink",
            "binder out of thread",
            "digger no more stones",
            "miner a cave-in",
            // No failure of a body, but nothing that would go away either: the program names a lane that it never made.
            "sailor there is no lane `harbor`",
        ];
        for words in failures {
            let words: Vec<_> = words.splitn(2, ' ').collect();
            let fits = |line: &&String| line.starts_with("atasker:") && words.iter().all(|word| line.contains(word));
            assert_eq!(lines.iter().filter(fits).count(), 1, "{words:?}: {lines:?}");
        }
        // What is only worth a warning is for those who listen.
        assert_eq!(lines.iter().filter(|line| line.starts_with("atasker:")).count(), failures.len(), "{lines:?}");
        return;
    }
    everything();
}

#[cfg(target_os = "linux")]
#[test]
fn a_closed_stderr_hurts_nobody() {
    use std::os::fd::AsRawFd;

    if !in_limited_child() {
        child_ends_with("logging::a_closed_stderr_hurts_nobody", 0);
        return;
    }
    // The default hook prints to stderr as well; it is not what is tested.
    std::panic::set_hook(Box::new(|_| ()));
    // One that takes nothing says so at each write; of a closed one std itself says nothing.
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    // SAFETY: both are open files of this process, and nothing in it relies on what stderr was.
    assert_eq!(unsafe { libc::dup2(full.as_raw_fd(), 2) }, 2);
    everything();
    // SAFETY: nothing in this process relies on stderr being open.
    assert_eq!(unsafe { libc::close(2) }, 0);
    everything();
}

#[test]
fn a_subscriber_that_panics_hurts_nobody() {
    if !in_limited_child() {
        child_ends_with("logging::a_subscriber_that_panics_hurts_nobody", 0);
        return;
    }
    std::panic::set_hook(Box::new(|_| ()));
    tracing::subscriber::set_global_default(Panicking).unwrap();
    everything();
}

/// A subscriber that uses the supervisor itself, from its events, does not deadlock with it.
#[test]
fn a_subscriber_may_use_the_supervisor() {
    struct Curious(Mutex<Option<Supervisor>>);
    impl Subscriber for Curious {
        fn enabled(&self, metadata: &Metadata<'_>) -> bool {
            metadata.target() == "atasker"
        }
        fn event(&self, _: &Event<'_>) {
            let s = self.0.lock().unwrap().clone();
            if let Some(s) = s {
                _ = s.info();
                _ = s.set_config(s.config());
            }
        }
        fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
            span::Id::from_u64(1)
        }
        fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
        fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
        fn enter(&self, _: &span::Id) {}
        fn exit(&self, _: &span::Id) {}
    }
    if !in_limited_child() {
        child_ends_with("logging::a_subscriber_may_use_the_supervisor", 0);
        return;
    }
    let s = named("curious");
    tracing::subscriber::set_global_default(Curious(Mutex::new(Some(s.clone())))).unwrap();
    for _ in 0..20 {
        s.start().unwrap();
        background_task(|| panic!("told")).supervisor(&s).detach();
        let worker = background_worker(|| Err::<(), _>("told")).event().supervisor(&s).start().unwrap();
        worker.trigger();
        assert!(s.stop().complete);
        background_task(|| ()).supervisor(&s).detach();
    }
}

/// Whoever tries has the reason himself, and may try again and again; a refusal that nobody hears of is told each time.
#[test]
fn a_refused_try_start_is_logged_once_a_run() {
    let test = "logging::a_refused_try_start_is_logged_once_a_run";
    if !in_limited_child() {
        child_ends_with(test, 0);
        return;
    }
    let capture = Capture::install();
    let s = named("quarry");
    for run in 1..=2 {
        s.start().unwrap();
        s.stop();
        for _ in 0..100 {
            assert!(background_task(|| ()).name("again").supervisor(&s).try_start().is_err());
            assert!(background_future(async {}).name("again").supervisor(&s).try_start().is_err());
        }
        assert_eq!(capture.with(Level::WARN, &["again"]), run);
    }
    for _ in 0..3 {
        background_task(|| ()).name("unheard").supervisor(&s).detach();
        drop(background_task(|| ()).name("unheard").supervisor(&s).start());
        background_future(async {}).name("unheard").supervisor(&s).detach();
    }
    assert_eq!(capture.with(Level::WARN, &["unheard", "stopped"]), 9);
}
