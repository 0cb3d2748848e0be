//! std, loom or shuttle behind one name, so that the protocols that run are the protocols that the models check.
//!
//! Ground floor: it knows no room above it. `Arc` stays std's everywhere: loom's does not coerce to trait objects.

#[cfg(not(any(atasker_loom, atasker_shuttle)))]
mod imp {
    pub(crate) use std::sync::atomic;
    pub(super) use std::sync::{Mutex, MutexGuard};
    pub(crate) use std::{thread, thread_local};
}

#[cfg(atasker_loom)]
mod imp {
    pub(crate) use loom::sync::atomic;
    pub(super) use loom::sync::{Mutex, MutexGuard};
    pub(crate) use loom::{thread, thread_local};
}

#[cfg(atasker_shuttle)]
mod imp {
    pub(crate) use shuttle::sync::atomic;
    pub(super) use shuttle::sync::{Mutex, MutexGuard};
    pub(crate) use shuttle::{thread, thread_local};
}

pub(crate) use imp::{atomic, thread, thread_local};

use std::ops::{Deref, DerefMut};
use std::sync::{PoisonError, TryLockError};

use crate::outside::Held;

/// A mutual exclusion lock that does not poison: no user code runs under a lock of ours, so a
/// panic can't leave what it guards half done.
#[derive(Debug, Default)]
pub(crate) struct Mutex<T>(imp::Mutex<T>);

impl<T> Mutex<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(imp::Mutex::new(value))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        MutexGuard::new(self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// For one who has it alone.
    pub(crate) fn get_mut(&mut self) -> &mut T {
        self.0.get_mut().unwrap_or_else(PoisonError::into_inner)
    }

    /// `None`: another thread holds it.
    pub(crate) fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
        match self.0.try_lock() {
            Ok(guard) => Some(MutexGuard::new(guard)),
            Err(TryLockError::Poisoned(poisoned)) => Some(MutexGuard::new(poisoned.into_inner())),
            Err(TryLockError::WouldBlock) => None,
        }
    }
}

/// A lock that is held: no user code runs as long as it is.
#[derive(Debug)]
pub(crate) struct MutexGuard<'a, T> {
    guard: imp::MutexGuard<'a, T>,
    _held: Held,
}

impl<'a, T> MutexGuard<'a, T> {
    fn new(guard: imp::MutexGuard<'a, T>) -> Self {
        Self { guard, _held: Held::new() }
    }
}

impl<T> Deref for MutexGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.guard
    }
}

impl<T> DerefMut for MutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.guard
    }
}

/// A value that is shared by a protocol of its own, which the models check: with loom every access is looked at.
#[cfg(atasker_loom)]
pub(crate) use loom::cell::UnsafeCell;

#[cfg(not(atasker_loom))]
#[derive(Debug)]
pub(crate) struct UnsafeCell<T>(std::cell::UnsafeCell<T>);

#[cfg(not(atasker_loom))]
impl<T> UnsafeCell<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(std::cell::UnsafeCell::new(value))
    }

    pub(crate) fn with<R>(&self, f: impl FnOnce(*const T) -> R) -> R {
        f(self.0.get())
    }

    pub(crate) fn with_mut<R>(&self, f: impl FnOnce(*mut T) -> R) -> R {
        f(self.0.get())
    }
}

/// Whether a thread has ended, so that joining it does not wait. The models join at the end only.
pub(crate) fn is_finished(join: &thread::JoinHandle<()>) -> bool {
    #[cfg(not(any(atasker_loom, atasker_shuttle)))]
    return join.is_finished();
    #[cfg(any(atasker_loom, atasker_shuttle))]
    {
        _ = join;
        false
    }
}

/// One thread's place to sleep; a wake-up that comes first is not lost.
///
/// Not `std::thread::park`: that token belongs to the user, whose body may use it for itself.
#[cfg(not(any(atasker_loom, atasker_shuttle)))]
pub(crate) use crossbeam_utils::sync::{Parker, Unparker};

#[cfg(any(atasker_loom, atasker_shuttle))]
pub(crate) use modelled::{Parker, Unparker};

/// The models' parker: a flag under a lock, which both checkers understand.
#[cfg(any(atasker_loom, atasker_shuttle))]
mod modelled {
    use std::sync::Arc;
    use std::time::Instant;

    #[cfg(atasker_loom)]
    use loom::sync::{Condvar, Mutex};
    #[cfg(atasker_shuttle)]
    use shuttle::sync::{Condvar, Mutex};

    #[derive(Debug)]
    pub(crate) struct Parker(Unparker);

    #[derive(Clone, Debug)]
    pub(crate) struct Unparker(Arc<(Mutex<bool>, Condvar)>);

    impl Parker {
        pub(crate) fn new() -> Self {
            Self(Unparker(Arc::new((Mutex::new(false), Condvar::new()))))
        }

        pub(crate) fn unparker(&self) -> &Unparker {
            &self.0
        }

        pub(crate) fn park(&self) {
            let (token, bell) = &*self.0.0;
            let mut token = token.lock().expect("the model's lock does not poison");
            while !*token {
                token = bell.wait(token).expect("the model's lock does not poison");
            }
            *token = false;
        }

        /// Time stands still in a model: a deadline never comes.
        pub(crate) fn park_deadline(&self, _deadline: Instant) {
            self.park();
        }
    }

    impl Unparker {
        pub(crate) fn unpark(&self) {
            let (token, bell) = &*self.0;
            *token.lock().expect("the model's lock does not poison") = true;
            bell.notify_one();
        }
    }
}

/// Runs a model: with loom every interleaving up to three preemptions, with shuttle thousands of random ones.
///
/// `ATASKER_MODEL_RUNS` sets how many for shuttle.
#[cfg(all(test, any(atasker_loom, atasker_shuttle)))]
pub(crate) fn check_model(model: impl Fn() + Send + Sync + 'static) {
    #[cfg(atasker_loom)]
    {
        let mut builder = loom::model::Builder::new();
        builder.preemption_bound = Some(3);
        builder.check(model);
    }
    #[cfg(atasker_shuttle)]
    {
        let runs = std::env::var("ATASKER_MODEL_RUNS").ok().and_then(|runs| runs.parse().ok()).unwrap_or(2_000);
        let model = std::sync::Arc::new(model);
        let again = std::sync::Arc::clone(&model);
        shuttle::check_random(move || model(), runs);
        // Few preemptions at unlikely places find what many at random ones do not.
        shuttle::check_pct(move || again(), runs, 3);
    }
}
