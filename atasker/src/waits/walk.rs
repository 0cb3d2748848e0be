//! The walk of a donor: from what it waits for, along the edges, to what may use its place.

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::task::Waker;

use super::table::{Spreading, Table};
use super::{Awaited, Donor, Places, Served, is_ours, table};
use crate::panics::clone_waker;

/// No pool and no lane has this address.
const UNKEPT: usize = usize::MAX;

/// What a donor has left where its walks came through. Dropped, it is taken back.
pub(crate) struct Walk {
    table: &'static Table,
    /// By which the table tells it from other donors.
    number: u64,
    /// Those of which it has one, and their key.
    places: Weak<dyn Places>,
    at: usize,
    /// Where its waker may still be.
    left_at: HashSet<usize, Spreading>,
}

/// One look along the edges.
struct Look<'a> {
    walk: &'a mut Walk,
    waker: &'a Waker,
    donor: Donor,
    seen: HashSet<usize, Spreading>,
    /// The nodes on the way to where it is, and the last edge that was followed at each.
    way: Vec<(usize, u64)>,
    /// The key of the body that looks, where the walk begins at that.
    own: Option<usize>,
    /// Something has run on this thread.
    ran: bool,
    /// A body that is pending has found what runs in its place.
    lent: bool,
    /// The waker is a thread's or a runtime's task of ours.
    ours: bool,
    /// The other places that something on the way waits for.
    beyond: Vec<Arc<dyn Places>>,
}

impl Walk {
    /// Of a donor with one of these places.
    pub(crate) fn new<P: Places + 'static>(places: &Arc<P>) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        // Relaxed: only the number matters.
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let (at, weak): (_, Weak<P>) = (places.key(), Arc::downgrade(places));
        Self { table: table(), number, places: weak, at, left_at: HashSet::default() }
    }

    /// Offers the donor's place to all that waiting for `first` leads to, and leaves the waker wherever the way may lead on
    /// later. Between two that run here, asks whether the donor's wait is over, and then ends.
    ///
    /// Whether anything has run on this thread: then the donor is to look again before it sleeps, since a body that it
    /// ran may have used up its wake-up.
    pub(crate) fn look(
        &mut self,
        first: &Arc<dyn Awaited>,
        waker: &Waker,
        donor: Donor,
        is_over: &mut dyn FnMut() -> bool,
    ) -> bool {
        let mut look = Look::new(self, waker, donor);
        if look.meet(first, is_over) && look.go_on(is_over) {
            look.go_beyond(is_over);
        }
        look.end()
    }

    /// The same for a body that is pending, up to the first that uses its place; whether there is one. The body's own edges
    /// come and go with its own polls, so nothing is left there.
    pub(crate) fn look_from(&mut self, key: usize, waker: &Waker, donor: Donor) -> bool {
        let mut look = Look::new(self, waker, donor);
        look.seen.insert(key);
        look.own = Some(key);
        look.way.push((key, 0));
        if look.go_on(&mut || false) {
            look.go_beyond(&mut || false);
        }
        let lent = look.lent;
        look.end();
        lent
    }
}

impl<'a> Look<'a> {
    fn new(walk: &'a mut Walk, waker: &'a Waker, donor: Donor) -> Self {
        let (seen, way, beyond) = (HashSet::default(), Vec::new(), Vec::new());
        let ours = !matches!(donor, Donor::Beside);
        Self { walk, waker, donor, seen, way, own: None, ran: false, lent: false, ours, beyond }
    }

    /// Goes on along the edges, in depth. Each is read when it is its turn: what is not waited for any more is not run.
    /// `false`: the donor's wait is over, or its place is lent.
    fn go_on(&mut self, is_over: &mut dyn FnMut() -> bool) -> bool {
        // The body that this walk begins at is such a donor itself: it is this one.
        let (at, own) = (self.walk.at, self.own);
        while let Some((key, number)) = self.way.last_mut() {
            let at = if Some(*key) == own { UNKEPT } else { at };
            match self.walk.table.edge_behind(*key, *number, at) {
                Some((next, to)) => {
                    *number = next;
                    if !self.meet(&to, is_over) {
                        return false;
                    }
                }
                None => _ = self.way.pop(),
            }
        }
        true
    }

    /// Goes on through the places that something on the way waits for, where all bodies that hold them wait, and all of the
    /// donor's own pool or lane do.
    ///
    /// The race this closes: the last of them begins to wait just now. It is counted first and looks for wakers second, and
    /// this leaves the waker first and looks at the count second (`model::look_and_fill`).
    fn go_beyond(&mut self, is_over: &mut dyn FnMut() -> bool) {
        if self.ran || self.beyond.is_empty() {
            return;
        }
        let Some(own) = self.walk.places.upgrade() else { return };
        // Not on top of this thread's stack: it is not what the bodies there wait for, and may itself wait for one of them.
        if let Donor::Thread = self.donor {
            self.donor = Donor::Beside;
        }
        let mut next = 0;
        while let Some(places) = self.beyond.get(next).cloned() {
            next += 1;
            if !self.leave_waker(places.key()) || !places.all_wait() {
                continue;
            }
            // Looked at first: were all to leave their wakers here, each body that begins to wait would wake all the others.
            if !own.all_wait() {
                self.leave_waker(own.key());
                if !own.all_wait() {
                    continue;
                }
            }
            self.way.push((places.key(), 0));
            places.holders().into_iter().for_each(|holder| _ = self.come_to(holder));
            if !self.go_on(is_over) || self.ran {
                return;
            }
        }
    }

    /// Comes to something that is waited for. `false`: the donor's wait is over, or its place is lent.
    ///
    /// The race this closes: it comes into a queue, or its body waits for something else, just now. Whoever tells so sets
    /// the state, or adds the edge, first and looks for wakers second (`model::look_and_add`, `model::look_and_queue`). So does
    /// the last who begins to wait where this has its place.
    fn meet(&mut self, awaited: &Arc<dyn Awaited>, is_over: &mut dyn FnMut() -> bool) -> bool {
        if !self.come_to(awaited.key()) {
            return true;
        }
        let mut served = Arc::clone(awaited).serve(self.donor);
        if served == Served::NotYet && self.leave_waker(self.walk.at) {
            served = Arc::clone(awaited).serve(self.donor);
        }
        match served {
            Served::Here => {
                self.ran = true;
                if is_over() {
                    return false;
                }
            }
            Served::Elsewhere if matches!(self.donor, Donor::Pending { .. }) => {
                self.lent = true;
                return false;
            }
            Served::Elsewhere => {}
            Served::No => self.beyond.extend(awaited.queued_at().filter(|places| places.key() != self.walk.at)),
            // Nor could it be by anything else on the way.
            Served::NotYet => return false,
        }
        awaited.parts().into_iter().for_each(|part| _ = self.come_to(part));
        true
    }

    /// Leaves the waker at a node that it has not seen yet, whose edges come next.
    fn come_to(&mut self, key: usize) -> bool {
        let is_new = self.leave_waker(key);
        if is_new {
            self.way.push((key, 0));
        }
        is_new
    }

    fn leave_waker(&mut self, key: usize) -> bool {
        let is_new = self.seen.insert(key);
        if is_new {
            self.walk.left_at.insert(key);
            self.walk.table.watch(key, self.walk.number, self.walk.at, clone_waker(self.waker), self.ours);
        }
        is_new
    }

    /// Takes the waker back from where this look has not come to. Whether anything has run on this thread.
    fn end(self) -> bool {
        let Self { walk, seen, ran, .. } = self;
        let Walk { table, number, left_at, .. } = walk;
        left_at.retain(|key| {
            let stays = seen.contains(key);
            if !stays {
                table.unwatch(*key, *number);
            }
            stays
        });
        ran
    }
}

impl Drop for Walk {
    fn drop(&mut self) {
        if is_ours(self.table) {
            self.left_at.iter().for_each(|&key| self.table.unwatch(key, self.number));
        }
    }
}
