//! The server as a whole: put together, started, stopped.

use crate::access::realm::{NewKey, RealmError, Realms};
use crate::access::{self, Access, Shares};
use crate::audit::{Audit, AuditError, AuditFile, AuditThread};
use crate::call::Edge;
use crate::config::{AuditLog, JournalKind, Settings};
use crate::declare::{DeclareError, declare};
use crate::desk::Desk;
use crate::dispatch::Dispatcher;
use crate::entropy::Entropy;
use crate::facts::FactsMemory;
use crate::http::{Certificates, Exchange, TlsError, serve};
use crate::keys::{Keys, KeysError};
use crate::receipt::Sealer;
use crate::traces::{self, CollectorError, Tracer};
use crate::watch::Watch;
use bongsu_auth::seal::MasterKey;
use bongsu_auth::secrets::SecretKey;
use bongsu_node::Node;
use hyper::Request;
use hyper::body::Incoming;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// A running server.
pub struct Server {
    local_address: SocketAddr,
    dispatcher: Arc<Dispatcher>,
    node: Node,
    stop: watch::Sender<bool>,
    serving: JoinHandle<()>,
    root_key: Option<NewKey>,
    is_authenticating: bool,
    audit: Option<AuditThread>,
    upkeep: JoinHandle<()>,
    /// Looks at everything every ten seconds.
    sampling: JoinHandle<()>,
    /// Sends traces.
    sending: Option<traces::Sending>,
    certificates: Option<Arc<Certificates>>,
    /// Looks at the files of the certificates.
    watching: Option<JoinHandle<()>>,
}

/// The access key that a new store is governed with.
#[derive(Debug)]
pub struct RootKey {
    /// Public half.
    pub id: String,
    /// Secret half.
    pub secret: SecretKey,
}

/// Why a server doesn't start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The listener has no address any more.
    #[error("can't tell the address that the server listens on: {0}")]
    Address(#[from] std::io::Error),
    /// A declared queue can't be made so.
    #[error(transparent)]
    Declare(#[from] DeclareError),
    /// Users and keys can't be read.
    #[error("can't read users and access keys: {0}")]
    Realm(#[from] RealmError),
    /// KMS keys can't be read.
    #[error("can't read the keys that messages are sealed with: {0}")]
    Keys(#[from] KeysError),
    /// What is governed could not be noted.
    #[error(transparent)]
    Audit(#[from] AuditError),
    /// The certificates can't be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// Traces can't be sent.
    #[error(transparent)]
    Collector(#[from] CollectorError),
}

/// The default audit log's name within the data directory.
const AUDIT_LOG_NAME: &str = "audit.log";

impl Server {
    /// Declares queues, then serves on the listener until [`Server::stop`]. The node is ready: it has replayed its log.
    ///
    /// # Errors
    /// [`StartError`]; nothing is served then.
    pub async fn start(
        listener: TcpListener,
        node: Node,
        settings: &Settings,
        master: MasterKey,
    ) -> Result<Self, StartError> {
        let local_address = listener.local_addr()?;
        let certificates = settings.tls.clone().map(Certificates::load).transpose()?.map(Arc::new);
        let tracing = settings.collector.as_ref().map(Tracer::start).transpose()?;
        let (tracer, sending) = tracing.unzip();
        let (mut edge, audit) = edge(&node, settings, Arc::new(master), local_address).await?;
        edge.tracer = tracer;
        let is_authenticating = edge.access.is_on();
        declare(&node, settings).await?;
        // Last, as nobody would see the key of a start that failed.
        let root_key = match is_authenticating {
            true => edge.access.realms.first_root_key(settings.account.as_str(), &edge.entropy).await?,
            false => None,
        };
        let dispatcher = Arc::new(Dispatcher {
            edge,
            public_url: settings.public_url.clone(),
            local_address: local_address.to_string(),
            stopping: AtomicBool::new(false),
        });
        let upkeep = tokio::spawn(Arc::clone(&dispatcher.edge.keys).keep_up());
        let sampling = dispatcher.edge.watch.start_sampling();
        let (stop, stopped) = watch::channel(false);
        let handler = {
            let dispatcher = Arc::clone(&dispatcher);
            move |request: Request<Incoming>, exchange: Exchange| {
                Arc::clone(&dispatcher).respond(request, exchange)
            }
        };
        let watching = certificates.clone().map(|certificates| tokio::spawn(certificates.watch()));
        let connections = dispatcher.edge.watch.connections().clone();
        let serving = serve(listener, certificates.clone(), settings.limits, connections, stopped, handler);
        Ok(Self {
            local_address,
            dispatcher,
            node,
            stop,
            serving: tokio::spawn(serving),
            root_key,
            is_authenticating,
            audit,
            upkeep,
            sampling,
            sending,
            certificates,
            watching,
        })
    }

    /// Where the server listens; with the port that port 0 became.
    pub fn local_address(&self) -> SocketAddr {
        self.local_address
    }

    /// The way in for what runs in the same process.
    pub fn desk(&self) -> Desk {
        Desk::new(Arc::clone(&self.dispatcher), self.certificates.clone(), self.local_address)
    }

    /// Whether callers have to show who they are.
    pub fn is_authenticating(&self) -> bool {
        self.is_authenticating
    }

    /// The root's access key, if this start made it: to be shown once.
    pub fn take_root_key(&mut self) -> Option<RootKey> {
        self.root_key.take().map(|NewKey { id, secret }| RootKey { id, secret })
    }

    /// Reads the certificates again, for connections that begin from then on; says whether there are any. They are also read by
    /// themselves when their files change.
    pub fn reload_certificates(&self) -> bool {
        self.certificates.as_ref().inspect(|certificates| certificates.read_now()).is_some()
    }

    /// Stops: `/readyz` says no, long polls end with what there is, requests under way are answered, and the
    /// connections are closed. The node is left to whoever made it, to be shut down next.
    pub async fn stop(self) {
        self.dispatcher.stopping.store(true, Ordering::Relaxed);
        self.node.drain();
        // Changes that it has begun are finished by tasks of their own.
        self.upkeep.abort();
        self.sampling.abort();
        if let Some(watching) = &self.watching {
            watching.abort();
        }
        // The only receiver ends with the task; if it is gone there is nothing to tell.
        let _ = self.stop.send(true);
        if let Err(error) = self.serving.await {
            tracing::error!(%error, "the listener ended badly");
        }
        if let Some(sending) = self.sending {
            sending.end().await;
        }
        let watch = self.dispatcher.edge.watch.clone();
        if let Err(error) = tokio::task::spawn_blocking(move || watch.close()).await {
            tracing::error!(%error, "the history of metrics ended badly");
        }
        if let Some(audit) = self.audit
            && let Err(error) = tokio::task::spawn_blocking(move || audit.stop()).await
        {
            tracing::error!(%error, "the audit log ended badly");
        }
    }
}

async fn edge(
    node: &Node,
    settings: &Settings,
    master: Arc<MasterKey>,
    address: SocketAddr,
) -> Result<(Edge, Option<AuditThread>), StartError> {
    let is_on = settings.authenticates(address.ip());
    let access = Access {
        default_account: settings.account.clone(),
        default_region: settings.region.clone(),
        realms: Realms::open(node.clone(), Arc::clone(&master)).await?,
        shares: Shares::new(settings.caller_limits),
        public_url: settings.public_url.clone(),
        verifier: is_on.then(access::verifier),
    };
    let (audit, thread) = match audit_file(settings, is_on) {
        None => (Audit::default(), None),
        Some(file) => {
            let (audit, thread) = Audit::open(&file)?;
            (audit, Some(thread))
        }
    };
    let data_dir = (settings.journal == JournalKind::File).then(|| settings.data_dir.clone());
    let watch = Watch::new(node.clone(), data_dir);
    let edge = Edge {
        sealer: Sealer::new(&node.secret()),
        node: node.clone(),
        entropy: Entropy::new(),
        access,
        keys: Keys::open(node.clone(), master).await?,
        facts: FactsMemory::new(Arc::clone(watch.counters())),
        audit,
        watch,
        tracer: None,
    };
    Ok((edge, thread))
}

/// Where the audit log goes, if anywhere.
fn audit_file(settings: &Settings, is_authenticating: bool) -> Option<AuditFile> {
    let path = match &settings.audit_log {
        AuditLog::File(path) => path.clone(),
        AuditLog::Default if is_authenticating && settings.journal == JournalKind::File => {
            settings.data_dir.join(AUDIT_LOG_NAME)
        }
        AuditLog::Default | AuditLog::Off => return None,
    };
    Some(AuditFile { path, max_bytes: settings.audit_log_bytes })
}
