//! The changes, the lines, and the hours that are looked at.

use std::error::Error;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use crate::peer::Next;

/// A line near a change of the clock.
pub(crate) struct Case {
    pub(crate) what: &'static str,
    /// Six fields, since not every peer takes five.
    pub(crate) line: &'static str,
    pub(crate) zone: &'static str,
    /// When the job was made.
    made: &'static str,
    /// The runs after this, up to `to`.
    from: &'static str,
    to: &'static str,
    /// How a run is written.
    shown: &'static str,
}

/// A day, and the time on it.
const DAY_AND_TIME: &str = "%-d. %H:%M %Z";

/// The time alone.
const TIME: &str = "%H:%M %Z";

/// A whole date.
const DATE: &str = "%Y-%m-%d %H:%M";

pub(crate) const CASES: &[Case] = &[
    Case {
        what: "spring, a time of day in the gap (29 March)",
        line: "0 30 2 * * *",
        zone: "Europe/Prague",
        made: "2026-03-27T12:00:00Z",
        from: "2026-03-28T12:00:00Z",
        to: "2026-03-30T12:00:00Z",
        shown: DAY_AND_TIME,
    },
    Case {
        what: "spring, midnight in the gap (15 October)",
        line: "0 0 0 * * *",
        zone: "America/Sao_Paulo",
        made: "2017-10-13T12:00:00Z",
        from: "2017-10-14T12:00:00Z",
        to: "2017-10-16T12:00:00Z",
        shown: DAY_AND_TIME,
    },
    Case {
        what: "spring, each hour",
        line: "0 0 * * * *",
        zone: "Europe/Prague",
        made: "2026-03-27T12:00:00Z",
        from: "2026-03-28T23:30:00Z",
        to: "2026-03-29T02:30:00Z",
        shown: TIME,
    },
    Case {
        what: "spring, each quarter of an hour",
        line: "0 */15 * * * *",
        zone: "Europe/Prague",
        made: "2026-03-27T12:00:00Z",
        from: "2026-03-29T00:20:00Z",
        to: "2026-03-29T01:20:00Z",
        shown: TIME,
    },
    Case {
        what: "spring, each quarter of the hour that is skipped",
        line: "0 */15 2 * * *",
        zone: "Europe/Prague",
        made: "2026-03-27T12:00:00Z",
        from: "2026-03-28T12:00:00Z",
        to: "2026-03-30T00:20:00Z",
        shown: DAY_AND_TIME,
    },
    Case {
        what: "autumn, a time of day shown twice (25 October)",
        line: "0 30 2 * * *",
        zone: "Europe/Prague",
        made: "2026-10-23T12:00:00Z",
        from: "2026-10-24T12:00:00Z",
        to: "2026-10-26T12:00:00Z",
        shown: DAY_AND_TIME,
    },
    Case {
        what: "autumn, each hour",
        line: "0 0 * * * *",
        zone: "Europe/Prague",
        made: "2026-10-23T12:00:00Z",
        from: "2026-10-24T22:30:00Z",
        to: "2026-10-25T02:30:00Z",
        shown: TIME,
    },
    Case {
        what: "autumn, each quarter of an hour",
        line: "0 */15 * * * *",
        zone: "Europe/Prague",
        made: "2026-10-23T12:00:00Z",
        from: "2026-10-25T00:20:00Z",
        to: "2026-10-25T01:35:00Z",
        shown: TIME,
    },
    Case {
        what: "a week after spring, a job that was made before it",
        line: "0 0 9 * * *",
        zone: "Europe/Prague",
        made: "2026-03-20T12:00:00Z",
        from: "2026-04-05T00:00:00Z",
        to: "2026-04-06T00:00:00Z",
        shown: DAY_AND_TIME,
    },
    Case {
        what: "half an hour skipped (4 October)",
        line: "0 15 2 * * *",
        zone: "Australia/Lord_Howe",
        made: "2026-10-01T12:00:00Z",
        from: "2026-10-02T20:00:00Z",
        to: "2026-10-04T20:00:00Z",
        shown: DAY_AND_TIME,
    },
    Case {
        what: "half an hour shown twice (5 April)",
        line: "0 45 1 * * *",
        zone: "Australia/Lord_Howe",
        made: "2026-04-01T12:00:00Z",
        from: "2026-04-03T20:00:00Z",
        to: "2026-04-05T20:00:00Z",
        shown: DAY_AND_TIME,
    },
    Case {
        what: "half an hour shown twice, each quarter of an hour",
        line: "0 */15 * * * *",
        zone: "Australia/Lord_Howe",
        made: "2026-04-01T12:00:00Z",
        from: "2026-04-04T14:20:00Z",
        to: "2026-04-04T15:35:00Z",
        shown: TIME,
    },
    Case {
        what: "a day skipped (30 December)",
        line: "0 0 9 * * *",
        zone: "Pacific/Apia",
        made: "2011-12-27T12:00:00Z",
        from: "2011-12-28T20:00:00Z",
        to: "2011-12-31T20:00:00Z",
        shown: DAY_AND_TIME,
    },
    Case {
        what: "the same, on that day of each year",
        line: "0 0 9 30 12 *",
        zone: "Pacific/Apia",
        made: "2010-06-01T00:00:00Z",
        from: "2011-06-01T00:00:00Z",
        to: "2013-06-01T00:00:00Z",
        shown: DATE,
    },
    Case {
        what: "leap days",
        line: "0 0 12 29 2 *",
        zone: "UTC",
        made: "2026-01-01T00:00:00Z",
        from: "2026-01-01T00:00:00Z",
        to: "2033-01-01T00:00:00Z",
        shown: DATE,
    },
    Case {
        what: "the 31st of each month",
        line: "0 0 12 31 * *",
        zone: "UTC",
        made: "2026-01-31T12:00:00Z",
        from: "2026-01-31T12:00:00Z",
        to: "2026-08-01T00:00:00Z",
        shown: DATE,
    },
];

impl Case {
    /// The runs of a peer, as they are written.
    pub(crate) fn runs(&self, next: Next) -> Result<String, Box<dyn Error>> {
        let moment = |text: &str| text.parse::<DateTime<Utc>>();
        let zone: Tz = self.zone.parse()?;
        let (made, from, to) = (moment(self.made)?, moment(self.from)?, moment(self.to)?);
        let mut ask = next(self.line, zone, made)?;
        let mut runs = Vec::new();
        let mut last = made;
        loop {
            match ask(last) {
                Ok(Some(run)) if run <= to => last = run,
                Ok(_) => break,
                Err(_) => {
                    runs.push("an error".to_owned());
                    break;
                }
            }
            if last > from {
                runs.push(last.with_timezone(&zone).format(self.shown).to_string());
            }
        }
        Ok(if runs.is_empty() { "none".to_owned() } else { runs.join(", ") })
    }
}
