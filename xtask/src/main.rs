//! Development tasks, run as `cargo xtask <task>`: everything a contributor or a CI machine needs beyond `cargo run`.
//!
//! - `check` – formatting, clippy, the arrows between crates, names of metrics, the translated README, licences and sources of dependencies
//! - `backlog` – how deep queues cost, measured
//! - `bench` – speed, measured beside what is possible and beside others
//! - `fuzz` – the fuzz targets, for as long as wanted
//! - `instructions` – how many instructions each piece of a message's way takes, compared with stored figures
//! - `simulate` – seeds of the simulation, and the planted faults that it must find
//! - `test` – unit tests, then real clients against the real binary; sets up what those need
//!
//! It must not know how the queue works: it starts processes, reads their exit codes and prints a table. It ships with nothing.

mod arrows;
mod backlog;
mod bench;
mod check;
mod fuzz;
mod instructions;
mod measure;
mod metric_names;
mod paths;
mod readmes;
mod server;
mod simulate;
mod steps;
mod suites;
mod tools;

use std::process::ExitCode;

const USAGE: &str = "\
Usage: cargo xtask <TASK>

Tasks:
  check                     formatting, clippy, arrows between crates, licences and sources
  test [STEP…] [-- ARG…]    all tests, or only the named steps; ARGs go to the one conformance step named
                            (cargo xtask test python -- -k fifo)
  simulate [ARG…]           play seeds of the simulation: --seeds N [--seed S] [--trace], or find all --planted faults

Steps: unit simulate planted instructions python query cli crash console node java go
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match arguments.split_first() {
        Some((task, rest)) if task == "check" && rest.is_empty() => check::run(),
        Some((task, rest)) if task == "simulate" => simulate::run(rest),
        Some((task, rest)) if task == "test" => suites::run(rest),
        Some((task, rest)) if task == "fuzz" => fuzz::run(rest),
        Some((task, rest)) if task == "backlog" => backlog::run(rest),
        Some((task, rest)) if task == "bench" => bench::run(rest),
        Some((task, rest)) if task == "instructions" => instructions::run(rest),
        Some((task, _)) if task == "help" || task == "--help" || task == "-h" => {
            let others = [backlog::USAGE, bench::USAGE, fuzz::USAGE, instructions::USAGE];
            println!("{USAGE}\n{}", others.join("\n"));
            return ExitCode::SUCCESS;
        }
        _ => Err(format!("no such task\n\n{USAGE}")),
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(message) => {
            eprintln!("xtask: {message}");
            ExitCode::from(2)
        }
    }
}
