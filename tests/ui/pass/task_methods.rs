//! Methods: any receiver that owns, `Self` without one, traits. There is no companion.

#![deny(warnings)]

use std::fmt::Display;
use std::sync::{Arc, Mutex};

use atasker::{Supervisor, Task, background_task, task_supervisor};

struct Shop {
    sold: Mutex<u32>,
    pool: Supervisor,
}

impl Shop {
    #[background_task]
    fn open() -> Self {
        Self {
            sold: Mutex::new(0),
            pool: task_supervisor().clone(),
        }
    }

    #[background_task(priority = High, name = "sell")]
    pub fn sell(self: Arc<Self>, mut count: u32, (_, _): (u8, u8)) -> u32 {
        count += 1;
        *self.sold.lock().unwrap() += count;
        *self.sold.lock().unwrap()
    }

    #[background_task(supervisor = self.pool)]
    fn on_own_pool(self: Arc<Self>) {}

    #[background_task]
    fn shown(self: Arc<Self>, label: impl Display + Send + 'static) -> impl Display {
        format!("{label}: {}", *self.sold.lock().unwrap())
    }

    #[background_task]
    fn close(self) -> Result<u32, String> {
        let sold = self.sold.into_inner().map_err(|error| error.to_string())?;
        Ok(sold)
    }

    #[background_task]
    fn boxed(mut self: Box<Self>) -> u32 {
        *self.sold.get_mut().unwrap() += 1;
        self.sold.into_inner().unwrap()
    }

    #[background_task]
    fn of_a_static(&'static self) -> u32 {
        *self.sold.lock().unwrap()
    }

    #[background_task(companion = false)]
    fn without_self(count: u8) -> u8 {
        count
    }
}

struct Pair<T>(T, T);

impl<T: Send + 'static> Pair<T> {
    #[background_task]
    fn first(self, other: T) -> (T, T) {
        (self.0, other)
    }
}

trait Job: Send + Sync + Sized + 'static {
    fn weight(&self) -> u32;

    #[background_task]
    fn weigh(self: Arc<Self>) -> u32 {
        self.weight()
    }

    fn twice(self: Arc<Self>) -> Task<u32>;
}

impl Job for Shop {
    fn weight(&self) -> u32 {
        4
    }

    #[background_task]
    fn twice(self: Arc<Self>) -> u32 {
        self.weight() * 2
    }
}

/// Lets go of what it holds when the task ends, not when it is called.
struct Held(std::sync::mpsc::Sender<()>);

impl Held {
    #[background_task]
    fn until_the_end(self, _other: Held, go: std::sync::mpsc::Receiver<()>) {
        let _ = go.recv();
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let _ = self.0.send(());
    }
}

fn main() -> atasker::Result<()> {
    let shop = Arc::new(Shop::open().wait()?);
    assert_eq!(shop.clone().sell(2, (0, 0)).wait()?, 3);
    shop.clone().on_own_pool().wait()?;
    assert_eq!(shop.clone().shown("sold").wait()?.to_string(), "sold: 3");
    assert_eq!(shop.clone().weigh().wait()?, 4);
    assert_eq!(shop.clone().twice().wait()?, 8);
    assert_eq!(Shop::open().wait()?.close().wait()?, Ok(0));
    assert_eq!(Box::new(Shop::open().wait()?).boxed().wait()?, 1);
    assert_eq!(
        Box::leak(Box::new(Shop::open().wait()?))
            .of_a_static()
            .wait()?,
        0
    );
    assert_eq!(Shop::without_self(1).wait()?, 1);
    assert_eq!(Pair("a", "b").first("c").wait()?, ("a", "c"));

    let (dropped, drops) = std::sync::mpsc::channel();
    let (go, wait) = std::sync::mpsc::channel();
    let task = Held(dropped.clone()).until_the_end(Held(dropped), wait);
    assert!(drops.try_recv().is_err());
    drop(go);
    task.wait()?;
    assert_eq!(drops.iter().count(), 2);
    Ok(())
}
