//! `async fn` under both attributes.

use std::sync::{Arc, Mutex, OnceLock, mpsc};
use std::time::Duration;

use atasker::{
    Config, LaneConfig, Priority, Supervisor, Task, TaskError, TaskOptions, WorkerContext, background_task,
    background_worker,
};

use crate::support::{eventually, next};

fn own() -> &'static Supervisor {
    static OWN: OnceLock<Supervisor> = OnceLock::new();
    OWN.get_or_init(|| {
        let s = Supervisor::new("lane-attributes", Config::new()).unwrap();
        s.lane("io", LaneConfig::new().threads(1)).unwrap();
        s
    })
}

/// Adds.
#[background_task(priority = High, supervisor = own())]
async fn add(a: u32, b: u32) -> u32 {
    tokio::task::yield_now().await;
    a + b
}

#[background_task(supervisor = own(), lane = "io")]
async fn thread_name() -> String {
    std::thread::current().name().unwrap_or_default().to_owned()
}

#[background_task(supervisor = own())]
async fn largest<T: Ord + Send + 'static>(items: Vec<T>, or: impl FnOnce() -> T + Send + 'static) -> T {
    items.into_iter().max().unwrap_or_else(or)
}

#[background_task(supervisor = own(), lane = "nowhere")]
async fn lost() {}

struct Account(Mutex<u32>);

impl Account {
    #[background_task(supervisor = own())]
    async fn pay(self: Arc<Self>, (amount, _by): (u32, &'static str)) -> Result<u32, String> {
        tokio::task::yield_now().await;
        let more: u32 = "1".parse().map_err(|_| "no number".to_owned())?;
        *self.0.lock().unwrap() += amount + more;
        Ok(*self.0.lock().unwrap())
    }

    #[background_task(supervisor = own(), companion = false)]
    async fn price() -> u32 {
        7
    }
}

#[test]
fn an_async_fn_becomes_a_task_with_the_same_companion() {
    let task = add(2, 3);
    assert_eq!((task.name(), task.priority()), ("add", Priority::High));
    assert_eq!(task.wait().unwrap(), 5);
    assert_eq!(add::with(Priority::Low)(1, 2).wait().unwrap(), 3);
    assert_eq!(own().find_lane("io").unwrap().block_on(add::call(4, 5)).unwrap(), 9, "call gives the body's future");
    add::detach(1, 1);
    let named = add::with(TaskOptions::new().name("other").delay(Duration::from_millis(1)))(3, 4);
    assert_eq!(named.name(), "other");
    assert_eq!(named.wait().unwrap(), 7);
}

#[test]
fn lanes_generics_methods_and_unknown_lanes() {
    assert!(thread_name().wait().unwrap().starts_with("lane-attributes-io"));
    assert!(!thread_name::with(TaskOptions::new())().wait().unwrap().is_empty());
    assert_eq!(largest(vec![1, 9, 3], || 0).wait().unwrap(), 9);
    assert!(matches!(lost().wait(), Err(TaskError::Rejected)));
    assert!(lost::with(TaskOptions::new().lane("io"))().wait().is_ok());
    let account = Arc::new(Account(Mutex::new(1)));
    let paid: Task<Result<u32, String>> = Arc::clone(&account).pay((2, "card"));
    assert_eq!(paid.wait().unwrap().unwrap(), 4);
    assert_eq!(Account::price().wait().unwrap(), 7);
}

#[background_worker(interval = 1ms, supervisor = own(), lane = "io")]
async fn poll(cx: &WorkerContext, prefix: &str, seen: &mut u64, tell: &mpsc::SyncSender<String>, by: Arc<u8>) {
    tokio::task::yield_now().await;
    *seen += 1;
    tokio::time::sleep(Duration::from_micros(10)).await;
    _ = tell.try_send(format!("{prefix} {seen} {} {by}", cx.run()));
}

#[background_worker(queue = 4, supervisor = own())]
async fn square(item: u64, tell: &mpsc::SyncSender<u64>) -> Result<(), String> {
    tokio::task::yield_now().await;
    tell.send(item * item).map_err(|error| error.to_string())
}

#[background_worker(event, supervisor = own())]
async fn ring() {}

#[test]
fn async_workers_keep_their_state_across_awaits() {
    let (tell, told) = mpsc::sync_channel(100);
    poll.start("seen", 0, tell, Arc::new(3)).unwrap();
    assert_eq!(next(&told), "seen 1 1 3");
    assert_eq!(next(&told), "seen 2 2 3");
    poll.stop();
    assert!(!poll.is_running());

    let (tell, told) = mpsc::sync_channel(100);
    square.start(tell).unwrap();
    (1..=4).for_each(|n| square.put(n).unwrap());
    square.stop();
    assert_eq!(told.iter().take(4).collect::<Vec<_>>(), [1, 4, 9, 16]);

    let second = ring.instance("second");
    second.start().unwrap();
    assert!(second.trigger());
    eventually("it has run", || second.info().runs == 1);
    second.stop();
    assert_eq!(second.info().runs, 1);
}
