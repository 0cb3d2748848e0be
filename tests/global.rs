//! The global supervisor lives once a process, so its promises have a binary of their own.
