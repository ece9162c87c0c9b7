//! The web console's listener: found before the server starts, served once it does.

use crate::serve::ServeError;
use bongsu_console::Console;
use bongsu_server::Server;
use bongsu_server::config::{Authentication, ConsoleListen, Settings};
use std::net::SocketAddr;
use tokio::net::TcpListener;

/// Listens where the console is to be; `None` where there is to be none, or where nobody asked for it and its usual address is
/// taken. `api` is where the API listens.
///
/// # Errors
/// When an address that was asked for can't be had, or everybody could do everything there without anybody having said so.
pub(crate) async fn listen(settings: &Settings, api: SocketAddr) -> Result<Option<TcpListener>, ServeError> {
    let address = match &settings.console_listen {
        ConsoleListen::Off => return Ok(None),
        ConsoleListen::Default => ConsoleListen::DEFAULT_ADDRESS,
        ConsoleListen::At(address) => address,
    };
    let listener = match TcpListener::bind(address).await {
        Ok(listener) => listener,
        Err(reason) if settings.console_listen == ConsoleListen::Default => {
            tracing::warn!(
                "no console: can't listen on {address}: {reason} (--console-listen takes another address, or `off`)"
            );
            return Ok(None);
        }
        Err(reason) => return Err(ServeError::Listen { address: address.to_owned(), reason }),
    };
    let address = listener.local_addr().map_err(ServeError::Runtime)?;
    if address.ip().is_loopback() {
        return Ok(Some(listener));
    }
    if settings.authenticates(api.ip()) {
        if settings.tls.is_none() {
            tracing::warn!(
                "the console at {address} speaks plain HTTP: whoever listens on the way can read the keys of those who sign in"
            );
        }
    } else {
        if settings.auth != Some(Authentication::Off) {
            return Err(ServeError::OpenConsole { address });
        }
        tracing::warn!("authentication is off: whoever reaches the console at {address} may do everything");
    }
    Ok(Some(listener))
}

/// Serves the console, and says where.
///
/// # Errors
/// The listener has no address any more.
pub(crate) fn start(
    listener: Option<TcpListener>,
    server: &Server,
    settings: &Settings,
) -> Result<Option<Console>, ServeError> {
    let Some(listener) = listener else { return Ok(None) };
    let console = Console::start(listener, server.desk()).map_err(ServeError::Runtime)?;
    let scheme = if settings.tls.is_some() { "https" } else { "http" };
    tracing::info!("console: {scheme}://{}", console.local_address());
    Ok(Some(console))
}
