//! Generics, `impl Trait`, patterns, results, recursion.

#![deny(warnings)]

use std::fmt::Display;
use std::sync::mpsc::{Sender, channel};

use atasker::{Priority, Task, background_task};

#[background_task]
fn generic<T, const N: usize>(values: [T; N]) -> usize
where
    T: Display + Send + 'static,
{
    values
        .iter()
        .map(|value| value.to_string().len())
        .sum::<usize>()
        + N
}

#[background_task]
fn turbofish_only<T: Default + Send + 'static>() -> T {
    T::default()
}

#[background_task]
fn anonymous(
    name: impl Into<String> + Send + 'static,
    each: impl Fn(&str) -> usize + Send + 'static,
    all: Vec<impl Display + Send + 'static>,
    one: impl Iterator<Item = impl Display> + Send + 'static,
) -> usize {
    each(&name.into()) + all.len() + one.count()
}

#[background_task]
fn both<T: Send + 'static>(x: T, y: impl FnOnce(T) -> u8 + Send + 'static) -> u8 {
    y(x)
}

#[background_task]
#[allow(clippy::toplevel_ref_arg)]
fn patterns(
    mut x: u8,
    (a, b): (u8, u8),
    _: String,
    [c, ..]: [u8; 2],
    ref d: u8,
    e @ 0..=255: u8,
) -> u8 {
    x += a + b + c + *d + e;
    x
}

#[background_task]
fn opaque() -> impl Iterator<Item = u8> {
    0..3
}

#[background_task]
fn statics(text: &'static str, bytes: Option<&'static [u8]>) -> &'static str {
    let _ = bytes;
    text
}

#[background_task]
fn callbacks(
    by_pointer: fn(&str) -> &str,
    by_box: Box<dyn for<'a> Fn(&'a str) -> &'a str + Send>,
) -> usize {
    by_pointer("ab").len() + by_box("c").len()
}

#[background_task]
fn failing(fail: bool) -> Result<u8, String> {
    let number: u8 = "7".parse().map_err(|_| "no number".to_owned())?;
    if fail {
        Err("asked to".to_owned())
    } else {
        Ok(number)
    }
}

/// The inner calls start tasks: the name is the task's, in its own body too.
#[background_task]
fn countdown(left: u8, done: Sender<u8>) {
    if left == 0 {
        done.send(left).expect("the receiver waits");
    } else {
        let next: Task<()> = countdown(left - 1, done);
        drop(next);
    }
}

#[background_task]
fn r#match(r#type: u8) -> u8 {
    r#type
}

#[background_task]
fn same_name(same_name: u8) -> u8 {
    same_name
}

#[background_task]
fn names_of_ours(options: u8, start: u8, site: u8, call: u8) -> u8 {
    options + start + site + call
}

/// A `Self` of its own, in an item inside: the companion stays.
#[background_task]
fn with_items() -> usize {
    struct Inner(usize);
    impl Inner {
        fn new() -> Self {
            Self(3)
        }
    }
    Inner::new().0
}

#[background_task]
fn inner_attribute() -> u8 {
    #![allow(unused_variables)]
    let unused = 1;
    2
}

macro_rules! tasks {
    ($($name:ident($arg:ident: $ty:ty) -> $result:ty { $value:expr })*) => {$(
        #[background_task(priority = Low)]
        fn $name($arg: $ty, hidden: u8) -> $result {
            let _ = hidden;
            $value
        }
    )*};
}

tasks! {
    from_a_macro(hidden: u8) -> u8 { hidden + 1 }
    with_a_static(text: &'static str) -> usize { text.len() }
}

fn main() -> atasker::Result<()> {
    assert_eq!(generic([1, 22]).wait()?, 5);
    assert_eq!(generic::<&str, 1>(["abc"]).wait()?, 4);
    assert_eq!(generic::with(Priority::Low)(["abc"]).wait()?, 4);
    assert_eq!(generic::call(["abc"]), 4);
    generic::detach(["abc"]);
    assert_eq!(turbofish_only::<u8>().wait()?, 0);
    assert_eq!(turbofish_only::call::<u8>(), 0);
    assert_eq!(turbofish_only::with::<u8>(Priority::Low)().wait()?, 0);
    turbofish_only::detach::<u8>();
    assert_eq!(
        anonymous("ab", str::len, vec![1], ["x"].into_iter()).wait()?,
        4
    );
    assert_eq!(
        anonymous::with(Priority::High)("ab", str::len, vec![1], ["x"].into_iter()).wait()?,
        4
    );
    assert_eq!(both::<u8>(1, |x| x).wait()?, 1);
    assert_eq!(both::with(Priority::High)(1, |x: u8| x).wait()?, 1);
    assert_eq!(patterns(1, (2, 3), String::new(), [4, 0], 5, 6).wait()?, 21);
    assert_eq!(
        patterns::with(Priority::Low)(1, (2, 3), String::new(), [4, 0], 5, 6).wait()?,
        21
    );
    assert_eq!(opaque().wait()?.count(), 3);
    assert_eq!(opaque::call().count(), 3);
    assert_eq!(statics("x", None).wait()?, "x");
    assert_eq!(callbacks(|text| text, Box::new(|text| text)).wait()?, 3);
    assert_eq!(failing(false).wait()?, Ok(7));
    let (done, receiver) = channel();
    countdown(3, done).wait()?;
    assert_eq!(receiver.recv(), Ok(0));
    assert_eq!(r#match(1).wait()?, 1);
    assert_eq!(r#match::call(1), 1);
    assert_eq!(same_name(1).wait()?, 1);
    assert_eq!(names_of_ours::with(Priority::Low)(1, 2, 3, 4).wait()?, 10);
    assert_eq!(with_items::call(), 3);
    assert_eq!(inner_attribute::call(), 2);
    assert_eq!(from_a_macro(1, 2).wait()?, 2);
    assert_eq!(with_a_static("abc", 2).wait()?, 3);

    let kept: Vec<_> = [Priority::Low, Priority::High]
        .into_iter()
        .map(generic::with::<u8, 1>)
        .collect();
    for start in kept {
        assert_eq!(start([1]).wait()?, 2);
    }
    Ok(())
}
