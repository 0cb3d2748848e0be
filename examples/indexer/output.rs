//! The file with the JSON lines.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Serialize;

/// A line of the output.
#[derive(Debug, Serialize)]
pub(crate) struct Record {
    /// Bytes that are not Unicode are replaced.
    pub(crate) path: String,
    pub(crate) size: u64,
    pub(crate) hash: String,
}

/// The file with the JSON lines.
pub(crate) struct Output {
    path: PathBuf,
    lines: Mutex<BufWriter<File>>,
}

impl Output {
    pub(crate) fn create(path: &Path) -> io::Result<Self> {
        let file = File::create(path)?;
        Ok(Self { path: path.canonicalize()?, lines: Mutex::new(BufWriter::new(file)) })
    }

    pub(crate) fn write(&self, record: &Record) -> io::Result<()> {
        let mut lines = self.lines();
        serde_json::to_writer(&mut *lines, record)?;
        lines.write_all(b"\n")
    }

    /// Writes what is still buffered. Called when the writer has stopped, since dropping would hide an error.
    pub(crate) fn flush(&self) -> io::Result<()> {
        self.lines().flush()
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether `path` is this file: an index in an indexed folder is not a part of itself.
    pub(crate) fn is(&self, path: &Path) -> bool {
        path.file_name() == self.path.file_name() && path.canonicalize().is_ok_and(|path| path == self.path)
    }

    fn lines(&self) -> MutexGuard<'_, BufWriter<File>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
