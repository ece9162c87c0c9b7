//! TLS of a client: whom it trusts, and who it is.

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, RootCertStore};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Where systems keep the roots that everybody trusts.
const SYSTEM_ROOTS: [&str; 3] =
    ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"];

/// Files in PEM.
#[derive(Clone, Debug, Default)]
pub struct TlsFiles {
    /// The roots to trust, in place of the system's.
    pub ca: Option<PathBuf>,
    /// The client's own certificate and its key, for servers that ask for one.
    pub identity: Option<(PathBuf, PathBuf)>,
}

/// Wraps connections to one host.
pub struct Tls {
    connector: TlsConnector,
    name: ServerName<'static>,
}

impl Tls {
    /// For connections to a host, with or without a port.
    ///
    /// # Errors
    /// In words, which file can't be read or used.
    pub fn new(host: &str, files: &TlsFiles) -> Result<Self, String> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&TLS13, &TLS12])
            .map_err(|error| error.to_string())?
            .with_root_certificates(roots(files.ca.as_deref())?);
        let mut config = match &files.identity {
            None => builder.with_no_client_auth(),
            Some((certificate, key)) => {
                let unusable = |error: &dyn std::fmt::Display| format!("{}: {error}", key.display());
                let key = PrivateKeyDer::from_pem_file(key).map_err(|error| unusable(&error))?;
                builder
                    .with_client_auth_cert(certificates(certificate)?, key)
                    .map_err(|error| unusable(&error))?
            }
        };
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        let name = ServerName::try_from(without_port(host).to_owned())
            .map_err(|error| format!("{host} is no name that a certificate could have: {error}"))?;
        Ok(Self { connector: TlsConnector::from(Arc::new(config)), name })
    }

    /// Shakes hands.
    ///
    /// # Errors
    /// The server's certificate is not to be trusted, or it is no TLS that it speaks.
    pub(crate) async fn wrap(&self, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        self.connector.connect(self.name.clone(), stream).await
    }
}

/// Whether a connection failed because of TLS.
#[must_use]
pub fn is_tls_error(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|inner| inner.is::<rustls::Error>())
}

fn without_port(host: &str) -> &str {
    match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, _)) => address,
        None => host.split(':').next().unwrap_or(host),
    }
}

fn roots(ca: Option<&Path>) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    let Some(path) = ca else {
        let system = SYSTEM_ROOTS.iter().map(Path::new).find(|path| path.exists());
        // Without any nobody is trusted, which is what the connection will say.
        roots.add_parsable_certificates(system.and_then(|path| certificates(path).ok()).unwrap_or_default());
        return Ok(roots);
    };
    for certificate in certificates(path)? {
        roots.add(certificate).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    Ok(roots)
}

/// At least one.
fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let found = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let found = found.map_err(|error| format!("{}: {error}", path.display()))?;
    if found.is_empty() { Err(format!("{} has no certificate", path.display())) } else { Ok(found) }
}

#[cfg(test)]
mod tests {
    use super::{Tls, TlsFiles, without_port};

    #[test]
    fn a_certificate_is_for_a_name_without_port() {
        for (host, name) in [
            ("h", "h"),
            ("h.example:9324", "h.example"),
            ("127.0.0.1:1", "127.0.0.1"),
            ("[::1]:1", "::1"),
            ("[::1]", "::1"),
        ] {
            assert_eq!(without_port(host), name);
            assert!(Tls::new(host, &TlsFiles::default()).is_ok(), "{host}");
        }
    }

    #[test]
    fn a_file_that_is_not_what_it_should_be_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("root.pem");
        let wrong = || Tls::new("h", &TlsFiles { ca: Some(path.clone()), identity: None }).err().unwrap();
        assert!(wrong().contains("root.pem"));
        std::fs::write(&path, "nothing").unwrap();
        assert!(wrong().contains("root.pem"));
    }
}
