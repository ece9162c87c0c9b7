//! The server of `bongsu serve` on a disk that loses what is not synced: killing this process is a power cut. Only for
//! tests; the same code opens the journal and serves as in the binary that ships.
//!
//! Each line of standard input is an order to the disk (see `bongsu_journal::Order`), such as `cut 50` or `fail sync`.

mod descriptors;
mod listen;
mod notify;
mod serve;
mod web;

use bongsu_journal::{FileOptions, LossyDisk, Order};
use bongsu_server::config::{Cooldowns, Overrides, Settings};
use clap::Parser;
use serve::ServeError;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

/// Serve on a disk that loses what is not synced.
#[derive(Debug, Parser)]
struct Arguments {
    #[arg(long)]
    listen: String,
    #[arg(long)]
    data_dir: PathBuf,
    #[arg(long)]
    cooldowns: Option<Cooldowns>,
    /// The size of a segment of the journal
    #[arg(long, default_value_t = FileOptions::default().segment_bytes)]
    segment_bytes: u64,
    /// After how many bytes a checkpoint is made
    #[arg(long)]
    checkpoint_bytes: Option<u64>,
    /// Decides what chance decides
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// An order that the disk has from the start
    #[arg(long)]
    order: Vec<Order>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    tracing_subscriber::fmt().with_writer(std::io::stderr).with_ansi(false).with_target(false).init();
    let disk = LossyDisk::new(arguments.seed);
    arguments.order.iter().for_each(|order| disk.obey(*order));
    let orders = disk.clone();
    std::thread::spawn(move || take_orders(&orders));
    let overrides = Overrides {
        listen: Some(arguments.listen),
        data_dir: Some(arguments.data_dir),
        cooldowns: arguments.cooldowns,
        ..Overrides::default()
    };
    let journal = FileOptions { segment_bytes: arguments.segment_bytes, ..FileOptions::default() };
    let store = serve::Store { disk: Arc::new(disk), journal, checkpoint_bytes: arguments.checkpoint_bytes };
    let settings = Settings::load(None, overrides).map_err(ServeError::from);
    match settings.and_then(|settings| serve::run(settings, store)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn take_orders(disk: &LossyDisk) {
    for line in std::io::stdin().lines().map_while(Result::ok) {
        match line.parse() {
            Ok(order) => disk.obey(order),
            Err(error) => tracing::error!("{error}"),
        }
    }
}
