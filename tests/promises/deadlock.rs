//! Waiting inside a body: it never needs a place that isn't there, and never waits for itself.

mod chains;
mod donors;
mod drops;
mod nested;
mod oneself;
mod stop_inside;
