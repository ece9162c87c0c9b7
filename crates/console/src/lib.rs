//! The web console: its pages, which are in the binary, and the HTTP interface behind them, on a port of its own.
//!
//! Where to look: [`Console`] is started and stopped; `listener` accepts connections; `router` has the paths; `guard` says who
//! comes in, `sessions` who signed in; `places` how much one client may have; `api` has one file a subject; `pages` serves what the browser loads; `events` keeps an open
//! page up to date.
//!
//! Everything is asked of the server's [`Desk`], which decides what a visitor may see and do. Must not know how queues, policies
//! or keys work, nor the API's own wire formats: what it passes on of those it does not look into.

mod activity;
mod api;
mod guard;
mod listener;
mod pages;
mod patience;
mod places;
mod refusal;
mod router;
mod sessions;

use bongsu_server::Desk;
use std::net::SocketAddr;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// A running console.
pub struct Console {
    local_address: SocketAddr,
    stop: watch::Sender<bool>,
    serving: JoinHandle<()>,
}

impl Console {
    /// Serves on the listener until [`Console::stop`].
    ///
    /// # Errors
    /// The listener has no address any more.
    pub fn start(listener: TcpListener, desk: Desk) -> std::io::Result<Self> {
        let local_address = listener.local_addr()?;
        let (stop, stopped) = watch::channel(false);
        let acceptor = desk.clone();
        let router = router::router(desk, stopped.clone());
        let serving = tokio::spawn(listener::serve(listener, acceptor, router, stopped));
        Ok(Self { local_address, stop, serving })
    }

    /// Where it listens; with the port that port 0 became.
    pub fn local_address(&self) -> SocketAddr {
        self.local_address
    }

    /// Stops: streams of events end, requests under way are answered, and the connections are closed.
    pub async fn stop(self) {
        // The receivers end with the task; if it is gone there is nothing to tell.
        let _ = self.stop.send(true);
        if let Err(error) = self.serving.await {
            tracing::error!(%error, "the console ended badly");
        }
    }
}
