//! `bongsu serve`: up, and down again.

use crate::descriptors;
use crate::listen::listen;
use crate::notify::Notify;
use crate::web;
use bongsu_journal::{
    Disk, FileJournal, FileOptions, Journal, JournalError, MemoryJournal, MemoryOptions, OpenError, RealDisk,
};
use bongsu_server::config::{ConfigError, Cooldowns, JournalKind, Settings};
use bongsu_server::entropy::Entropy;
use bongsu_server::keys::check::{Sources, UnlockError, unlock};
use bongsu_server::{Gatherer, MasterKey, Node, NodeOptions, NodeStartError, RootKey, Server, StartError};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Why serving failed; what the user reads.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ServeError {
    /// A setting is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The runtime or the signals can't be set up.
    #[error("can't start: {0}")]
    Runtime(std::io::Error),
    /// The address is taken, or not ours.
    #[error("can't listen on {address}: {reason}")]
    Listen {
        /// As configured.
        address: String,
        /// Why.
        reason: std::io::Error,
    },
    /// Everybody could do everything.
    #[error(
        "the console at {address} would be open to everybody: authentication is off because the API listens on a loopback address. \
         Let the console listen on one too, or ask for authentication (--auth on), or say in so many words that there is none (--auth off)"
    )]
    OpenConsole {
        /// Where the console would be.
        address: SocketAddr,
    },
    /// The journal can't be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// There is no master key, or it is not this store's.
    #[error(transparent)]
    MasterKey(#[from] UnlockError),
    /// The node can't start on it.
    #[error(transparent)]
    Node(#[from] NodeStartError),
    /// The thread that opens the journal was lost.
    #[error("opening the journal failed: {0}")]
    Lost(#[from] tokio::task::JoinError),
    /// The server can't start.
    #[error(transparent)]
    Server(#[from] StartError),
    /// The journal was not closed properly.
    #[error("stopped, but the journal was not closed properly: {0}")]
    Close(JournalError),
}

/// What the file journal is kept on, and how. Users have no say in it; tests of crashes do.
pub(crate) struct Store {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) journal: FileOptions,
    /// See [`NodeOptions::checkpoint_bytes`]; by default what the node chooses.
    pub(crate) checkpoint_bytes: Option<u64>,
}

impl Default for Store {
    fn default() -> Self {
        Self { disk: Arc::new(RealDisk), journal: FileOptions::default(), checkpoint_bytes: None }
    }
}

/// Serves until a signal says stop.
pub(crate) fn run(mut settings: Settings, store: Store) -> Result<(), ServeError> {
    descriptors::forbid_core_dumps();
    limit_connections(&mut settings);
    let gatherer = Gatherer::default();
    let (starts, rests) = (gatherer.clone(), gatherer.clone());
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .on_thread_start(move || starts.worker_starts())
        .on_thread_park(move || rests.worker_rests())
        .build()
        .map_err(ServeError::Runtime)?;
    runtime.block_on(serve(settings, store, gatherer))
}

fn limit_connections(settings: &mut Settings) {
    let (wanted, limit) = (settings.limits.max_connections, descriptors::raise_limit());
    let possible = descriptors::connections(wanted, limit);
    if possible < wanted {
        tracing::warn!("at most {possible} connections: the process may not have more files open");
    }
    settings.limits.max_connections = possible;
}

async fn serve(settings: Settings, store: Store, gatherer: Gatherer) -> Result<(), ServeError> {
    let mut signals = Signals::new(settings.tls.is_some()).map_err(ServeError::Runtime)?;
    // The address comes first: a second server should fail on it before it touches anybody's data.
    let listener = listen(&settings.listen)
        .await
        .map_err(|reason| ServeError::Listen { address: settings.listen.clone(), reason })?;
    let console = web::listen(&settings, listener.local_addr().map_err(ServeError::Runtime)?).await?;
    let notify = Notify::from_environment();
    notify.status("reading the journal");
    let (node, master) = {
        let settings = settings.clone();
        tokio::task::spawn_blocking(move || open(&settings, store)).await??
    };
    node.gather(&gatherer);
    let mut server = match Server::start(listener, node.clone(), &settings, master).await {
        Ok(server) => server,
        Err(error) => {
            close(node).await?;
            return Err(error.into());
        }
    };
    notify.ready(&announce(&server, &settings));
    let console = web::start(console, &server, &settings)?;
    if let Some(key) = server.take_root_key() {
        show_root_key(&key, &settings);
    }
    signals.stop(&server).await;
    notify.stopping();
    tracing::info!("stopping: ending long polls and finishing requests");
    tokio::spawn(async move {
        signals.first().await;
        tracing::warn!("stopped at once by a second signal");
        std::process::exit(1);
    });
    // Both at once: `/readyz` says no from the first moment on.
    let console = async {
        if let Some(console) = console {
            console.stop().await;
        }
    };
    tokio::join!(server.stop(), console);
    close(node).await?;
    tracing::info!("stopped");
    Ok(())
}

/// Opens the journal and replays it. Blocks.
pub(crate) fn open(settings: &Settings, store: Store) -> Result<(Node, MasterKey), ServeError> {
    let Store { disk, journal, checkpoint_bytes } = store;
    let journal: Box<dyn Journal> = match settings.journal {
        JournalKind::File => Box::new(FileJournal::open(disk, &settings.data_dir, journal)?),
        JournalKind::Memory => Box::new(MemoryJournal::new(MemoryOptions::default())),
    };
    let entropy = Entropy::new();
    let mut options = NodeOptions::new(entropy.bytes(), u128::from_be_bytes(entropy.bytes()));
    options.cooldowns = settings.cooldowns == Cooldowns::Aws;
    options.checkpoint_bytes = checkpoint_bytes.unwrap_or(options.checkpoint_bytes);
    let node = Node::start(journal, options)?;
    match master_key(&node, settings) {
        Ok(master) => Ok((node, master)),
        Err(error) => {
            node.shutdown().map_err(ServeError::Close)?;
            Err(error)
        }
    }
}

/// Gets the master key and holds it against the store. Blocks.
fn master_key(node: &Node, settings: &Settings) -> Result<MasterKey, ServeError> {
    let sources =
        Sources { master: settings.master_key.clone(), previous: settings.previous_master_key.clone() };
    let runtime = tokio::runtime::Builder::new_current_thread().build().map_err(ServeError::Runtime)?;
    // On a thread of its own: the server's threads count as callers that may have more to add, for whom a commit waits.
    let unlocked =
        std::thread::scope(|scope| scope.spawn(|| runtime.block_on(unlock(node, &sources))).join());
    Ok(unlocked.unwrap_or_else(|panic| std::panic::resume_unwind(panic))?)
}

/// To standard output, and nowhere else: logs are kept and read by others.
fn show_root_key(key: &RootKey, settings: &Settings) {
    let (account, id, secret) = (&settings.account, &key.id, key.secret.reveal());
    println!(
        "Account {account} had no access key. This one, of its root, is shown only now:\n\n  \
         AWS_ACCESS_KEY_ID={id}\n  AWS_SECRET_ACCESS_KEY={secret}\n"
    );
}

/// The one line that says that the server can be used, and where. It is logged, and returned.
fn announce(server: &Server, settings: &Settings) -> String {
    let address = server.local_address();
    if !server.is_authenticating() && !address.ip().is_loopback() {
        tracing::warn!("authentication is off: whoever reaches {address} may do everything");
    }
    let scheme = if settings.tls.is_some() { "https" } else { "http" };
    let line = match settings.journal {
        JournalKind::File => {
            let data_dir = settings.data_dir.display();
            format!(
                "ready: listening on {scheme}://{address}, keeping messages in {data_dir} (journal: file)"
            )
        }
        JournalKind::Memory => {
            tracing::warn!("the memory journal keeps nothing: all messages are gone when this process ends");
            format!("ready: listening on {scheme}://{address}, keeping messages in memory (journal: memory)")
        }
    };
    tracing::info!("{line}");
    line
}

async fn close(node: Node) -> Result<(), ServeError> {
    tokio::task::spawn_blocking(move || node.shutdown()).await?.map_err(ServeError::Close)
}

/// The two signals that mean stop, and, where there are certificates, the one that means to read them again.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Option<Signal>,
}

impl Signals {
    fn new(has_certificates: bool) -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: has_certificates.then(|| signal(SignalKind::hangup())).transpose()?,
        })
    }

    /// Waits for one that stops the server, and until then does what the other asks for.
    async fn stop(&mut self, server: &Server) {
        loop {
            let hangup = async {
                match &mut self.hangup {
                    Some(hangup) => hangup.recv().await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                _ = self.terminate.recv() => return,
                _ = self.interrupt.recv() => return,
                _ = hangup => server.reload_certificates(),
            };
        }
    }

    async fn first(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
