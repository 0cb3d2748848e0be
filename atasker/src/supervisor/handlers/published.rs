//! A pointer that a handler may follow: what it points to is never given back.

use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};

/// A pointer to something that is never given back.
pub(super) struct Published<T: 'static>(AtomicPtr<T>);

impl<T: Sync> Published<T> {
    pub(super) const fn nothing() -> Self {
        Self(AtomicPtr::new(ptr::null_mut()))
    }

    pub(super) fn new(value: Option<&'static T>) -> Self {
        let published = Self::nothing();
        published.set(value);
        published
    }

    pub(super) fn get(&self) -> Option<&'static T> {
        // SAFETY: it is null, or comes from a `&'static T` that `set` or `replace` was given; it is only read.
        // Acquire: with the release there, what it points to has been written.
        unsafe { self.0.load(Ordering::Acquire).as_ref() }
    }

    pub(super) fn set(&self, value: Option<&'static T>) {
        self.0.store(as_pointer(value), Ordering::Release);
    }

    pub(super) fn replace(&self, old: Option<&'static T>, new: &'static T) -> bool {
        // Relaxed on failure: whoever fails looks again.
        let (old, new) = (as_pointer(old), as_pointer(Some(new)));
        self.0.compare_exchange(old, new, Ordering::AcqRel, Ordering::Relaxed).is_ok()
    }
}

fn as_pointer<T>(value: Option<&'static T>) -> *mut T {
    value.map_or(ptr::null_mut(), |value| ptr::from_ref(value).cast_mut())
}
