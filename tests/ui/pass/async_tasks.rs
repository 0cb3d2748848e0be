//! `async fn` as tasks: every way to run them, and where they may stand.

#![deny(warnings)]

use std::sync::Arc;

use atasker::{Priority, Task, TaskOptions, background_task};

/// With an await.
#[background_task]
async fn awaits(x: u8) -> u8 {
    std::future::ready(x).await
}

#[background_task(priority = Low, name = "named", lane = "io")]
pub async fn generic<T: Clone + Send + Sync + 'static>(x: T, n: usize) -> Vec<T> {
    vec![x; n]
}

#[background_task]
async fn implied(text: impl ToString + Send + 'static, (a, _): (u8, u8)) -> Result<usize, std::num::ParseIntError> {
    Ok(text.to_string().parse::<usize>()? + usize::from(a))
}

#[background_task]
async fn forever() -> Arc<str> {
    std::future::pending().await
}

struct State(u8);

impl State {
    #[background_task]
    async fn method(self: Arc<Self>, _: String) -> Result<Self, std::fmt::Error> {
        Self::check().await?;
        Ok(Self(self.0))
    }

    async fn check() -> Result<(), std::fmt::Error> {
        Ok(())
    }

    #[background_task(companion = false)]
    async fn bare(x: &'static str) -> usize {
        x.len()
    }
}

fn main() {
    let result: u8 = awaits(1).wait().unwrap();
    let called: std::pin::Pin<Box<dyn Future<Output = u8> + Send>> = Box::pin(awaits::call(result));
    drop(called);
    assert_eq!(awaits::with(Priority::High)(2).wait().unwrap(), 2);
    awaits::detach(3);
    assert!(generic::<u8>(1, 2).wait().is_err(), "there is no such lane");
    assert_eq!(implied("4", (1, 2)).wait().unwrap(), Ok(5));
    let task: Task<Arc<str>> = forever::with(TaskOptions::new())();
    task.cancel();
    assert!(task.wait().is_err());
    let state = Arc::new(State(7));
    assert_eq!(state.method(String::new()).wait().unwrap().unwrap().0, 7);
    assert_eq!(State::bare("abc").wait().unwrap(), 3);
}
