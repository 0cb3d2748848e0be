//! State: lent, lent exclusively, and by value; instances; a context in any place.

#![deny(warnings)]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};

use atasker::{WorkerContext, background_worker};

struct Db {
    rows: u64,
}

#[background_worker(event)]
fn poll(db: &Db, seen: &mut u64) {
    *seen += db.rows;
}

#[background_worker(event)]
fn views(text: &str, bytes: &[u8], path: &Path, each: &(dyn Fn(&str) + Send + Sync)) {
    each(text);
    let _ = (bytes, path);
}

#[background_worker(event)]
fn mixed(
    tag: String,
    cx: &WorkerContext,
    (a, mut b): (u8, u8),
    _: &Db,
    list: &mut Vec<String>,
    done: Sender<u8>,
) {
    b += a;
    list.push(format!("{tag} {}", cx.run()));
    let _ = done.send(b);
}

#[background_worker(event)]
fn statics(text: &'static str, callback: fn(&str) -> usize) {
    let _ = callback(text);
}

#[background_worker(queue)]
fn sum(item: u64, total: &mut u64, done: &Sender<u64>, cx: &WorkerContext) -> Result<(), String> {
    *total += item;
    done.send(*total)
        .map_err(|_| format!("nobody hears {}", cx.name()))
}

/// Borrows that calls make anew are none of the item's.
#[background_worker(queue)]
fn calls(call: Box<dyn Fn(&str) -> &str + Send>, each: fn(&str)) {
    each(call("x"));
}

/// Names that generated code has too.
#[background_worker(event)]
fn start(context: &u8, item: &mut u8, name: String, inner: u8, database: u8) {
    *item += context + inner + database;
    drop(name);
}

#[background_worker(event)]
fn body() {}

fn main() -> atasker::Result<()> {
    poll.start(Db { rows: 1 }, 0)?;
    let second = poll.instance("second");
    second.start(Arc::new(Db { rows: 2 }), Box::new(5))?;
    second.trigger();
    poll.instance(String::from("third"))
        .start(Box::new(Db { rows: 3 }), 7_u64)?;
    poll.restart(&Db { rows: 1 }, 1)?;

    views.start(
        "x",
        vec![1],
        PathBuf::from("/"),
        Box::new(|_: &str| ()) as Box<dyn Fn(&str) + Send + Sync>,
    )?;
    let ignore: &'static (dyn Fn(&str) + Send + Sync) = &|_| ();
    views
        .instance("owned")
        .start(String::from("x"), [1, 2, 3], Path::new("/"), ignore)?;

    let (done, _hears) = channel();
    mixed.start("tag".to_owned(), (1, 2), Db { rows: 1 }, vec![], done)?;
    statics.start("x", str::len)?;

    let (done, hears) = channel();
    sum.start(0, done)?;
    sum.put(1)?;
    sum.put(2)?;
    assert_eq!((hears.recv(), hears.recv()), (Ok(1), Ok(3)));

    calls.start(|_| ())?;
    calls.put(Box::new(|text| text))?;

    start.start(1, 2, String::new(), 3, 4)?;
    body.start()?;
    Ok(())
}
