//! Every promise about times of the calendar.
