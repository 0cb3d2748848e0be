//! The README's first program.

use atasker::{Config, Priority, Worker, WorkerContext, background_task, background_worker, task_supervisor};
use std::time::Duration;

// a task: calling it returns at once, the body runs on the pool
#[background_task(priority = Low)]
fn mytask() {
    println!("I am working in the background!");
}

// arguments and results are typed; a task is an ordinary fn that returns Task<T>
#[background_task]
fn add(a: i32, b: i32) -> i32 {
    a + b
}

fn mytask2() {
    println!("I am working in the background too!");
}

#[background_worker] // runs again and again
fn worker1(cx: &WorkerContext) {
    println!("run {} of {}", cx.run(), cx.name());
    std::thread::sleep(Duration::from_millis(50));
}

#[background_worker(interval = 1)] // on a fixed grid: 1 = 1 s; also 0.1, 250ms, 1.5s, "1m 30s", a const
fn worker2() {
    println!("I run every second!");
}

#[background_worker(queue)] // the first argument is the item
fn worker3(task: String) {
    println!("in my queue: {task}");
}

#[background_worker(event, priority = High)]
fn worker4() {
    println!("I run when triggered, with high priority");
}

struct MyWorker; // the custom worker class
impl Worker for MyWorker {
    type Output = ();
    fn run(&mut self, _cx: &WorkerContext) {
        println!("I am a custom worker");
    }
}

fn main() -> atasker::Result<()> {
    task_supervisor().set_config(Config::new().pool_size(20).reserve_normal(5).reserve_high(5))?;
    task_supervisor().start()?; // optional: first use starts it too

    mytask();
    assert_eq!(add(2, 3).wait()?, 5);
    background_task(mytask2).priority(Priority::High).start(); // manual decoration; closures too
    add::with(Priority::High)(1, 2); // override at the call
    assert_eq!(add::call(1, 2), 3); // run it here and now (tests)

    worker1.start()?;
    worker2.start()?;
    worker3.start()?;
    worker4.start()?;
    worker3.put("todo1".to_string())?;
    worker4.trigger();
    let worker5 = background_worker(MyWorker).interval(Duration::from_millis(100)).name("worker5").start()?;

    std::thread::spawn(|| {
        std::thread::sleep(Duration::from_secs(3));
        task_supervisor().stop();
    });
    task_supervisor().block(); // until stopped, from any thread
    assert!(!worker5.is_running());
    Ok(())
}
