//! Time zones: by name, the machine's own, or UTC.

use std::borrow::Cow;
use std::fmt;

use atasker_text::zone;
use jiff::tz::{TimeZone, TimeZoneDatabase};

use crate::error::ConfigError;

/// Whose clocks a [`Cron`](crate::Cron) goes by: plain data, looked up when it is first needed.
///
/// Texts convert into it: `"Local"` and `"UTC"`, in upper or lower case, are the variants of those names, all others are names
/// of zones. The rules of a zone are those of the system's database where it has one (`/usr/share/zoneinfo`), and else those
/// that this crate brings along.
///
/// # Examples
///
/// ```
/// use std::time::SystemTime;
/// use atasker::{Cron, Tz};
///
/// assert_eq!(Tz::from("local"), Tz::Local);
/// assert_eq!(Tz::from("Europe/Prague").to_string(), "Europe/Prague");
///
/// let nowhere = Cron::parse("@daily")?.tz("Europe/Pargue");
/// let error = nowhere.next_after(SystemTime::now()).unwrap_err();
/// assert!(error.to_string().contains("did you mean `Europe/Prague`?"));
/// # Ok::<(), atasker::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum Tz {
    /// Universal time, which no clock is ever put forward or back by.
    #[default]
    Utc,
    /// The zone that the machine is set to, by `TZ` or as its system tells, when it is first needed.
    Local,
    /// A zone of the IANA database, such as `Europe/Prague`.
    Named(Cow<'static, str>),
}

impl Tz {
    fn of(name: Cow<'static, str>) -> Self {
        match &*name {
            utc if utc.eq_ignore_ascii_case("UTC") => Self::Utc,
            local if local.eq_ignore_ascii_case("Local") => Self::Local,
            _ => Self::Named(name),
        }
    }

    /// What its clocks show when.
    pub(super) fn rules(&self) -> Result<TimeZone, ConfigError> {
        let refuse = |cure: String| ConfigError::new("tz", format!("{:?}", self.to_string()), cure);
        match self {
            Self::Utc => Ok(TimeZone::UTC),
            Self::Local => TimeZone::try_system().map_err(|error| {
                refuse(format!(
                    "is not known on this machine ({error}): set TZ, or name a zone such as `Europe/Prague`"
                ))
            }),
            Self::Named(name) => {
                // The names are those that the attribute knows, whatever the system has: what compiles starts.
                let name = zone::find(name).map_err(|unknown| refuse(unknown.to_string()))?;
                TimeZone::get(name)
                    .or_else(|_| TimeZoneDatabase::bundled().get(name))
                    .map_err(|error| refuse(format!("can't be read: {error}")))
            }
        }
    }
}

impl From<&'static str> for Tz {
    fn from(name: &'static str) -> Self {
        Self::of(name.into())
    }
}

impl From<String> for Tz {
    fn from(name: String) -> Self {
        Self::of(name.into())
    }
}

impl fmt::Display for Tz {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Utc => "UTC",
            Self::Local => "Local",
            Self::Named(name) => name,
        })
    }
}
