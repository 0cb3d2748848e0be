//! The keys of a worker, and its kind: the one key that says what makes it run.

use proc_macro2::{Ident, TokenStream};
use quote::quote;
use syn::LitStr;

use crate::cron;
use crate::duration::{self, Zero};
use crate::errors::Errors;
use crate::keys::{Entry, Known, Value, Vocabulary};
use crate::values::{self, lent};

const VOCABULARY: Vocabulary = Vocabulary {
    attribute: "background_worker",
    keys: &[
        "interval",
        "delay",
        "cron",
        "schedule",
        "queue",
        "event",
        "priority",
        "name",
        "initial",
        "missed",
        "tz",
        "jitter",
        "times",
        "until",
        "align",
        "precise",
        "tolerance",
        "on_error",
        "supervisor",
        "lane",
        "autostart",
    ],
    other: ("background_task", &["companion"]),
    later: &[],
    foreign: &[
        ("q", Some("queue"), "it is `queue` here, write `queue`, or `queue = 1024` for a bounded one"),
        ("e", Some("event"), "it is `event` here, write `event`"),
        ("i", Some("interval"), "it is `interval` here, write `interval = 1s`"),
        ("d", Some("delay"), "it is `delay` here, write `delay = 1s`"),
        ("delay_before", Some("delay"), "write `delay = 1s`, and `initial = 1s` to wait before the first run"),
        ("crontab", Some("cron"), "it is `cron` here, write `cron = \"0 9 * * Mon-Fri\"`"),
        ("timezone", Some("tz"), "it is `tz` here, write `tz = \"Europe/Prague\"`"),
        ("every", Some("interval"), "it is `interval` here, write `interval = 1s`"),
        ("period", Some("interval"), "it is `interval` here, write `interval = 1s`"),
        ("worker_name", Some("name"), "it is `name` here, write `name = \"a name\"`"),
        ("queue_bounded", Some("queue"), "that is the builder's method, write `queue = 1024`"),
        (
            "on_start",
            None,
            "a body with something to do at its start is a struct: `impl Worker` (with a queue `impl QueueBody`) has `on_start`, start it by `background_worker(..)`",
        ),
        (
            "on_stop",
            None,
            "a body with something to do at its end is a struct: `impl Worker` (with a queue `impl QueueBody`) has `on_stop`, start it by `background_worker(..)`",
        ),
        ("loop", None, "a worker without a kind runs again and again, leave it out"),
        ("poll_delay", None, "nothing polls here, leave it out"),
        ("threaded", None, "every body runs on a thread of the pool, leave it out"),
        ("daemon", None, "a worker never keeps the process alive, leave it out"),
        ("realtime", Some("priority"), "write `priority = Critical`"),
        ("on_error_kwargs", Some("on_error"), "write `on_error = EXPR`, a closure has what it needs with it"),
        ("args", None, "state is a parameter of the body, handed to `start`"),
        ("kwargs", None, "state is a parameter of the body, handed to `start`"),
        ("o", None, "state is a parameter of the body, handed to `start`"),
        ("Low", Some("priority"), "write `priority = Low`"),
        ("Normal", Some("priority"), "write `priority = Normal`"),
        ("High", Some("priority"), "write `priority = High`"),
        ("Critical", Some("priority"), "write `priority = Critical`"),
    ],
};

/// What makes a worker run.
#[derive(Clone, Copy, Default, PartialEq)]
pub(super) enum Kind {
    #[default]
    Loop,
    Interval,
    Delay,
    Cron,
    Schedule,
    Event,
    Queue,
}

/// What the attribute says about a worker.
#[derive(Default)]
pub(super) struct Keys {
    pub(super) kind: Kind,
    pub(super) name: Option<LitStr>,
    /// `.key(value)` for each key that was given, the kind's own first.
    pub(super) settings: Vec<TokenStream>,
    pub(super) supervisor: Option<TokenStream>,
    /// The key, if it was given.
    pub(super) autostart: Option<Ident>,
    /// The key, if it was given.
    pub(super) lane: Option<Ident>,
    /// The key, if it was given.
    pub(super) precise: Option<Ident>,
}

impl Keys {
    pub(super) fn read(list: TokenStream, errors: &mut Errors) -> Self {
        let before = errors.count();
        let known = VOCABULARY.read(list, errors);
        let all_known = errors.count() == before;
        let kinds: Vec<(Kind, &Known)> = known.iter().filter_map(|it| Some((kind_of(it.name)?, it))).collect();
        let mut keys = Self { kind: choose(&kinds, errors), ..Self::default() };
        for (_, known) in kinds.iter().filter(|(_, known)| known.sound) {
            keys.take_kind(known.name, &known.entry, errors);
        }
        for known in known.iter().filter(|known| known.sound && kind_of(known.name).is_none()) {
            keys.take(known.name, &known.entry, errors);
        }
        // A mistyped key may have been the kind: what goes with it is unknown then.
        if all_known && kinds.len() < 2 {
            keys.check_kind(&known, errors);
        }
        keys
    }

    fn take_kind(&mut self, name: &str, entry: &Entry, errors: &mut Errors) {
        let setting = match name {
            "queue" => match &entry.value {
                Value::Given(expr) => values::bound(expr, errors).map(|bound| quote!(.queue_bounded(#bound))),
                _ => Some(quote!(.queue())),
            },
            "event" => {
                values::flag(entry, errors);
                Some(quote!(.event()))
            }
            "cron" => cron::line(entry, errors).map(|line| quote!(.cron(#line))),
            "schedule" => values::given(entry, errors).map(|it| quote!(.schedule(#it))),
            _ => length(name, entry, Zero::Refused, errors),
        };
        self.settings.extend(setting);
    }

    fn take(&mut self, name: &str, entry: &Entry, errors: &mut Errors) {
        let setting = match name {
            "priority" => values::priority(entry, errors).map(|it| quote!(.priority(#it))),
            "initial" => length(name, entry, Zero::Allowed, errors),
            "missed" => values::missed(entry, errors).map(|it| quote!(.missed(#it))),
            "tz" => cron::zone(entry, errors).map(|it| quote!(.tz(#it))),
            "jitter" => values::jitter(entry, errors).map(|it| quote!(.jitter(#it))),
            "times" => values::times(entry, errors).map(|it| quote!(.times(#it))),
            "until" => values::until(entry, errors).map(|it| quote!(.until(#it))),
            "align" => values::align(entry, errors).map(|it| quote!(.align(#it))),
            "tolerance" => length(name, entry, Zero::Allowed, errors),
            "precise" => {
                values::flag(entry, errors);
                self.precise = Some(entry.key.clone());
                Some(quote!(.precise(true)))
            }
            "on_error" => values::given(entry, errors).map(|it| quote!(.on_error(#it))),
            "supervisor" => {
                self.supervisor = values::given(entry, errors).map(lent);
                self.supervisor.as_ref().map(|it| quote!(.supervisor(#it)))
            }
            "lane" => {
                self.lane = Some(entry.key.clone());
                values::string(entry, errors).map(|it| quote!(.lane(#it)))
            }
            "autostart" => {
                values::flag(entry, errors);
                self.autostart = Some(entry.key.clone());
                None
            }
            _ => {
                self.name = values::string(entry, errors);
                None
            }
        };
        self.settings.extend(setting);
    }

    /// Notes the keys that say nothing to a worker of this kind, and those that speak against each other.
    fn check_kind(&self, known: &[Known], errors: &mut Errors) {
        for Known { name, entry, .. } in known {
            if let Some(reason) = without_meaning(name, self.kind) {
                errors.at(&entry.key, format!("`{name}` is for {reason}"));
            }
        }
        let find = |name: &str| known.iter().find(|known| known.sound && known.name == name).map(|known| &known.entry);
        if let Some(precise) = find("precise")
            && let Some(late) = find("jitter").or_else(|| find("tolerance"))
        {
            let (precise, late) = (&precise.key, &late.key);
            errors
                .at(late, format!("`{precise}` is to the microsecond, and `{late}` makes late: leave one of them out"));
        }
        if let (Some(jitter), Kind::Cron | Kind::Schedule) = (find("jitter"), self.kind)
            && let Value::Percent(percent) = &jitter.value
        {
            errors
                .at(percent, "there is no interval to take a percentage of: write a duration, such as `jitter = 30s`");
        }
    }
}

/// What a key is for, where it means nothing to a worker of that kind, and what to do.
fn without_meaning(key: &str, kind: Kind) -> Option<&'static str> {
    let is_planned = matches!(kind, Kind::Interval | Kind::Delay | Kind::Cron | Kind::Schedule);
    match key {
        "initial" if !is_planned && kind != Kind::Loop => {
            Some("workers that run by themselves, not on a call: leave it out")
        }
        "missed" | "align" if kind != Kind::Interval => {
            Some("interval workers: write `interval = 1s` too, or leave it out")
        }
        "tz" if kind != Kind::Cron => Some("cron workers: write `cron = \"0 9 * * Mon-Fri\"` too, or leave it out"),
        "jitter" | "precise" | "tolerance" if !is_planned => {
            Some("workers that run at a planned time: write `interval = 1s` too, or leave it out")
        }
        "times" | "until" if kind == Kind::Queue => Some(
            "workers without a queue, whose items all have their run: leave it out, and stop it when there are enough",
        ),
        _ => None,
    }
}

fn kind_of(name: &str) -> Option<Kind> {
    match name {
        "interval" => Some(Kind::Interval),
        "delay" => Some(Kind::Delay),
        "cron" => Some(Kind::Cron),
        "schedule" => Some(Kind::Schedule),
        "queue" => Some(Kind::Queue),
        "event" => Some(Kind::Event),
        _ => None,
    }
}

/// The kind that was asked for. Of several, a queue has the handle that most callers were written for.
fn choose(kinds: &[(Kind, &Known)], errors: &mut Errors) -> Kind {
    let mut sound = kinds.iter().filter(|(_, known)| known.sound);
    if let Some((_, first)) = sound.next() {
        for (_, known) in sound {
            let (is, also) = (first.name, known.name);
            errors.at(&known.entry.key, format!("a worker has one kind: it has `{is}` already, leave `{also}` out"));
        }
    }
    let queue = kinds.iter().find(|(kind, _)| *kind == Kind::Queue);
    queue.or(kinds.first()).map(|(kind, _)| *kind).unwrap_or_default()
}

fn length(name: &str, entry: &Entry, zero: Zero, errors: &mut Errors) -> Option<TokenStream> {
    let length = duration::value(name, values::given(entry, errors)?, zero, errors)?;
    let key = Ident::new(name, entry.key.span());
    Some(quote!(.#key(#length)))
}
