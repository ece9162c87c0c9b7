//! The server that is governed, and who asks.

use super::AdminError;
use crate::client::date::unix_time;
use crate::client::http::{Connection, Endpoint};
use crate::client::sign::{Credentials, Signer};
use crate::client::tls::{Tls, TlsFiles};
use clap::Args;
use serde_json::Value;
use std::io;
use std::net::{SocketAddr, TcpStream, ToSocketAddrs as _};
use std::path::PathBuf;
use std::time::Duration;
use tokio::runtime::Runtime;

const CONTENT_TYPE: &str = "application/x-amz-json-1.0";
const DEFAULT_ENDPOINT: &str = "http://127.0.0.1:9324";
/// No change takes long; a server that is stuck should not hold up whoever waits.
const PATIENCE: Duration = Duration::from_secs(30);
/// For one of several addresses.
const HANDSHAKE_PATIENCE: Duration = Duration::from_secs(3);

// clap shows global arguments to the levels above too, where plain `bongsu` has an --account of another type: hence the ids.
/// Which server is meant. Who asks is said by AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.
#[derive(Args, Clone, Debug)]
pub(crate) struct Target {
    /// Where the server is [default: AWS_ENDPOINT_URL_SQS, AWS_ENDPOINT_URL, http://127.0.0.1:9324]
    #[arg(id = "admin-endpoint", long = "endpoint", global = true, value_name = "URL")]
    pub(super) endpoint: Option<String>,
    /// Another account than that of the access key; for the root of the server's default account
    #[arg(id = "admin-account", long = "account", global = true, value_name = "ACCOUNT")]
    pub(super) account: Option<String>,
    /// File with the roots to trust in place of the system's, for https [default: AWS_CA_BUNDLE]
    #[arg(id = "admin-ca-file", long = "ca-file", global = true, value_name = "FILE")]
    ca_file: Option<PathBuf>,
    /// File with a certificate to show to a server that asks for one, with --client-key
    #[arg(id = "admin-client-cert", long = "client-cert", global = true, value_name = "FILE")]
    client_cert: Option<PathBuf>,
    /// File with the certificate's private key
    #[arg(id = "admin-client-key", long = "client-key", global = true, value_name = "FILE")]
    client_key: Option<PathBuf>,
    /// Print the server's answer as JSON
    #[arg(id = "admin-json", long = "json", global = true)]
    pub(super) json: bool,
}

/// The value of the first of these variables that has one.
fn environment(names: &[&str]) -> Option<String> {
    names.iter().find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
}

impl Target {
    /// A client for it.
    ///
    /// # Errors
    /// The endpoint is no URL, or its host is unknown.
    pub(super) fn client(&self) -> Result<Client, AdminError> {
        let named = self.endpoint.clone();
        let named = named.or_else(|| environment(&["AWS_ENDPOINT_URL_SQS", "AWS_ENDPOINT_URL"]));
        let url = named.unwrap_or_else(|| DEFAULT_ENDPOINT.to_owned());
        let endpoint = Endpoint::parse(&url).map_err(AdminError::Endpoint)?;
        let unknown = |why: String| AdminError::Endpoint(format!("{}: {why}", endpoint.address));
        let addresses = endpoint.address.to_socket_addrs().map_err(|error| unknown(error.to_string()))?;
        let address = reachable(addresses).ok_or_else(|| unknown("no such host".to_owned()))?;
        let keys = environment(&["AWS_ACCESS_KEY_ID"]).zip(environment(&["AWS_SECRET_ACCESS_KEY"]));
        let signer = keys.map(|(access_key_id, secret_access_key)| {
            let region = environment(&["AWS_REGION", "AWS_DEFAULT_REGION"]);
            let region = region.unwrap_or_else(|| "us-east-1".to_owned());
            let credentials = Credentials { access_key_id, secret_access_key, session_token: None, region };
            Signer::new(credentials, "bongsu", endpoint.host.clone(), endpoint.path.clone())
        });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let account = self.account.clone();
        let connection = match endpoint.is_secure {
            true => Connection::secure(address, self.tls(&endpoint)?),
            false => Connection::new(address),
        };
        Ok(Client { url, account, endpoint, connection, signer, runtime })
    }

    fn tls(&self, endpoint: &Endpoint) -> Result<Tls, AdminError> {
        let ca = self.ca_file.clone().or_else(|| environment(&["AWS_CA_BUNDLE"]).map(PathBuf::from));
        let identity = match (&self.client_cert, &self.client_key) {
            (None, None) => None,
            (Some(certificate), Some(key)) => Some((certificate.clone(), key.clone())),
            _ => {
                return Err(AdminError::Options("--client-cert and --client-key belong together".to_owned()));
            }
        };
        Tls::new(&endpoint.host, &TlsFiles { ca, identity }).map_err(AdminError::Endpoint)
    }
}

/// The first address that somebody listens on: `localhost` has two, and a server often only one of them. Where nobody does, any.
fn reachable(mut addresses: impl Iterator<Item = SocketAddr>) -> Option<SocketAddr> {
    let first = addresses.next()?;
    let Some(second) = addresses.next() else { return Some(first) };
    let listens = |address: &SocketAddr| TcpStream::connect_timeout(address, HANDSHAKE_PATIENCE).is_ok();
    Some([first, second].into_iter().chain(addresses).find(listens).unwrap_or(first))
}

/// Asks a server.
pub(super) struct Client {
    url: String,
    account: Option<String>,
    endpoint: Endpoint,
    connection: Connection,
    signer: Option<Signer>,
    runtime: Runtime,
}

impl Client {
    /// Has the server do something.
    ///
    /// # Errors
    /// [`AdminError`].
    pub(super) fn call(&mut self, action: &str, mut input: Value) -> Result<Value, AdminError> {
        if let (Some(account), Some(members)) = (&self.account, input.as_object_mut()) {
            members.insert("Account".to_owned(), Value::from(account.as_str()));
        }
        // What an option leaves out is not sent.
        if let Some(members) = input.as_object_mut() {
            members.retain(|_, value| !value.is_null());
        }
        let request = self.request(action, input.to_string().as_bytes());
        let Self { url, connection, runtime, .. } = self;
        let unreachable = |reason| AdminError::Unreachable { endpoint: url.clone(), reason };
        let answer = runtime.block_on(async {
            let exchange = tokio::time::timeout(PATIENCE, connection.exchange(&request)).await;
            exchange.unwrap_or_else(|_| Err(io::Error::new(io::ErrorKind::TimedOut, "no answer for 30 s")))
        });
        let answer = answer.map_err(unreachable)?;
        let body: Option<Value> = serde_json::from_slice(answer.body).ok();
        match (answer.status, body) {
            (200, Some(body)) => Ok(body),
            (status, Some(body)) if body["__type"].is_string() => Err(refused(status, &body)),
            (status, _) => Err(AdminError::NoBongsu { endpoint: url.clone(), status }),
        }
    }

    fn request(&mut self, action: &str, body: &[u8]) -> Vec<u8> {
        let Endpoint { host, path, .. } = &self.endpoint;
        let target = format!("Bongsu.{action}");
        let mut request = format!(
            "POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: {CONTENT_TYPE}\r\nX-Amz-Target: {target}\r\n\
             User-Agent: bongsu/{}\r\nContent-Length: {}\r\n",
            env!("CARGO_PKG_VERSION"),
            body.len(),
        )
        .into_bytes();
        if let Some(signer) = &mut self.signer {
            signer.sign(unix_time().as_secs(), CONTENT_TYPE, &target, body, &mut request);
        }
        request.extend_from_slice(b"\r\n");
        request.extend_from_slice(body);
        request
    }
}

fn refused(status: u16, body: &Value) -> AdminError {
    let code = super::text(body, "__type");
    let code = code.rsplit('#').next().unwrap_or(code).to_owned();
    let message = match super::text(body, "message") {
        "" => format!("HTTP status {status}"),
        message => message.to_owned(),
    };
    AdminError::Refused { code, message }
}
