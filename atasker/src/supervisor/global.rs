//! The one supervisor that every program has.

use once_cell::sync::Lazy;

use super::Supervisor;
use crate::config::Config;

static GLOBAL: Lazy<Supervisor> =
    Lazy::new(|| Supervisor::new("atasker", Config::default()).expect("the defaults pass their own check"));

/// The global supervisor: made when first asked for, works without any configuration, starts on first use.
///
/// It is never dropped; what is queued when the process exits is abandoned. Stop it to have it worked off.
///
/// # Examples
///
/// ```
/// use atasker::{background_task, task_supervisor, Config};
///
/// task_supervisor().set_config(Config::new().pool_size(20).reserve_normal(5).reserve_high(5))?;
/// background_task(|| println!("in the background")).start().wait()?;
/// assert!(task_supervisor().stop().complete);
/// # Ok::<(), atasker::Error>(())
/// ```
pub fn task_supervisor() -> &'static Supervisor {
    &GLOBAL
}
