//! The attributes of the `atasker` crate.
