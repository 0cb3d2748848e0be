//! How a body comes to whoever runs it, and its result to whoever waits: one place for both, without their types, and a
//! word that says whose it is.
//!
//! The second room with `unsafe`. With the place behind a lock, a task with a handle took six more read-modify-writes:
//! 104 ns instead of 88, with 100,000 handles alive. And only a cell without types can serve for one task after the
//! other (see [`spare`](super::spare)).

use std::any::TypeId;
use std::marker::PhantomData;

use super::state::{State, TaskStatus};
use crate::error::TaskError;
use crate::panics::{Panic, contain};
use crate::pool::{Named, OwnName, Place, StaticName};
use crate::sync::UnsafeCell;

/// Bodies and results of up to so many words need no box: with six instead of three, a cell lay on three lines of the
/// cache instead of two, and a task with a dropped handle took 102 ns instead of 90.
const WORDS: usize = 3;

type Content = Place<WORDS>;

/// The body until somebody takes it, then the result until somebody takes that.
pub(super) struct Handover {
    state: State,
    /// Invariant: written only by one who has the cell alone, before anybody else can have it.
    kind: UnsafeCell<&'static Kind>,
    /// Invariant: belongs to one at a time. It holds the body while nobody has claimed or ended the task; who claims it
    /// owns this until it has finished the task; who sets the mark `TAKEN` at the end owns what is left: the body of
    /// one that was cancelled or refused, the result, or the panic.
    content: UnsafeCell<Content>,
}

// SAFETY: what is in it is `Send`, as `Handover::fill` asks, and is handed from thread to thread, never shared.
#[allow(unsafe_code)]
unsafe impl Sync for Handover {}
// SAFETY: as above.
#[allow(unsafe_code)]
unsafe impl Send for Handover {}

/// What is known of a task's types.
struct Kind {
    name: fn() -> &'static str,
    body: TypeId,
    output: TypeId,
    /// Takes the body out, runs it, and puts in what it gave: `true` a panic, `false` the result.
    run: unsafe fn(&mut Content) -> bool,
    drop_body: unsafe fn(&mut Content),
    drop_output: unsafe fn(&mut Content),
}

/// The kind of tasks with that body and result, for whose name `N` stands.
struct KindOf<N, F, T>(PhantomData<(N, F, T)>);

impl<N: Named, F: FnOnce() -> T + 'static, T: 'static> KindOf<N, F, T> {
    const KIND: Kind = Kind {
        name: N::name,
        body: TypeId::of::<F>(),
        output: TypeId::of::<T>(),
        run: run::<F, T>,
        drop_body: Content::drop_in_place::<F>,
        drop_output: Content::drop_in_place::<T>,
    };
}

/// # Safety
///
/// There is an `F` in it; afterwards a [`Panic`] or a `T`, as is said.
#[allow(unsafe_code)]
unsafe fn run<F: FnOnce() -> T, T>(content: &mut Content) -> bool {
    // SAFETY: the caller's promise.
    let body = unsafe { content.take::<F>() };
    match contain(body) {
        Ok(output) => content.put(output),
        Err(panic) => {
            content.put(panic);
            return true;
        }
    }
    false
}

pub(super) type Output<T> = Result<T, TaskError>;

/// The right, and the duty, to run a task's body and to finish it.
pub(super) struct Claim<'a>(&'a Handover);

/// The duty to finish a task whose body has run.
pub(super) struct Ended<'a> {
    handover: &'a Handover,
    pub(super) panicked: bool,
}

impl Default for Handover {
    /// One that has served, and can be [filled](Self::fill).
    fn default() -> Self {
        let kind = &KindOf::<OwnName<fn()>, fn(), ()>::KIND;
        Self { state: State::spent(), kind: UnsafeCell::new(kind), content: UnsafeCell::new(Content::EMPTY) }
    }
}

impl Handover {
    /// Puts in a body, which has waited for nothing yet, or for its delay.
    ///
    /// Where it stays, and word by word: put together first and then copied, it was read before it was written, and a
    /// task with a dropped handle took 11 ns more.
    ///
    /// # Safety
    ///
    /// Nobody else has this, and what was in it is [spent](State::is_spent).
    #[allow(unsafe_code)]
    #[inline(always)]
    pub(super) unsafe fn fill<N, F, T>(&self, number: u64, status: TaskStatus, body: F)
    where
        N: Named,
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        // SAFETY: the caller's promise.
        self.content.with_mut(|content| unsafe { (*content).put(body) });
        // SAFETY: the caller's promise.
        self.kind.with_mut(|kind| unsafe { kind.write(&KindOf::<N, F, T>::KIND) });
        self.state.begin(number, status);
    }

    fn kind(&self) -> &'static Kind {
        // SAFETY: nobody writes it while two have this.
        #[allow(unsafe_code)]
        self.kind.with(|kind| unsafe { *kind })
    }

    pub(super) fn state(&self) -> &State {
        &self.state
    }

    /// The task's own name.
    pub(super) fn name(&self) -> StaticName {
        StaticName::made_by(&self.kind().name)
    }

    /// Takes the right to the body. `None`: somebody else has claimed or ended the task, or it is not due.
    pub(super) fn claim(&self) -> Option<Claim<'_>> {
        self.state.claim().then_some(Claim(self))
    }

    /// Takes the body of a task that has ended without a run; once.
    ///
    /// # Panics
    ///
    /// When the body is of another type.
    pub(super) fn take_body<F: 'static>(&self) -> Option<F> {
        assert!(self.kind().body == TypeId::of::<F>(), "a body is taken as what it was given");
        if !self.has_body_left() || !self.state.take() {
            return None;
        }
        // SAFETY: the task has ended unstarted, so nobody claims it, and this thread alone has set the mark.
        #[allow(unsafe_code)]
        Some(self.content.with_mut(|content| unsafe { (*content).take::<F>() }))
    }

    /// Takes the body's place of a task that has ended without a run, to drop it there; once.
    pub(super) fn take_unrun(&self) -> Option<Unrun<'_>> {
        (self.has_body_left() && self.state.take()).then_some(Unrun(self))
    }

    fn has_body_left(&self) -> bool {
        matches!(self.state.status(), TaskStatus::Cancelled | TaskStatus::Rejected)
    }

    /// Takes the result of a task that has run; once.
    ///
    /// # Panics
    ///
    /// When the result is of another type.
    pub(super) fn take_output<T: 'static>(&self) -> Option<Output<T>> {
        assert!(self.kind().output == TypeId::of::<T>(), "a result is taken as what it is");
        let status = self.state.status();
        if !matches!(status, TaskStatus::Completed | TaskStatus::Panicked) || !self.state.take() {
            return None;
        }
        // SAFETY: the task has run, so its claimer is done, and this thread alone has set the mark. What is in it is of
        // the type that the status tells.
        #[allow(unsafe_code)]
        self.content.with_mut(|content| unsafe {
            Some(match status {
                TaskStatus::Panicked => Err(TaskError::Panicked((*content).take::<Panic>())),
                _ => Ok((*content).take::<T>()),
            })
        })
    }

    /// Drops what is left when the last one lets go: a result that nobody has collected, or a body that nobody will run.
    /// Gives the panic, if it was one.
    pub(super) fn drop_rest(&self) -> Option<Panic> {
        let status = self.state.left()?;
        if matches!(status, TaskStatus::Queued | TaskStatus::Delayed) {
            _ = self.state.end_unstarted(TaskStatus::Cancelled);
        }
        if !matches!(status, TaskStatus::Completed | TaskStatus::Panicked) {
            drop(self.take_unrun());
            return None;
        }
        if !self.state.take() {
            return None;
        }
        // SAFETY: as in `take_output`.
        #[allow(unsafe_code)]
        self.content.with_mut(|content| unsafe {
            if status == TaskStatus::Panicked {
                return Some((*content).take::<Panic>());
            }
            (self.kind().drop_output)(&mut *content);
            None
        })
    }
}

/// A body that will not run. Dropped with this.
pub(super) struct Unrun<'a>(&'a Handover);

impl Drop for Unrun<'_> {
    fn drop(&mut self) {
        let Self(handover) = *self;
        // SAFETY: this was made by the one who set the mark, once, and the body is still in its place.
        #[allow(unsafe_code)]
        handover.content.with_mut(|content| unsafe { (handover.kind().drop_body)(&mut *content) });
    }
}

impl<'a> Claim<'a> {
    /// Runs the body, a panic of which is caught.
    pub(super) fn run(self) -> Ended<'a> {
        let Self(handover) = self;
        // SAFETY: there is one claim in a task's life, and from it to the finish the content is the claimer's; it holds
        // the body until then.
        #[allow(unsafe_code)]
        let panicked = handover.content.with_mut(|content| unsafe { (handover.kind().run)(&mut *content) });
        Ended { handover, panicked }
    }
}

impl Ended<'_> {
    /// Hands the result over. Whether somebody waits for it.
    pub(super) fn finish(self) -> bool {
        let end = if self.panicked { TaskStatus::Panicked } else { TaskStatus::Completed };
        self.handover.state.finish(end)
    }
}
