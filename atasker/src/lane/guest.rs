//! A future that a thread from outside polls itself, beside all places: the lane counts with it, and can ask it to end.

use std::sync::Arc;
use std::task::Context;

use tokio::runtime::Handle;

use super::{Body, Lane, Leash, Refused, Source, Ticket};
use crate::stops::Leftover;
use crate::waits::Awaited;

/// The stay of such a future. Dropped, it has ended.
pub(crate) struct Guest {
    visit: Arc<Visit>,
    on: Handle,
    _ticket: Ticket,
}

/// The guest as the lane sees it.
struct Visit {
    name: &'static str,
    leash: Leash,
}

impl Guest {
    /// `name`: what a stop that gives up on it calls it.
    pub(crate) fn enter(lane: &Arc<Lane>, name: &'static str, source: Source) -> Result<Self, Refused> {
        let visit = Arc::new(Visit { name, leash: Leash::default() });
        let ticket = lane.visit(Arc::<Visit>::clone(&visit), source)?;
        Ok(Self { on: lane.handle()?, _ticket: ticket, visit })
    }

    pub(crate) fn handle(&self) -> &Handle {
        &self.on
    }

    /// What its future waits under.
    pub(crate) fn key(&self) -> usize {
        Arc::as_ptr(&self.visit).addr()
    }

    /// What the thread waits for.
    pub(crate) fn awaited(&self) -> Arc<dyn Awaited> {
        Arc::<Visit>::clone(&self.visit)
    }

    pub(crate) fn leash(&self) -> &Leash {
        &self.visit.leash
    }
}

impl Awaited for Visit {
    fn key(&self) -> usize {
        std::ptr::from_ref(self).addr()
    }
}

impl Body for Visit {
    fn name(&self) -> String {
        self.name.to_owned()
    }

    fn is_live(&self) -> bool {
        false
    }

    fn begin(&self) -> bool {
        false
    }

    fn turn(self: Arc<Self>, _cx: &mut Context<'_>, _ticket: &mut Ticket) -> Option<Arc<dyn Body>> {
        None
    }

    fn has_ended(&self) -> bool {
        false
    }

    fn cut_off(self: Arc<Self>, _ticket: &mut Ticket) {}

    fn refuse(self: Arc<Self>) -> bool {
        false
    }

    fn drop_body(self: Arc<Self>) {}

    fn is_task(&self) -> bool {
        false
    }

    fn ask_to_end(self: Arc<Self>) -> Option<Leftover> {
        self.leash.pull();
        None
    }
}
