//! The command line. Each flag is also a variable of the environment; the flag wins, and both win over the file.

use crate::admin::{KeyArguments, PolicyArguments, UserArguments};
use crate::bench::Scenario;
use crate::store::{Backup, Check, Restore};
use bongsu_server::config::{
    Account, AuditLog, Authentication, ByteSize, ConsoleListen, Cooldowns, JournalKind, LogFormat, Overrides,
};
use bongsu_tools::import::ImportArguments;
use bongsu_tools::queue::QueueArguments;
use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;
use std::time::Duration;
use zeroize::Zeroizing;

/// A durable, self-hosted message queue with the Amazon SQS contract.
///
/// Without a command it serves.
#[derive(Debug, Parser)]
#[command(name = "bongsu", version, args_conflicts_with_subcommands = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    #[command(flatten)]
    pub(crate) serve: Serve,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serve queues (what plain `bongsu` does).
    Serve(Box<Serve>),
    /// Load an SQS endpoint, this server's or another, and measure it.
    #[command(subcommand)]
    Bench(Scenario),
    Check(Check),
    Backup(Backup),
    Restore(Restore),
    Queue(QueueArguments),
    Import(ImportArguments),
    User(UserArguments),
    Key(KeyArguments),
    Policy(PolicyArguments),
    /// Print a script that completes commands and options in a shell
    Completions {
        #[arg(value_name = "SHELL")]
        shell: Shell,
    },
}

/// How to serve.
#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// Host and port to listen on; port 0 takes any free one [default: 127.0.0.1:9324]
    #[arg(long, env = "BONGSU_LISTEN", value_name = "HOST:PORT")]
    listen: Option<String>,
    /// Host and port of the web console, or `off` [default: 127.0.0.1:9325 if that is free]
    #[arg(long, env = "BONGSU_CONSOLE_LISTEN", value_name = "HOST:PORT|off")]
    console_listen: Option<ConsoleListen>,
    /// Where messages are kept [default: ./bongsu-data]
    #[arg(long, env = "BONGSU_DATA_DIR", value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// What keeps the messages: `file` or `memory` (nothing outlives the process) [default: file]
    #[arg(long, env = "BONGSU_JOURNAL", value_name = "KIND")]
    journal: Option<JournalKind>,
    /// Account of callers whose access key id is not itself an account of twelve digits [default: 000000000000]
    #[arg(long, env = "BONGSU_ACCOUNT", value_name = "ACCOUNT")]
    account: Option<Account>,
    /// Region of callers whose signature names none [default: us-east-1]
    #[arg(long, env = "BONGSU_REGION", value_name = "REGION")]
    region: Option<String>,
    /// `aws`: purging and re-creating queues have to wait 60 s, as with AWS; `off`: they don't [default: aws]
    #[arg(long, env = "BONGSU_COOLDOWNS", value_name = "aws|off")]
    cooldowns: Option<Cooldowns>,
    /// What queue URLs begin with, in place of the address that the client used
    #[arg(long, env = "BONGSU_PUBLIC_URL", value_name = "URL")]
    public_url: Option<String>,
    /// `on`: requests have to be signed with an access key of this server; `off`: any credentials do
    /// [default: off on a loopback address, on otherwise]
    #[arg(long, env = "BONGSU_AUTH", value_name = "on|off")]
    auth: Option<Authentication>,
    /// File with the master key that everything stored is sealed with [default: master.key in the data directory]
    #[arg(long, env = "BONGSU_MASTER_KEY_FILE", value_name = "FILE")]
    master_key_file: Option<PathBuf>,
    /// Command that prints the master key; the key itself may also be in BONGSU_MASTER_KEY
    #[arg(long, env = "BONGSU_MASTER_KEY_COMMAND", value_name = "COMMAND")]
    master_key_command: Option<String>,
    /// File with the master key so far, to be replaced by the one given: once, at one start
    #[arg(long, env = "BONGSU_PREVIOUS_MASTER_KEY_FILE", value_name = "FILE")]
    previous_master_key_file: Option<PathBuf>,
    /// File that notes in JSON lines who changed what and who was refused what; `off`: nowhere
    /// [default: audit.log in the data directory if authentication is on]
    #[arg(long, env = "BONGSU_AUDIT_LOG", value_name = "FILE|off")]
    audit_log: Option<AuditLog>,
    /// Size at which the audit log begins a new file; five are kept [default: 67108864]
    #[arg(long, env = "BONGSU_AUDIT_LOG_BYTES", value_name = "BYTES")]
    audit_log_bytes: Option<u64>,
    /// How the log on standard error looks: `text`, or `json`, an object a line [default: text]
    #[arg(long, env = "BONGSU_LOG_FORMAT", value_name = "text|json")]
    log_format: Option<LogFormat>,
    /// Collector that traces of requests are sent to, as OTLP over HTTP; also OTEL_EXPORTER_OTLP_ENDPOINT
    #[arg(long, env = "BONGSU_OTLP_ENDPOINT", value_name = "URL")]
    otlp_endpoint: Option<String>,
    /// Certificate, and those between it and a root, in PEM: only TLS is spoken then
    #[arg(long, env = "BONGSU_TLS_CERT", value_name = "FILE")]
    tls_cert: Option<PathBuf>,
    /// Private key of the certificate, in PEM
    #[arg(long, env = "BONGSU_TLS_KEY", value_name = "FILE")]
    tls_key: Option<PathBuf>,
    /// Roots of clients' certificates, in PEM: every client has to show one then
    #[arg(long, env = "BONGSU_TLS_CLIENT_CA", value_name = "FILE")]
    tls_client_ca: Option<PathBuf>,
    /// Connections at a time, as far as the limit of open files allows [default: 10000]
    #[arg(long, env = "BONGSU_MAX_CONNECTIONS", value_name = "COUNT")]
    max_connections: Option<NonZeroUsize>,
    /// Memory for bodies of requests that are long or come in pieces [default: 256MiB]
    #[arg(long, env = "BONGSU_MAX_BODY_MEMORY", value_name = "SIZE")]
    max_body_memory: Option<ByteSize>,
    /// Requests a second of one caller (a user, an account or an address); more are refused as throttled [default: no limit]
    #[arg(long, env = "BONGSU_MAX_CALLER_REQUESTS", value_name = "COUNT")]
    max_caller_requests: Option<NonZeroU32>,
    /// Long polls of one caller at a time [default: 2000]
    #[arg(long, env = "BONGSU_MAX_CALLER_POLLS", value_name = "COUNT")]
    max_caller_polls: Option<NonZeroU32>,
    /// TOML file with all of these and with queues to declare at start
    #[arg(long, env = "BONGSU_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// For measurements only: make each sync of the journal take so much longer, as on a slower disk
    #[arg(long, hide = true, value_name = "MS", value_parser = clap::value_parser!(u64).range(1..=60_000))]
    sync_delay_ms: Option<u64>,
}

impl Serve {
    /// What each sync is to take longer, if anything.
    pub(crate) fn sync_delay(&self) -> Option<Duration> {
        self.sync_delay_ms.map(Duration::from_millis)
    }

    /// The file, and what wins over it.
    pub(crate) fn into_parts(self) -> (Option<PathBuf>, Overrides) {
        let overrides = Overrides {
            listen: self.listen,
            console_listen: self.console_listen,
            data_dir: self.data_dir,
            journal: self.journal,
            account: self.account,
            region: self.region,
            cooldowns: self.cooldowns,
            public_url: self.public_url,
            auth: self.auth,
            audit_log: self.audit_log,
            audit_log_bytes: self.audit_log_bytes,
            log_format: self.log_format,
            // These three names are OpenTelemetry's; headers may be secret.
            otlp_endpoint: self.otlp_endpoint.or_else(|| std::env::var("OTEL_EXPORTER_OTLP_ENDPOINT").ok()),
            otlp_headers: std::env::var("OTEL_EXPORTER_OTLP_HEADERS").ok(),
            otlp_service_name: std::env::var("OTEL_SERVICE_NAME").ok(),
            master_key_file: self.master_key_file,
            master_key_command: self.master_key_command,
            previous_master_key_file: self.previous_master_key_file,
            // A flag would show it to everybody who lists processes.
            master_key: std::env::var("BONGSU_MASTER_KEY").ok().map(Zeroizing::new),
            tls_cert: self.tls_cert,
            tls_key: self.tls_key,
            tls_client_ca: self.tls_client_ca,
            max_connections: self.max_connections,
            max_body_memory: self.max_body_memory,
            max_caller_requests: self.max_caller_requests,
            max_caller_polls: self.max_caller_polls,
        };
        (self.config, overrides)
    }
}

#[cfg(test)]
mod tests {
    use super::{Arguments, Command};
    use clap::{CommandFactory as _, Parser as _};
    use std::path::Path;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn plain_bongsu_serves() {
        let flags = ["--listen", "127.0.0.1:0", "--journal", "memory", "--cooldowns", "off"];
        let plain = Arguments::parse_from(["bongsu"].iter().chain(&flags)).serve.into_parts();
        let Some(Command::Serve(serve)) =
            Arguments::parse_from(["bongsu", "serve"].iter().chain(&flags)).command
        else {
            panic!("serve is a command");
        };
        assert_eq!(serve.into_parts(), plain);
        assert_eq!(plain.1.listen.as_deref(), Some("127.0.0.1:0"));
    }

    #[test]
    fn mistakes_are_refused_with_a_reason() {
        for (flag, value, reason) in [
            ("--account", "12", "twelve digits"),
            ("--journal", "paper", "`file` and `memory`"),
            ("--cooldowns", "no", "`aws` or `off`"),
            ("--auth", "maybe", "`on` or `off`"),
            ("--max-connections", "0", "non-zero"),
            ("--max-body-memory", "much", "such as 256MiB"),
        ] {
            let error = Arguments::try_parse_from(["bongsu", flag, value]).unwrap_err().to_string();
            assert!(error.contains(reason), "{error}");
        }
    }

    #[test]
    fn syncs_are_only_slow_when_asked_for() {
        assert_eq!(Arguments::parse_from(["bongsu"]).serve.sync_delay(), None);
        let arguments = Arguments::parse_from(["bongsu", "--sync-delay-ms", "5"]);
        assert_eq!(arguments.serve.sync_delay(), Some(std::time::Duration::from_millis(5)));
    }

    #[test]
    fn the_file_is_named_apart() {
        let arguments = Arguments::parse_from(["bongsu", "--config", "/etc/bongsu.toml"]);
        assert_eq!(arguments.serve.into_parts().0.as_deref(), Some(Path::new("/etc/bongsu.toml")));
    }
}
