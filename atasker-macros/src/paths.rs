//! The one table of what generated code names: a path stands here or nowhere.
//!
//! Every path is absolute, so that nothing a user defines or imports can take its place. Each name is a unit value
//! that `quote!` interpolates: `#Task` becomes `::atasker::Task`.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};

macro_rules! paths {
    ($($name:ident => [$($path:tt)*];)*) => {$(
        pub(crate) struct $name;

        impl ToTokens for $name {
            fn to_tokens(&self, tokens: &mut TokenStream) {
                tokens.extend(quote!($($path)*));
            }
        }
    )*};
}

paths! {
    Align => [::atasker::Align];
    AsyncQueueBody => [::atasker::AsyncQueueBody];
    AsyncWorker => [::atasker::AsyncWorker];
    Autostart => [::atasker::__private::Autostart];
    BodyOf => [::atasker::__private::body_of];
    BackgroundWorker => [::atasker::background_worker];
    Config => [::atasker::Config];
    EventWorker => [::atasker::EventWorker];
    IntoQueueBody => [::atasker::__private::IntoQueueBody];
    IntoWorker => [::atasker::__private::IntoWorker];
    IntervalWorker => [::atasker::IntervalWorker];
    Jitter => [::atasker::Jitter];
    LoopWorker => [::atasker::LoopWorker];
    MissedTick => [::atasker::MissedTick];
    OnSignal => [::atasker::OnSignal];
    Priority => [::atasker::Priority];
    Program => [::atasker::__private::Program];
    PutError => [::atasker::PutError];
    QueueWorker => [::atasker::QueueWorker];
    SameSupervisor => [::atasker::__private::same_supervisor];
    Named => [::atasker::__private::Named];
    ScheduledWorker => [::atasker::ScheduledWorker];
    Site => [::atasker::__private::Site];
    Static => [::atasker::__private::Static];
    Submit => [::atasker::__private::inventory::submit];
    Supervisor => [::atasker::Supervisor];
    Task => [::atasker::Task];
    TaskOptions => [::atasker::TaskOptions];
    TaskSupervisor => [::atasker::task_supervisor];
    Tz => [::atasker::Tz];
    UnitResult => [::atasker::Result<()>];
    WorkerContext => [::atasker::WorkerContext];

    Borrow => [::core::borrow::Borrow];
    BorrowMut => [::core::borrow::BorrowMut];
    Clone => [::core::clone::Clone];
    Deref => [::core::ops::Deref];
    Duration => [::core::time::Duration];
    ExitCode => [::std::process::ExitCode];
    FnOnce => [::core::ops::FnOnce];
    Future => [::core::future::Future];
    Into => [::core::convert::Into];
    Send => [::core::marker::Send];
    Sized => [::core::marker::Sized];
    StdResult => [::core::result::Result];
    StdString => [::std::string::String];
    Unreachable => [::core::unreachable!()];
}
