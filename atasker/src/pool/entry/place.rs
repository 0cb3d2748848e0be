//! Room for one value of a type that only those who put it in and take it out know.

use std::mem::MaybeUninit;

/// A value of any type: in place, if it has no more than `N` words, else in a box.
///
/// It does not know whether there is anything in it: whoever has it does, and drops nothing of itself.
pub(crate) struct Place<const N: usize>([MaybeUninit<usize>; N]);

impl<const N: usize> Place<N> {
    pub(crate) const EMPTY: Self = Self([MaybeUninit::uninit(); N]);

    const fn has_room_for<V>() -> bool {
        size_of::<V>() <= size_of::<Self>() && align_of::<V>() <= align_of::<Self>()
    }

    /// Puts a value in; what was there is forgotten.
    #[inline(always)]
    pub(crate) fn put<V>(&mut self, value: V) {
        if const { Self::has_room_for::<V>() } {
            self.put_in_place(value);
        } else {
            self.put_in_place(Box::new(value));
        }
    }

    #[inline(always)]
    fn put_in_place<V>(&mut self, value: V) {
        assert!(Self::has_room_for::<V>());
        // SAFETY: the words are large and aligned enough, as asserted.
        #[allow(unsafe_code)]
        unsafe {
            self.0.as_mut_ptr().cast::<V>().write(value);
        }
    }

    /// Takes the value out.
    ///
    /// # Safety
    ///
    /// There is a `V` in it, put there by [`put`](Self::put); afterwards there is nothing.
    #[allow(unsafe_code)]
    #[inline(always)]
    pub(crate) unsafe fn take<V>(&mut self) -> V {
        let words = self.0.as_mut_ptr();
        if const { Self::has_room_for::<V>() } {
            // SAFETY: the caller's promise.
            unsafe { words.cast::<V>().read() }
        } else {
            // SAFETY: the caller's promise; a value of this size was put there in a box.
            *unsafe { words.cast::<Box<V>>().read() }
        }
    }

    /// Drops the value where it is.
    ///
    /// # Safety
    ///
    /// As for [`take`](Self::take).
    #[allow(unsafe_code)]
    pub(crate) unsafe fn drop_in_place<V>(&mut self) {
        let words = self.0.as_mut_ptr();
        if const { Self::has_room_for::<V>() } {
            // SAFETY: the caller's promise.
            unsafe { words.cast::<V>().drop_in_place() };
        } else {
            // SAFETY: the caller's promise; a value of this size was put there in a box.
            unsafe { words.cast::<Box<V>>().drop_in_place() };
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::Place;

    #[test]
    fn values_of_all_sizes_and_alignments_come_out_as_they_went_in() {
        #[repr(align(64))]
        #[derive(Debug, PartialEq)]
        struct Wide(u64);
        fn through<V>(value: V) -> V {
            let mut place = Place::<3>::EMPTY;
            place.put(value);
            // SAFETY: it was put there in the line above.
            #[allow(unsafe_code)]
            unsafe {
                place.take()
            }
        }
        through(());
        assert_eq!(through(7_u8), 7);
        assert_eq!(through([1_u64, 2, 3]), [1, 2, 3]);
        assert_eq!(through([5_u64; 9]), [5; 9]);
        let wide = through(Wide(4));
        assert_eq!((&wide, (&raw const wide).addr() % 64), (&Wide(4), 0));
    }

    #[test]
    fn what_is_not_taken_is_dropped_once() {
        fn drop_in<V>(value: V) {
            let mut place = Place::<3>::EMPTY;
            place.put(value);
            // SAFETY: it was put there in the line above.
            #[allow(unsafe_code)]
            unsafe {
                place.drop_in_place::<V>();
            }
        }
        let (small, large) = (Arc::new(()), Arc::new(()));
        drop_in(Arc::clone(&small));
        drop_in((Arc::clone(&large), [0_u64; 4]));
        assert_eq!((Arc::strong_count(&small), Arc::strong_count(&large)), (1, 1));
    }
}
