//! Handlers for SIGINT and SIGTERM: they are there while somebody listens, and what was there before them is there again
//! when nobody does.
//!
//! Knows who listens, and not what for. A room with `unsafe`: the system offers no safe way to install a handler, and none
//! that puts back what was there, so that an ignored signal is ignored again and a user's handler is called again. What runs
//! as a handler keeps to what is allowed there: it loads and stores atomics, writes to a socket, and asks the system for
//! this process's number and for what handles a signal. It takes no lock and touches no memory that is ever given back.

#![allow(unsafe_code)]

mod listener;
mod published;

use std::io;
use std::mem::MaybeUninit;
use std::process;
use std::ptr;
use std::sync::atomic::{AtomicBool, Ordering};

use libc::{c_int, c_void, siginfo_t};
use nix::errno::Errno;
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};

use crate::sync::Mutex;
use listener::{Listener, Taken};
use published::Published;

/// What asks a program to end: Ctrl-C, and the system's or a service manager's request.
const SIGNALS: [Signal; 2] = [Signal::SIGINT, Signal::SIGTERM];

/// What the handler looks at: one for each process, so that a fork begins with one of its own.
static HANDLERS: Published<Handlers> = Published::nothing();

struct Handlers {
    /// Whose they are. In a fork, the handler finds that they are not its process's: nobody listens there.
    process: u32,
    /// The head of the list of those that have ever listened.
    listeners: Published<Listener>,
    /// For each signal, what was there before ours.
    before: [Published<SigAction>; SIGNALS.len()],
    /// For each signal: when ours was to go, another one had been put before it, which may call it for ever.
    covered: [AtomicBool; SIGNALS.len()],
    /// Lock rule: no other lock under it; never taken by the handler, nor in a fork.
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// How many listen.
    listening: usize,
    /// Those to be used again, so that the list grows only with how many listen at once.
    free: Vec<&'static Listener>,
}

impl Handlers {
    fn of_this_process() -> &'static Self {
        loop {
            let found = HANDLERS.get();
            if let Some(handlers) = found.filter(|handlers| handlers.is_here()) {
                return handlers;
            }
            // In a fork the handlers are those of its parent, and what was there before them still is.
            let of_parent = |nth: usize| found.map(|parent| (&parent.before[nth], &parent.covered[nth]));
            let own = Self {
                process: process::id(),
                listeners: Published::nothing(),
                before: [0, 1].map(|nth| Published::new(of_parent(nth).and_then(|(before, _)| before.get()))),
                covered: [0, 1].map(|nth| {
                    // Relaxed, here and below: written under the lock, or by the one thread that a fork had.
                    of_parent(nth).is_some_and(|(_, covered)| covered.load(Ordering::Relaxed)).into()
                }),
                state: Mutex::default(),
            };
            let own: &'static Self = Box::leak(Box::new(own));
            if HANDLERS.replace(found, own) {
                return own;
            }
        }
    }

    fn is_here(&self) -> bool {
        self.process == process::id()
    }

    /// Tells all who listen. Called by the handler.
    fn tell(&self) -> Taken {
        let mut taken = Taken::Never;
        let mut next = self.listeners.get();
        while let Some(listener) = next {
            taken = match (taken, listener.tell()) {
                (Taken::First, _) | (_, Taken::First) => Taken::First,
                (Taken::Again, _) | (_, Taken::Again) => Taken::Again,
                (Taken::Never, Taken::Never) => Taken::Never,
            };
            next = listener.next;
        }
        taken
    }

    fn install_all(&self) -> io::Result<()> {
        for nth in 0..SIGNALS.len() {
            if let Err(error) = self.install(nth) {
                (0..nth).for_each(|installed| self.uninstall(installed));
                return Err(error);
            }
        }
        Ok(())
    }

    fn install(&self, nth: usize) -> io::Result<()> {
        let there = current(SIGNALS[nth])?;
        if is_ours(&there) {
            self.covered[nth].store(false, Ordering::Relaxed);
            return Ok(());
        }
        if self.covered[nth].load(Ordering::Relaxed) {
            // What stands before ours calls it. Put before that, ours would call it, and it ours, without end.
            return Ok(());
        }
        // Before the handler, which looks at it. The last one serves again where nothing has changed.
        if self.before[nth].get() != Some(&there) {
            self.before[nth].set(Some(Box::leak(Box::new(there))));
        }
        // On the stack of the thread, unless what was there asked for another: that other one is small, and std gives the main
        // thread's back when any thread ends the process, perhaps while a handler is still on it.
        let flags = SaFlags::SA_RESTART | (there.flags() & SaFlags::SA_ONSTACK);
        let is_handled = matches!(there.handler(), SigHandler::Handler(_) | SigHandler::SigAction(_));
        let mask = if is_handled { there.mask() } else { SigSet::empty() };
        let ours = SigAction::new(SigHandler::SigAction(handle), flags, mask);
        // SAFETY: what `handle` does is allowed in a handler, as the room's head tells.
        unsafe { sigaction(SIGNALS[nth], &ours) }?;
        Ok(())
    }

    /// Puts back what was there, unless another one has been put before ours meanwhile: that one stays.
    fn uninstall(&self, nth: usize) {
        let is_on_top = current(SIGNALS[nth]).is_ok_and(|there| is_ours(&there));
        self.covered[nth].store(!is_on_top, Ordering::Relaxed);
        if is_on_top && let Some(before) = self.before[nth].get() {
            // SAFETY: it is what the system gave for this signal, and so something that may handle it.
            // It can't fail for a signal whose handler could be set.
            _ = unsafe { sigaction(SIGNALS[nth], before) };
        }
    }

    /// Calls the handler that was there before, if there was one.
    fn pass_on(&self, number: c_int, info: *mut siginfo_t, context: *mut c_void) {
        match self.before(number).map(|(_, before)| before.handler()) {
            Some(SigHandler::Handler(handler)) => handler(number),
            Some(SigHandler::SigAction(handler)) => handler(number, info, context),
            _ => {}
        }
    }

    /// Nobody listens here: does what the system does where there is no handler.
    fn do_by_default(&self, number: c_int) {
        let Some((signal, before)) = self.before(number) else { return };
        // Where another handler is before ours, that one has the signal, and only calls us too.
        let is_on_top = || current(signal).is_ok_and(|there| is_ours(&there));
        if matches!(before.handler(), SigHandler::SigDfl) && is_on_top() {
            // SAFETY: both take numbers only. The signal is blocked while it is handled, and comes when this returns.
            unsafe {
                libc::signal(number, libc::SIG_DFL);
                libc::raise(number);
            }
        }
    }

    /// What was there before, of that signal.
    fn before(&self, number: c_int) -> Option<(Signal, &'static SigAction)> {
        let nth = SIGNALS.iter().position(|signal| *signal as c_int == number)?;
        Some((SIGNALS[nth], self.before[nth].get()?))
    }
}

/// What handles that signal now.
fn current(signal: Signal) -> io::Result<SigAction> {
    let mut action = MaybeUninit::<SigAction>::uninit();
    // SAFETY: a `SigAction` is a transparent `sigaction`, which the call fills in; without a new one it changes nothing.
    let result = unsafe { libc::sigaction(signal as c_int, ptr::null(), action.as_mut_ptr().cast()) };
    Errno::result(result)?;
    // SAFETY: the call has succeeded.
    Ok(unsafe { action.assume_init() })
}

fn is_ours(action: &SigAction) -> bool {
    matches!(action.handler(), SigHandler::SigAction(handler) if handler as usize == handle as *const () as usize)
}

/// The handler.
extern "C" fn handle(number: c_int, info: *mut siginfo_t, context: *mut c_void) {
    // Whatever it interrupts may be about to look at it.
    let errno = Errno::last_raw();
    if let Some(handlers) = HANDLERS.get() {
        // Before those who listen here, so that it has run when they go on.
        handlers.pass_on(number, info, context);
        // A fork has the handler, but nobody who listens: a byte would wake those in its parent.
        let taken = if handlers.is_here() { handlers.tell() } else { Taken::Never };
        match taken {
            // SAFETY: it takes a number, and ends the process without running anything of it.
            Taken::Again => unsafe { libc::_exit(128 + number) },
            Taken::Never => handlers.do_by_default(number),
            Taken::First => {}
        }
    }
    Errno::set_raw(errno);
}

/// One who listens for signals. Dropped, it listens no more; the last one leaves no handler.
pub(super) struct Listening {
    handlers: &'static Handlers,
    pub(super) listener: &'static Listener,
}

impl Listening {
    pub(super) fn begin() -> io::Result<Self> {
        let handlers = Handlers::of_this_process();
        let mut state = handlers.state.lock();
        let listener = match state.free.pop() {
            Some(listener) => listener,
            None => {
                let first = handlers.listeners.get();
                let listener: &'static Listener = Box::leak(Box::new(Listener::new(first)?));
                handlers.listeners.set(Some(listener));
                listener
            }
        };
        // Before the handlers, so that it hears the first signal that they take.
        listener.open();
        if state.listening == 0
            && let Err(error) = handlers.install_all()
        {
            listener.close();
            state.free.push(listener);
            return Err(error);
        }
        state.listening += 1;
        Ok(Self { handlers, listener })
    }

    /// Whether it was made in this process, and not in one that this is a fork of.
    pub(super) fn is_here(&self) -> bool {
        self.handlers.is_here()
    }

    /// Listens no more, and ends a [`wait`](Listener::wait).
    pub(super) fn close(&self) {
        if !self.is_here() || self.listener.is_closed() {
            return;
        }
        let mut state = self.handlers.state.lock();
        state.listening -= 1;
        if state.listening == 0 {
            (0..SIGNALS.len()).for_each(|nth| self.handlers.uninstall(nth));
        }
        self.listener.close();
    }
}

impl Drop for Listening {
    /// Whoever waits at it has returned.
    fn drop(&mut self) {
        self.close();
        if self.is_here() {
            self.handlers.state.lock().free.push(self.listener);
        }
    }
}
