#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

mod attrs;
mod borrow;
mod cron;
mod duration;
mod errors;
mod item;
mod keys;
mod paths;
mod program;
mod signature;
mod task;
mod values;
mod worker;

use proc_macro::TokenStream;

/// Makes a function a task: calling it returns at once, the body runs on the pool.
///
/// `fn f(a: A) -> T` becomes `fn f(a: A) -> Task<T>`, and a type of the function's name beside it has the other ways to
/// run the body:
///
/// | | |
/// |---|---|
/// | `f(a)` | starts the task and returns its handle, `Task<T>` |
/// | `f::call(a)` | runs the body here and now and returns `T` |
/// | `f::with(options)(a)` | starts the task with options of this one call, such as `Priority::High` |
/// | `f::detach(a)` | starts the task without a handle, the cheapest way in |
///
/// # Examples
///
/// ```ignore
/// use atasker::{Priority, background_task};
///
/// #[background_task(priority = Low)]
/// fn add(a: i32, b: i32) -> i32 {
///     a + b
/// }
///
/// # fn main() -> atasker::Result<()> {
/// assert_eq!(add(2, 3).wait()?, 5);
/// assert_eq!(add::with(Priority::High)(2, 3).wait()?, 5);
/// assert_eq!(add::call(2, 3), 5);
/// add::detach(2, 3);
/// # Ok(())
/// # }
/// ```
///
/// # Keys
///
/// Each key is the builder's method of the same name.
///
/// | key | value | default |
/// |---|---|---|
/// | `priority` | `Low`, `Normal`, `High`, `Critical`, or an expression of type `Priority` | `Normal` |
/// | `name` | a string literal | the function's name |
/// | `delay` | a duration: the task waits for so long before it queues, and holds no place till then | none |
/// | `supervisor` | an expression that lends a `Supervisor`, evaluated at each call | the global one |
/// | `lane` | a string literal: the lane that an async body runs on | the main one |
/// | `companion` | `false`: no type beside the function | `true` |
///
/// A duration is a bare number of seconds (`1`, `0.1`), a number with its unit (`250ms`, `1.5s`, `5m`, `2h`), a string of
/// them (`"1m 30s"`), or any expression of type `Duration`.
///
/// # The function
///
/// Generics, `impl Trait` arguments, patterns, visibility and documentation are kept. What is sent to the pool must own
/// its data: arguments and result are `Send + 'static`, so take `String` for `&str` and `Arc<T>` for `&T`. An
/// `impl Trait` argument is one more generic parameter of `with`; with an `impl Trait` result there is no `with`.
///
/// An `async fn` runs on a lane, takes no place of the pool, and is started in the same ways: `f(a)` gives a `Task<T>` of it
/// too. `f::call(a)` gives the body's own future, to be awaited as that of any `async fn`. The future is `Send`.
///
/// A method that owns its receiver (`self`, `self: Arc<Self>`, ..) is a task too. What has a receiver or names `Self`
/// stands in an impl, where no type can stand beside it, and gets none. A function in an impl that does neither needs
/// `companion = false`, and so does one that has the name of a type or module in its scope.
///
/// Other attributes: `cfg` and lint levels go on every item made from the function, documentation and `deprecated` on
/// what is called, `must_use` on the function and `call`, all others on the body. `expect` becomes `allow`, because not
/// every one of the items would fulfil it. A private task that nobody uses is not warned about.
/// A link to a task in documentation says which of the two it means: `fn@f`.
#[proc_macro_attribute]
pub fn background_task(keys: TokenStream, item: TokenStream) -> TokenStream {
    task::expand(keys.into(), item.into()).into()
}

/// Makes a function the body of a worker, which runs it again and again.
///
/// The function becomes a `static` of its name: the worker's handle. `start`, `restart` and `instance` are its own, all
/// else is the handle's of its kind.
///
/// # Examples
///
/// ```ignore
/// use atasker::{WorkerContext, background_worker};
///
/// #[background_worker(interval = 250ms)]
/// fn poll(cx: &WorkerContext, prefix: &str, seen: &mut u64) {
///     *seen += 1;
///     println!("{prefix} {seen}, run {}", cx.run());
/// }
///
/// #[background_worker(queue = 1024, priority = High)]
/// fn print(item: String) {
///     println!("{item}");
/// }
///
/// # fn main() -> atasker::Result<()> {
/// poll.start("seen", 0)?;
/// print.start()?;
/// print.put("one".to_owned())?;
///
/// let second = poll.instance("second");
/// second.start(String::from("also"), 10)?;
/// # Ok(())
/// # }
/// ```
///
/// # Kinds
///
/// One of them, each with the handle that the static derefs to:
///
/// | key | runs | handle |
/// |---|---|---|
/// | none | without a pause | `LoopWorker` |
/// | `interval = DURATION` | on a fixed grid, from start to start | `IntervalWorker` |
/// | `delay = DURATION` | that long after the end of the run before | `IntervalWorker` |
/// | `cron = "LINE"` | by the calendar; an expression that gives a text or a `Cron` is checked at the start | `ScheduledWorker` |
/// | `schedule = EXPR` | when a `Schedule` of yours says | `ScheduledWorker` |
/// | `queue`, `queue = BOUND` | once for each item that is put | `QueueWorker<T>` |
/// | `event` | when triggered | `EventWorker` |
///
/// # Keys
///
/// Each key is the builder's method of the same name.
///
/// | key | value | default |
/// |---|---|---|
/// | `priority` | `Low`, `Normal`, `High`, `Critical`, or an expression of type `Priority` | `Normal` |
/// | `name` | a string literal | the function's name |
/// | `initial` | a duration to wait before the first run (by `cron` and `schedule`: before the first is planned); not for queues and events | none |
/// | `missed` | `skip`, `burst` or `delay`: what becomes of missed ticks; for `interval` only | `skip` |
/// | `tz` | the name of a time zone, `Local`, `Utc`, or an expression that becomes a `Tz`; for `cron` only | `Utc` |
/// | `align` | `wall` or `start`: where the grid stands; for `interval` only | `start` |
/// | `jitter` | a duration, or `10%` of the interval or delay: each run is late by up to that | none |
/// | `tolerance` | a duration, at most the interval: so much later a run may come, together with others | a thousandth from 100 ms on |
/// | `precise` | no value: runs start to the microsecond; for blocking bodies | within some 10 to 100 µs |
/// | `times` | a whole number: the worker stops after so many runs; not for queues | no limit |
/// | `until` | an expression of type `Instant` or `SystemTime`, evaluated at each start: no run starts from then on, and the worker stops; not for queues | no limit |
/// | `on_error` | what is called with an `Err` or a panic of the body | logged |
/// | `supervisor` | an expression that lends a `Supervisor`, evaluated at each start | the global one |
/// | `lane` | a string literal: the lane that an async body runs on | the main one |
/// | `autostart` | no value: the worker starts with its supervisor | started by hand |
///
/// A duration is a bare number of seconds (`1`, `0.1`), a number with its unit (`250ms`, `1.5s`, `5m`, `2h`), a string of
/// them (`"1m 30s"`), or any expression of type `Duration`.
///
/// # The body
///
/// The first parameter of a queue's body is the item, by value. `&WorkerContext` may stand anywhere and is known by that
/// last word. Every other parameter is state, handed to `start` in order:
///
/// | parameter | argument of `start` |
/// |---|---|
/// | `&T` | anything that lends a `T`: `T`, `&'static T`, `Box<T>`, `Arc<T>`; for `&str` also `String` |
/// | `&mut T` | anything that lends a `T` exclusively: `T`, `Box<T>` |
/// | `T` | a `T: Clone`; each run has a clone of it |
///
/// The item of a public worker is of a public type: the handle has that type in its name.
///
/// The body returns `()`, `ControlFlow<()>` (`Break` stops the worker), or a `Result` of either. It may be an `async fn`,
/// whose future is `Send`, so that what it has lent across an await is `Sync`; its result is written out.
///
/// A worker stands in a module or a block, never in an impl. Being a static, it gives its name to no variable: a `let` or
/// a parameter of that name in its scope is the compiler's error E0530.
///
/// Other attributes: `cfg` and lint levels go on every item made from the function, documentation and `deprecated` on the
/// static, all others on the body. `expect` becomes `allow`, because not every one of the items would fulfil it. A link
/// to a worker in documentation says which of the two it means: `static@f`.
#[proc_macro_attribute]
pub fn background_worker(keys: TokenStream, item: TokenStream) -> TokenStream {
    worker::expand(keys.into(), item.into()).into()
}

/// Makes a program of `fn main`: configures and starts the global supervisor, runs the body, waits for a signal, stops.
///
/// # Examples
///
/// ```ignore
/// use atasker::background_worker;
///
/// #[background_worker(interval = 1, autostart)]
/// fn watch() {
///     println!("all quiet");
/// }
///
/// #[atasker::main(pool_size = 20, reserve_high = 5, grace = 30s)]
/// fn main() -> atasker::Result<()> {
///     println!("up");
///     Ok(())                                   // from here on it runs until SIGINT or SIGTERM
/// }
/// ```
///
/// An `async fn main` is polled on the main thread with a multi-thread tokio runtime of the program's own, which the main lane
/// shares unless `set_runtime` gives that one of yours: `.await`, `tokio::spawn`, and tokio's timers and sockets work in it,
/// before and after a stop of the supervisor.
///
/// # What happens
///
/// 1. Handlers for SIGINT and SIGTERM are installed, before anything starts.
/// 2. The global supervisor gets the configuration that the keys say, and starts; `autostart` workers with it.
/// 3. The body runs, on the main thread. It is no body of the supervisor: it may stop it, wait for that, and go on.
/// 4. Where it has returned with success, the program runs until a signal comes, or until somebody stops the supervisor: a
///    body that calls `task_supervisor().stop()` itself ends the program without a signal.
/// 5. A signal announces the stop, as `request_stop()` does: nothing is refused yet. A body that still runs has `grace` (8 s
///    by default) to return; what tells it are `task_supervisor().stop_requested().await`, in an async body such as a
///    server's, `task_supervisor().block()`, which returns on its thread then, and `is_stopping()`.
/// 6. The supervisor stops: what is queued is worked off, for what is left of the grace, and for 1 s at least (the whole
///    grace, where that is less).
/// 7. The runtime of an async body is shut down; what a `spawn_blocking` of yours holds up is not waited for.
///
/// | | exit code |
/// |---|---|
/// | the body has succeeded, the stop was complete | the body's: 0 |
/// | the stop ran out of time; stderr names what still ran | 1 |
/// | the body gives `Err`, shown on stderr as of any `main`, or a failing `ExitCode`: it stops at once, without a signal | the body's |
/// | the body panics: it stops at once | 101 |
/// | the configuration is refused, or a thread or a signal handler: the body does not run, stderr says why | 1 |
/// | the body still runs when the grace is over: an async one is dropped at its next await, a plain one is left after a stop and half a second; stderr says so | 1 |
/// | a second signal: the process ends at once | 128 and the signal's number |
///
/// With the default grace all of it is over within 10 s of the signal.
///
/// # What a signal does
///
/// The key `on_signal` says, as a word or an `OnSignal`:
///
/// | | |
/// |---|---|
/// | `drain` | as above: what was accepted is worked off. The default. |
/// | `cancel` | announces and cancels at once, as `stop_now()`: what is queued is cancelled, what runs is asked to end, and the body's waits give `Cancelled`. For tools on a command line. |
///
/// Where there are no Unix signals the program runs until it is stopped, and Ctrl-C ends it as the system does.
///
/// # Keys
///
/// Each key but `grace` and `on_signal` is the setter of `Config` of the same name; the value is any expression that the setter takes.
///
/// | key | value | default |
/// |---|---|---|
/// | `grace` | a duration: how long body and stop may take after a signal | 8 s, less than Docker waits |
/// | `on_signal` | `drain`, `cancel`, or an `OnSignal` | `drain` |
/// | `pool_size`, `reserve_normal`, `reserve_high` | places | 5 for each CPU, 5, 5 |
/// | `critical_max` | `Critical` tasks beside the places at a time | 256 |
/// | `min_threads` | threads that stay when idle | 0 |
/// | `keep_alive` | a duration: how long an idle thread stays | 10 s |
/// | `thread_name` | a string: the start of each thread's name | the supervisor's name |
/// | `stack_size` | bytes of stack of each thread | the system's |
/// | `task_times` | `true`: each task keeps its times | `false` |
/// | `warn_after`, `error_after` | a duration: what waits longer for a place is reported | never |
/// | `async_threads` | threads of the runtime of async bodies | one for each CPU |
/// | `max_nesting` | awaited tasks that run on top of each other | 64 |
///
/// A duration is a bare number of seconds (`1`, `0.1`), a number with its unit (`250ms`, `1.5s`, `5m`, `2h`), a string of
/// them (`"1m 30s"`), or any expression of type `Duration`.
///
/// # The function
///
/// Its name is `main`, it has no parameters, and its result is what any `main` may give: `()`, `ExitCode`, `Result<(), E>`
/// with `E: Debug`, any `impl Termination`. `cfg`, documentation and lint levels go on the `main` made of it, all other
/// attributes on the body.
#[proc_macro_attribute]
pub fn main(keys: TokenStream, item: TokenStream) -> TokenStream {
    program::expand(keys.into(), item.into()).into()
}
