//! Certificates: read from files, and read again when the files change.

use rustls::RootCertStore;
use rustls::ServerConfig;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{VerifierBuilderError, WebPkiClientVerifier};
use rustls::version::{TLS12, TLS13};
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio_rustls::TlsAcceptor;

/// How often the files are looked at.
const LOOK_INTERVAL: Duration = Duration::from_secs(2);

/// Where the certificates are; all in PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The server's certificate, followed by those in between it and a root.
    pub certificate: PathBuf,
    /// Its private key (PKCS #8, PKCS #1 or SEC 1).
    pub key: PathBuf,
    /// The roots of clients' certificates. With them every client has to show one.
    pub client_ca: Option<PathBuf>,
}

/// Why there are no certificates.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file can't be read, or holds nothing of what it should.
    #[error("can't read {what} from {path}: {reason}")]
    Read {
        /// What should be in the file.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        reason: pem::Error,
    },
    /// Certificate and key don't fit together, or aren't usable.
    #[error("can't use the certificate in {path}: {reason}")]
    Pair {
        /// The certificate's file.
        path: PathBuf,
        /// Why.
        reason: rustls::Error,
    },
    /// A client root is not usable.
    #[error("can't use a client root in {path}: {reason}")]
    ClientRoot {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: rustls::Error,
    },
    /// The client roots are not usable together.
    #[error("can't verify clients with {path}: {reason}")]
    ClientRoots {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: VerifierBuilderError,
    },
}

/// What a file was like when it was last read. Missing files are like one another.
type Stamp = Option<(i64, i64, u64, u64)>;

/// The certificates in use, and what they were made from.
pub(crate) struct Certificates {
    files: TlsFiles,
    current: Mutex<TlsAcceptor>,
    seen: Mutex<Vec<Stamp>>,
    wake: Notify,
}

impl Certificates {
    /// Reads the files.
    ///
    /// # Errors
    /// [`TlsError`].
    pub(crate) fn load(files: TlsFiles) -> Result<Self, TlsError> {
        // Before they are read: what changes meanwhile is seen at the next look.
        let seen = Mutex::new(stamps(&files));
        let current = Mutex::new(read(&files)?);
        Ok(Self { files, current, seen, wake: Notify::new() })
    }

    /// For a connection that begins now.
    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        self.current.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Has [`Certificates::watch`] read the files at once, changed or not.
    pub(crate) fn read_now(&self) {
        self.wake.notify_one();
    }

    /// Reads the files again when they change, for ever. What can't be used is logged, and the certificates stay what they were.
    pub(crate) async fn watch(self: Arc<Self>) {
        let mut looks = tokio::time::interval(LOOK_INTERVAL);
        looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let asked = tokio::select! {
                _ = looks.tick() => false,
                () = self.wake.notified() => true,
            };
            let certificates = Arc::clone(&self);
            // File systems may take their time; it fails only when the runtime ends.
            let _ = tokio::task::spawn_blocking(move || certificates.look(asked)).await;
        }
    }

    fn look(&self, asked: bool) {
        let stamps = stamps(&self.files);
        {
            let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            if *seen == stamps && !asked {
                return;
            }
            *seen = stamps;
        }
        match read(&self.files) {
            Ok(acceptor) => {
                *self.current.lock().unwrap_or_else(PoisonError::into_inner) = acceptor;
                tracing::info!(
                    "new connections get the certificate that is in {} now",
                    self.files.certificate.display()
                );
            }
            Err(error) => tracing::error!("{error}; the certificate in use stays the one before"),
        }
    }
}

fn stamps(files: &TlsFiles) -> Vec<Stamp> {
    let stamp =
        |metadata: Metadata| (metadata.mtime(), metadata.mtime_nsec(), metadata.ino(), metadata.len());
    let paths = [Some(&files.certificate), Some(&files.key), files.client_ca.as_ref()];
    paths.into_iter().flatten().map(|path| std::fs::metadata(path).ok().map(stamp)).collect()
}

fn read(files: &TlsFiles) -> Result<TlsAcceptor, TlsError> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let chain = certificates("a certificate", &files.certificate)?;
    let key = PrivateKeyDer::from_pem_file(&files.key).map_err(unreadable("a private key", &files.key))?;
    let unusable = |reason| TlsError::Pair { path: files.certificate.clone(), reason };
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(&[&TLS13, &TLS12])
        .map_err(unusable)?;
    let builder = match &files.client_ca {
        None => builder.with_no_client_auth(),
        Some(path) => builder.with_client_cert_verifier(client_verifier(path, provider)?),
    };
    let mut config = builder.with_single_cert(chain, key).map_err(unusable)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

fn client_verifier(
    path: &Path,
    provider: Arc<CryptoProvider>,
) -> Result<Arc<dyn rustls::server::danger::ClientCertVerifier>, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates("a client root", path)? {
        roots.add(certificate).map_err(|reason| TlsError::ClientRoot { path: path.to_owned(), reason })?;
    }
    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
        .build()
        .map_err(|reason| TlsError::ClientRoots { path: path.to_owned(), reason })
}

/// At least one.
fn certificates(what: &'static str, path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let unreadable = unreadable(what, path);
    let certificates = CertificateDer::pem_file_iter(path).map_err(&unreadable)?;
    let certificates = certificates.collect::<Result<Vec<_>, _>>().map_err(&unreadable)?;
    if certificates.is_empty() {
        return Err(unreadable(pem::Error::NoItemsFound));
    }
    Ok(certificates)
}

fn unreadable(what: &'static str, path: &Path) -> impl Fn(pem::Error) -> TlsError {
    move |reason| TlsError::Read { what, path: path.to_owned(), reason }
}
