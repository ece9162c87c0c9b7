//! The server as a whole: put together, started, stopped.

use crate::call::Edge;
use crate::config::Settings;
use crate::declare::{DeclareError, declare};
use crate::dispatch::Dispatcher;
use crate::entropy::Entropy;
use crate::http::{Connection, serve};
use crate::receipt::Sealer;
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
}

impl Server {
    /// Declares queues, then serves on the listener until [`Server::stop`]. The node is ready: it has replayed its log.
    ///
    /// # Errors
    /// [`StartError`]; nothing is served then.
    pub async fn start(listener: TcpListener, node: Node, settings: &Settings) -> Result<Self, StartError> {
        let local_address = listener.local_addr()?;
        declare(&node, settings).await?;
        let edge = Edge { sealer: Sealer::new(&node.secret()), node: node.clone(), entropy: Entropy::new() };
        let dispatcher = Arc::new(Dispatcher {
            edge,
            default_account: settings.account.clone(),
            default_region: settings.region.clone(),
            public_url: settings.public_url.clone(),
            local_address: local_address.to_string(),
            stopping: AtomicBool::new(false),
        });
        let (stop, stopped) = watch::channel(false);
        let handler = {
            let dispatcher = Arc::clone(&dispatcher);
            move |request: Request<Incoming>, connection: Arc<Connection>| {
                Arc::clone(&dispatcher).respond(request, connection)
            }
        };
        let serving = tokio::spawn(serve(listener, stopped, handler));
        Ok(Self { local_address, dispatcher, node, stop, serving })
    }

    /// Where the server listens; with the port that port 0 became.
    pub fn local_address(&self) -> SocketAddr {
        self.local_address
    }

    /// Stops: `/readyz` says no, long polls end with what there is, requests under way are answered, and the
    /// connections are closed. The node is left to whoever made it, to be shut down next.
    pub async fn stop(self) {
        self.dispatcher.stopping.store(true, Ordering::Relaxed);
        self.node.drain();
        // The only receiver ends with the task; if it is gone there is nothing to tell.
        let _ = self.stop.send(true);
        if let Err(error) = self.serving.await {
            tracing::error!(%error, "the listener ended badly");
        }
    }
}
