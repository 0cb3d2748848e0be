//! What `#[background_worker]` emits: a worker that is there as long as the program, made when it is first touched.

use std::borrow::Cow;

use once_cell::sync::OnceCell;

use super::builder::StartOn;
use super::handle::{EventWorker, Handle, IntervalWorker, LoopWorker, QueueWorker, ScheduledWorker};
use crate::error::Result;
use crate::supervisor::Supervisor;

/// A handle that can be made from a name alone.
pub trait Define: Handle {
    #[doc(hidden)]
    fn define(name: Cow<'static, str>) -> Self;
}

impl Define for LoopWorker {
    fn define(name: Cow<'static, str>) -> Self {
        Self::new(name)
    }
}

impl Define for IntervalWorker {
    fn define(name: Cow<'static, str>) -> Self {
        Self::new(name)
    }
}

impl Define for ScheduledWorker {
    fn define(name: Cow<'static, str>) -> Self {
        Self::new(name)
    }
}

impl Define for EventWorker {
    fn define(name: Cow<'static, str>) -> Self {
        Self::new(name)
    }
}

impl<T: Send + 'static> Define for QueueWorker<T> {
    fn define(name: Cow<'static, str>) -> Self {
        Self::new(name)
    }
}

/// The worker behind a static, or behind an `instance(name)` of it.
#[derive(Debug)]
pub struct Static<H> {
    name: &'static str,
    handle: OnceCell<H>,
    /// Where it is started, instead of where it was declared to run.
    on: Option<Supervisor>,
}

impl<H: Define> Static<H> {
    /// A worker of that name.
    pub const fn new(name: &'static str) -> Self {
        Self { name, handle: OnceCell::new(), on: None }
    }

    /// The same with a name made at run time.
    pub fn named(name: impl Into<String>) -> Self {
        Self { name: "", handle: OnceCell::with_value(H::define(Cow::Owned(name.into()))), on: None }
    }

    /// The same worker, to be started on that supervisor.
    pub fn on(&self, supervisor: &Supervisor) -> Self {
        let handle = OnceCell::with_value(self.handle().clone());
        Self { name: self.name, handle, on: Some(supervisor.clone()) }
    }

    /// Its handle.
    pub fn handle(&self) -> &H {
        self.handle.get_or_init(|| H::define(Cow::Borrowed(self.name)))
    }

    /// Starts it.
    pub fn start<M>(&self, builder: impl StartOn<H, M>) -> Result<()> {
        let handle = self.handle();
        handle.core().start_once(builder.prepare(handle, self.on.as_ref())?)
    }

    /// Stops it, if it runs, and starts it.
    pub fn restart<M>(&self, builder: impl StartOn<H, M>) -> Result<()> {
        self.handle().core().stop_to_start()?;
        let handle = self.handle();
        handle.core().start_once(builder.prepare(handle, self.on.as_ref())?)
    }
}
