//! What stands in for signals on systems that have none: nothing is watched, and Ctrl-C ends the process as the system does.

use crate::error::Result;

/// Watches nothing.
pub(crate) struct SignalWatch;

impl SignalWatch {
    pub(crate) fn begin(_name: &str, _on_signal: impl FnOnce() + Send + 'static) -> Result<Self> {
        Ok(Self)
    }
}
