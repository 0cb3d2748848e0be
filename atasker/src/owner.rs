//! Whose a body is, for those who must know on whose behalf a thread acts.

/// The supervisor and the lane of an async body, by the addresses of its pool and its lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Owner {
    pub(crate) pool: usize,
    pub(crate) lane: usize,
}

/// What a stop ends, and so whose bodies it still takes work from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// One lane alone: bodies on that lane.
    Lane,
    /// The whole supervisor: all of its bodies and hooks.
    Supervisor,
}
