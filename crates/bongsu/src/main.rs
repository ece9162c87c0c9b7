//! The binary. `bongsu serve`, which plain `bongsu` is short for, opens a journal, starts a node on it and the
//! server in front of that, and takes all three down again when it is told to stop. `bongsu bench` loads a service, this
//! one or another, from the outside. `bongsu check`, `backup` and `restore` look after a store without serving it; `bongsu user`, `key`
//! and `policy` say who may do what on a running server; `bongsu queue` is a client of queues.
//!
//! Knows which journals there are and how settings arrive (flags, environment, file). Must not know what a message
//! is or how HTTP works.

mod admin;
mod arguments;
mod bench;
mod descriptors;
mod listen;
mod log;
mod notify;
mod serve;
mod slow_disk;
mod store;
mod web;

use arguments::{Arguments, Command, Serve};
use bongsu_server::config::{LogFormat, Settings};
use clap::{CommandFactory as _, Parser as _};
use clap_complete::Shell;
use serve::{ServeError, Store};
use slow_disk::SlowDisk;
use std::fmt::Display;
use std::io::Write as _;
use std::process::ExitCode;
use std::sync::Arc;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if !matches!(arguments.command, None | Some(Command::Serve(_))) {
        log::start(LogFormat::Text);
    }
    match arguments.command {
        Some(Command::Bench(scenario)) => exit_code(bench::run(scenario)),
        Some(Command::Check(check)) => store::exit_code(store::check(&check)),
        Some(Command::Backup(backup)) => store::exit_code(store::back_up(&backup)),
        Some(Command::Restore(restore)) => store::exit_code(store::restore(&restore)),
        Some(Command::Queue(queue)) => bongsu_tools::exit_code(queue.run()),
        Some(Command::Import(import)) => bongsu_tools::exit_code(import.run()),
        Some(Command::User(user)) => admin::exit_code(admin::user(user)),
        Some(Command::Key(key)) => admin::exit_code(admin::key(key)),
        Some(Command::Policy(policy)) => admin::exit_code(admin::policy(policy)),
        Some(Command::Completions { shell }) => complete(shell),
        Some(Command::Serve(arguments)) => exit_code(serve(*arguments)),
        None => exit_code(serve(arguments.serve)),
    }
}

/// Prints a shell's script.
fn complete(shell: Shell) -> ExitCode {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "bongsu", &mut script);
    // Who has closed standard output wants no more.
    let _ = std::io::stdout().write_all(&script);
    ExitCode::SUCCESS
}

fn serve(arguments: Serve) -> Result<(), ServeError> {
    let (mut store, delay) = (Store::default(), arguments.sync_delay());
    let (file, overrides) = arguments.into_parts();
    let settings = Settings::load(file.as_deref(), overrides);
    log::start(settings.as_ref().map_or(LogFormat::Text, |settings| settings.log_format));
    if let Some(delay) = delay {
        tracing::warn!(
            "each sync takes {} ms longer, as asked for: this is for measurements",
            delay.as_millis()
        );
        store.disk = Arc::new(SlowDisk { delay });
    }
    serve::run(settings?, store)
}

fn exit_code<E: Display>(outcome: Result<(), E>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error}");
            ExitCode::FAILURE
        }
    }
}
