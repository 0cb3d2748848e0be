//! The promises of atasker, each held by a test of its name: see `README.md` here for the table.
