//! Settings: what each is called, what it may be, and which source wins (flags, then the environment, then the
//! file, then the default). Flags and environment come in as [`Overrides`], from whoever parses them.

pub use crate::access::shares::CallerLimits;
use crate::http::{Limits, TlsFiles};
use crate::keys::master::{self, MasterKeySource};
use crate::policy_json;
pub use crate::traces::Collector;
use bongsu_engine::StringMap;
use serde::Deserialize;
use std::fmt;
use std::net::IpAddr;
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use zeroize::Zeroizing;

/// See [`CallerLimits::long_polls`].
const MAX_CALLER_POLLS: NonZeroU32 = NonZeroU32::new(2_000).unwrap();
/// See [`Settings::audit_log_bytes`].
const AUDIT_LOG_BYTES: u64 = 64 << 20;
/// Smaller files would be gone before anybody reads them.
const MIN_AUDIT_LOG_BYTES: u64 = 64 << 10;

/// What the longest request takes, with room to grow it.
const MIN_BODY_MEMORY_BYTES: usize = 16 << 20;

/// Everything that can be set, in its final form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Host and port to listen on; port 0 takes any free one.
    pub listen: String,
    /// Where the console listens.
    pub console_listen: ConsoleListen,
    /// Where the file journal lies.
    pub data_dir: PathBuf,
    /// Which journal keeps the messages.
    pub journal: JournalKind,
    /// The account of callers who name none.
    pub account: Account,
    /// The region of callers whose signature names none.
    pub region: String,
    /// Whether purging and creating again have to wait, as with the real service.
    pub cooldowns: Cooldowns,
    /// What queue URLs begin with, in place of the address that the client used.
    pub public_url: Option<String>,
    /// Whether callers have to show who they are. Without a word about it they have to unless the server listens on a loopback
    /// address.
    pub auth: Option<Authentication>,
    /// Where the master key comes from; by default a file in the data directory.
    pub master_key: MasterKeySource,
    /// A file with the master key that [`Settings::master_key`] takes the place of.
    pub previous_master_key: Option<PathBuf>,
    /// Where the audit log goes.
    pub audit_log: AuditLog,
    /// How large a file of the audit log gets before it makes way for a new one, bytes.
    pub audit_log_bytes: u64,
    /// How the log looks.
    pub log_format: LogFormat,
    /// Where traces go, if anywhere.
    pub collector: Option<Collector>,
    /// Certificates; with them only TLS is spoken.
    pub tls: Option<TlsFiles>,
    /// What clients may take.
    pub limits: Limits,
    /// What one caller may take.
    pub caller_limits: CallerLimits,
    /// Queues that are there once the server is ready.
    pub queues: Vec<DeclaredQueue>,
}

/// Twelve digits.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Account(String);

/// An amount of memory: a number of bytes, or one with `KiB`, `MiB` or `GiB`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct ByteSize(usize);

/// Which journal keeps the messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum JournalKind {
    /// Segment files in the data directory.
    File,
    /// Nothing outlives the process.
    Memory,
}

/// Whether callers have to show who they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Authentication {
    /// By a signature made with an access key of this server.
    On,
    /// They don't; an access key id of twelve digits picks the account.
    Off,
}

/// Where the audit log goes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
pub enum AuditLog {
    /// To `audit.log` in the data directory, where callers have to show who they are and something is kept at all; otherwise
    /// nowhere.
    #[default]
    Default,
    /// Nowhere.
    Off,
    /// To this file.
    File(PathBuf),
}

/// Where the console listens.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
pub enum ConsoleListen {
    /// On [`ConsoleListen::DEFAULT_ADDRESS`], if that is free: nobody has asked for it.
    #[default]
    Default,
    /// Nowhere: there is none.
    Off,
    /// On this host and port; port 0 takes any free one.
    At(String),
}

/// How the log looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// Lines for people.
    #[default]
    Text,
    /// An object in JSON on each line.
    Json,
}

/// Whether PurgeQueue and re-creating a deleted queue have to wait 60 s.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Cooldowns {
    /// They have to, as with the real service.
    Aws,
    /// They don't: for test suites that purge between cases.
    Off,
}

/// A queue that the file declares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeclaredQueue {
    /// Name, `.fifo` included.
    pub name: String,
    /// Its account; the default one when absent.
    pub account: Option<Account>,
    /// Its region; the default one when absent.
    pub region: Option<String>,
    /// Attributes by name, as CreateQueue takes them.
    pub attributes: StringMap,
    /// Tags by key.
    pub tags: StringMap,
}

/// What flags and environment say; each wins over the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overrides {
    /// See [`Settings::listen`].
    pub listen: Option<String>,
    /// See [`Settings::console_listen`].
    pub console_listen: Option<ConsoleListen>,
    /// See [`Settings::data_dir`].
    pub data_dir: Option<PathBuf>,
    /// See [`Settings::journal`].
    pub journal: Option<JournalKind>,
    /// See [`Settings::account`].
    pub account: Option<Account>,
    /// See [`Settings::region`].
    pub region: Option<String>,
    /// See [`Settings::cooldowns`].
    pub cooldowns: Option<Cooldowns>,
    /// See [`Settings::public_url`].
    pub public_url: Option<String>,
    /// See [`Settings::auth`].
    pub auth: Option<Authentication>,
    /// See [`Settings::audit_log`].
    pub audit_log: Option<AuditLog>,
    /// See [`Settings::audit_log_bytes`].
    pub audit_log_bytes: Option<u64>,
    /// See [`Settings::log_format`].
    pub log_format: Option<LogFormat>,
    /// See [`Collector::endpoint`].
    pub otlp_endpoint: Option<String>,
    /// See [`Collector::headers`].
    pub otlp_headers: Option<String>,
    /// See [`Collector::service_name`].
    pub otlp_service_name: Option<String>,
    /// A file with the master key.
    pub master_key_file: Option<PathBuf>,
    /// See [`Settings::previous_master_key`].
    pub previous_master_key_file: Option<PathBuf>,
    /// A command that prints the master key.
    pub master_key_command: Option<String>,
    /// The master key itself.
    pub master_key: Option<Zeroizing<String>>,
    /// See [`TlsFiles::certificate`].
    pub tls_cert: Option<PathBuf>,
    /// See [`TlsFiles::key`].
    pub tls_key: Option<PathBuf>,
    /// See [`TlsFiles::client_ca`].
    pub tls_client_ca: Option<PathBuf>,
    /// See [`Limits::max_connections`].
    pub max_connections: Option<NonZeroUsize>,
    /// See [`Limits::max_body_memory_bytes`].
    pub max_body_memory: Option<ByteSize>,
    /// See [`CallerLimits::requests_per_second`].
    pub max_caller_requests: Option<NonZeroU32>,
    /// See [`CallerLimits::long_polls`].
    pub max_caller_polls: Option<NonZeroU32>,
}

/// Why there are no settings.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file can't be read.
    #[error("can't read the configuration file {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is not what it should be; the text shows line and column.
    #[error("the configuration file {path} is not valid:\n{message}")]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong where.
        message: String,
    },
    /// One setting has a value that it can't have.
    #[error("{setting} can't be `{value}`: {reason}")]
    Value {
        /// Its name in the file.
        setting: &'static str,
        /// As given.
        value: String,
        /// What it must be.
        reason: &'static str,
    },
}

impl Settings {
    /// Whether callers have to show who they are, if the server listens on this address.
    pub fn authenticates(&self, address: IpAddr) -> bool {
        let default = if address.is_loopback() { Authentication::Off } else { Authentication::On };
        self.auth.unwrap_or(default) == Authentication::On
    }

    /// Puts the sources together; `file` is the configuration file, if there is one.
    ///
    /// # Errors
    /// [`ConfigError`] for a file that can't be read or is not valid, and for values out of range.
    pub fn load(file: Option<&Path>, overrides: Overrides) -> Result<Self, ConfigError> {
        let file = match file {
            None => FileSettings::default(),
            Some(path) => {
                let text = std::fs::read_to_string(path)
                    .map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
                parse(&text).map_err(|message| ConfigError::File { path: path.to_owned(), message })?
            }
        };
        Self::merge(overrides, file)
    }

    /// What a file with this text says, with the defaults for all else.
    pub(crate) fn read(text: &str) -> Result<Self, String> {
        Self::merge(Overrides::default(), parse(text)?).map_err(|error| error.to_string())
    }

    fn merge(flags: Overrides, file: FileSettings) -> Result<Self, ConfigError> {
        let data_dir = flags.data_dir.or(file.data_dir).unwrap_or_else(|| PathBuf::from("./bongsu-data"));
        let journal = flags.journal.or(file.journal).unwrap_or(JournalKind::File);
        let master_key = MasterKeySources {
            text: flags.master_key,
            file: flags.master_key_file.or(file.master_key_file),
            command: flags.master_key_command.or(file.master_key_command),
        };
        let settings = Self {
            master_key: master_key.choose(&data_dir, journal)?,
            previous_master_key: flags.previous_master_key_file.or(file.previous_master_key_file),
            auth: flags.auth.or(file.auth),
            audit_log: flags.audit_log.or(file.audit_log).unwrap_or_default(),
            audit_log_bytes: flags.audit_log_bytes.or(file.audit_log_bytes).unwrap_or(AUDIT_LOG_BYTES),
            log_format: flags.log_format.or(file.log_format).unwrap_or_default(),
            collector: flags.otlp_endpoint.or(file.otlp_endpoint).filter(|url| !url.is_empty()).map(
                |endpoint| Collector {
                    endpoint,
                    headers: flags.otlp_headers.unwrap_or_default(),
                    service_name: flags.otlp_service_name.unwrap_or_else(|| "bongsu".to_owned()),
                },
            ),
            listen: flags.listen.or(file.listen).unwrap_or_else(|| "127.0.0.1:9324".to_owned()),
            console_listen: flags.console_listen.or(file.console_listen).unwrap_or_default(),
            data_dir,
            journal,
            account: flags.account.or(file.account).unwrap_or_else(|| Account("000000000000".to_owned())),
            region: flags.region.or(file.region).unwrap_or_else(|| "us-east-1".to_owned()),
            cooldowns: flags.cooldowns.or(file.cooldowns).unwrap_or(Cooldowns::Aws),
            public_url: flags.public_url.or(file.public_url).filter(|url| !url.is_empty()),
            tls: tls_files(
                flags.tls_cert.or(file.tls_cert),
                flags.tls_key.or(file.tls_key),
                flags.tls_client_ca.or(file.tls_client_ca),
            )?,
            limits: limits(
                flags.max_connections.or(file.max_connections),
                flags.max_body_memory.or(file.max_body_memory),
            )?,
            caller_limits: CallerLimits {
                requests_per_second: flags.max_caller_requests.or(file.max_caller_requests),
                long_polls: flags.max_caller_polls.or(file.max_caller_polls).unwrap_or(MAX_CALLER_POLLS),
            },
            queues: file.queues.into_iter().map(DeclaredQueue::from).collect(),
        };
        if settings.audit_log_bytes < MIN_AUDIT_LOG_BYTES {
            let value = settings.audit_log_bytes.to_string();
            let reason = "a file of the audit log has at least 65536 bytes";
            return Err(ConfigError::Value { setting: "audit-log-bytes", value, reason });
        }
        check_region(&settings.region)?;
        if let Some(url) = &settings.public_url {
            check_public_url(url)?;
        }
        settings.queues.iter().filter_map(|queue| queue.region.as_deref()).try_for_each(check_region)?;
        Ok(settings)
    }
}

/// The ways to give the master key, of which one at most can be meant.
struct MasterKeySources {
    text: Option<Zeroizing<String>>,
    file: Option<PathBuf>,
    command: Option<String>,
}

impl MasterKeySources {
    fn choose(self, data_dir: &Path, journal: JournalKind) -> Result<MasterKeySource, ConfigError> {
        match (self.text, self.file, self.command) {
            (None, None, None) if journal == JournalKind::Memory => Ok(MasterKeySource::Ephemeral),
            (None, None, None) => Ok(MasterKeySource::OwnFile(data_dir.join(master::FILE_NAME))),
            (Some(text), None, None) => Ok(MasterKeySource::Text(text)),
            (None, Some(file), None) => Ok(MasterKeySource::File(file)),
            (None, None, Some(command)) => Ok(MasterKeySource::Command(command)),
            _ => Err(ConfigError::Value {
                setting: "master-key",
                value: "several sources".to_owned(),
                reason: "it comes from a file, from the environment or from a command",
            }),
        }
    }
}

fn tls_files(
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
    client_ca: Option<PathBuf>,
) -> Result<Option<TlsFiles>, ConfigError> {
    let missing = |setting, given: &Path, reason| {
        Err(ConfigError::Value { setting, value: given.display().to_string(), reason })
    };
    match (certificate, key, client_ca) {
        (Some(certificate), Some(key), client_ca) => Ok(Some(TlsFiles { certificate, key, client_ca })),
        (Some(given), None, _) => missing("tls-cert", &given, "it needs its key: set tls-key too"),
        (None, Some(given), _) => missing("tls-key", &given, "it needs its certificate: set tls-cert too"),
        (None, None, Some(given)) => missing(
            "tls-client-ca",
            &given,
            "clients can only show certificates to a server that has one: set tls-cert too",
        ),
        (None, None, None) => Ok(None),
    }
}

fn limits(
    max_connections: Option<NonZeroUsize>,
    max_body_memory: Option<ByteSize>,
) -> Result<Limits, ConfigError> {
    let mut limits = Limits::default();
    limits.max_connections = max_connections.map_or(limits.max_connections, NonZeroUsize::get);
    if let Some(size) = max_body_memory {
        if size.bytes() < MIN_BODY_MEMORY_BYTES {
            let reason = "the longest request has to fit: at least 16MiB";
            return Err(ConfigError::Value { setting: "max-body-memory", value: size.to_string(), reason });
        }
        limits.max_body_memory_bytes = size.bytes();
    }
    Ok(limits)
}

fn check_region(region: &str) -> Result<(), ConfigError> {
    if crate::identity::is_region(region) {
        return Ok(());
    }
    let reason = "a region is up to 64 letters, digits, dots, hyphens and underscores";
    Err(ConfigError::Value { setting: "region", value: region.to_owned(), reason })
}

fn check_public_url(url: &str) -> Result<(), ConfigError> {
    let rest = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"));
    let plain = |rest: &str| {
        !rest.is_empty()
            && !rest.starts_with('/')
            && rest.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b'?' | b'#' | b'"' | b'<' | b'>'))
    };
    if rest.is_some_and(plain) {
        return Ok(());
    }
    let reason = "it must be a URL such as https://queues.example.com, without a query";
    Err(ConfigError::Value { setting: "public-url", value: url.to_owned(), reason })
}

impl Account {
    /// Takes twelve digits.
    ///
    /// # Errors
    /// Says what an account must be.
    pub fn new(digits: &str) -> Result<Self, &'static str> {
        if digits.len() == 12 && digits.bytes().all(|b| b.is_ascii_digit()) {
            return Ok(Self(digits.to_owned()));
        }
        Err("an account has twelve digits")
    }

    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Account {
    type Err = &'static str;

    fn from_str(digits: &str) -> Result<Self, Self::Err> {
        Self::new(digits)
    }
}

impl TryFrom<String> for Account {
    type Error = &'static str;

    fn try_from(digits: String) -> Result<Self, Self::Error> {
        Self::new(&digits)
    }
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl ByteSize {
    /// In bytes.
    pub fn bytes(self) -> usize {
        self.0
    }
}

impl FromStr for ByteSize {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let reason = "a size is a whole number of bytes, or of KiB, MiB or GiB, such as 256MiB";
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = text.split_at(digits);
        let shift = match unit.trim_start() {
            "" => 0,
            "KiB" => 10,
            "MiB" => 20,
            "GiB" => 30,
            _ => return Err(reason),
        };
        let number: usize = number.parse().map_err(|_| reason)?;
        number.checked_mul(1 << shift).map(Self).ok_or(reason)
    }
}

impl TryFrom<String> for ByteSize {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.0)
    }
}

impl FromStr for JournalKind {
    type Err = &'static str;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        match name {
            "file" => Ok(Self::File),
            "memory" => Ok(Self::Memory),
            _ => Err("journals are `file` and `memory`"),
        }
    }
}

impl fmt::Display for JournalKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::File => "file",
            Self::Memory => "memory",
        })
    }
}

impl FromStr for Authentication {
    type Err = &'static str;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        match name {
            "on" => Ok(Self::On),
            "off" => Ok(Self::Off),
            _ => Err("authentication is `on` or `off`"),
        }
    }
}

impl FromStr for LogFormat {
    type Err = &'static str;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        match name {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err("the log is `text` or `json`"),
        }
    }
}

impl From<String> for AuditLog {
    fn from(text: String) -> Self {
        if text == "off" { Self::Off } else { Self::File(text.into()) }
    }
}

impl ConsoleListen {
    /// Where the console is unless somebody says otherwise.
    pub const DEFAULT_ADDRESS: &str = "127.0.0.1:9325";
}

impl From<String> for ConsoleListen {
    fn from(text: String) -> Self {
        if text == "off" { Self::Off } else { Self::At(text) }
    }
}

impl FromStr for Cooldowns {
    type Err = &'static str;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        match name {
            "aws" => Ok(Self::Aws),
            "off" => Ok(Self::Off),
            _ => Err("cooldowns are `aws` or `off`"),
        }
    }
}

fn parse(text: &str) -> Result<FileSettings, String> {
    toml::from_str(text).map_err(|error| error.to_string())
}

/// The file, with the flags' names.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
struct FileSettings {
    listen: Option<String>,
    #[serde(alias = "console_listen")]
    console_listen: Option<ConsoleListen>,
    #[serde(alias = "data_dir")]
    data_dir: Option<PathBuf>,
    journal: Option<JournalKind>,
    account: Option<Account>,
    region: Option<String>,
    cooldowns: Option<Cooldowns>,
    #[serde(alias = "public_url")]
    public_url: Option<String>,
    auth: Option<Authentication>,
    #[serde(alias = "audit_log")]
    audit_log: Option<AuditLog>,
    #[serde(alias = "audit_log_bytes")]
    audit_log_bytes: Option<u64>,
    #[serde(alias = "log_format")]
    log_format: Option<LogFormat>,
    #[serde(alias = "otlp_endpoint")]
    otlp_endpoint: Option<String>,
    #[serde(alias = "master_key_file")]
    master_key_file: Option<PathBuf>,
    #[serde(alias = "previous_master_key_file")]
    previous_master_key_file: Option<PathBuf>,
    #[serde(alias = "master_key_command")]
    master_key_command: Option<String>,
    #[serde(alias = "tls_cert")]
    tls_cert: Option<PathBuf>,
    #[serde(alias = "tls_key")]
    tls_key: Option<PathBuf>,
    #[serde(alias = "tls_client_ca")]
    tls_client_ca: Option<PathBuf>,
    #[serde(alias = "max_connections")]
    max_connections: Option<NonZeroUsize>,
    #[serde(alias = "max_body_memory")]
    max_body_memory: Option<ByteSize>,
    #[serde(alias = "max_caller_requests")]
    max_caller_requests: Option<NonZeroU32>,
    #[serde(alias = "max_caller_polls")]
    max_caller_polls: Option<NonZeroU32>,
    queues: Vec<FileQueue>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct FileQueue {
    name: String,
    account: Option<Account>,
    region: Option<String>,
    #[serde(default)]
    attributes: toml::Table,
    #[serde(default)]
    tags: StringMap,
}

impl From<FileQueue> for DeclaredQueue {
    fn from(queue: FileQueue) -> Self {
        let attributes = queue.attributes.into_iter().map(|(name, value)| (name, attribute_text(value)));
        Self {
            name: queue.name,
            account: queue.account,
            region: queue.region,
            attributes: attributes.collect(),
            tags: queue.tags,
        }
    }
}

/// Attributes are strings to SQS; numbers, booleans and (for the policies) tables are welcome in the file.
fn attribute_text(value: toml::Value) -> String {
    match value {
        toml::Value::String(text) => text,
        toml::Value::Table(_) | toml::Value::Array(_) => policy_json::from_toml(value).to_string(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests;
