use super::{
    Account, AuditLog, CallerLimits, ConsoleListen, Cooldowns, JournalKind, Limits, LogFormat,
    MAX_CALLER_POLLS, MasterKeySource, Overrides, Settings,
};
use std::path::{Path, PathBuf};

fn load(file: &str, overrides: Overrides) -> Result<Settings, String> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("bongsu.toml");
    std::fs::write(&path, file).unwrap();
    Settings::load(Some(&path), overrides).map_err(|error| error.to_string())
}

#[test]
fn defaults_need_no_file() {
    let settings = Settings::load(None, Overrides::default()).unwrap();
    assert_eq!(
        settings,
        Settings {
            listen: "127.0.0.1:9324".to_owned(),
            console_listen: ConsoleListen::Default,
            data_dir: PathBuf::from("./bongsu-data"),
            journal: JournalKind::File,
            account: Account::new("000000000000").unwrap(),
            region: "us-east-1".to_owned(),
            cooldowns: Cooldowns::Aws,
            public_url: None,
            auth: None,
            audit_log: AuditLog::Default,
            audit_log_bytes: 64 << 20,
            log_format: LogFormat::Text,
            collector: None,
            master_key: MasterKeySource::OwnFile(PathBuf::from("./bongsu-data/master.key")),
            previous_master_key: None,
            tls: None,
            limits: Limits::default(),
            caller_limits: CallerLimits { requests_per_second: None, long_polls: MAX_CALLER_POLLS },
            queues: Vec::new(),
        }
    );
}

#[test]
fn the_audit_log_is_off_or_a_file() {
    let log = |file| load(file, Overrides::default()).unwrap().audit_log;
    assert_eq!(log("audit-log = 'off'"), AuditLog::Off);
    assert_eq!(log("audit-log = '/var/log/bongsu.log'"), AuditLog::File("/var/log/bongsu.log".into()));
}

#[test]
fn the_console_is_off_or_somewhere() {
    let console = |file| load(file, Overrides::default()).unwrap().console_listen;
    assert_eq!(console(""), ConsoleListen::Default);
    assert_eq!(console("console-listen = 'off'"), ConsoleListen::Off);
    let asked = ConsoleListen::At(ConsoleListen::DEFAULT_ADDRESS.to_owned());
    assert_eq!(console("console-listen = '127.0.0.1:9325'"), asked, "it has to be there then");
    let overrides = Overrides { console_listen: Some(ConsoleListen::Off), ..Overrides::default() };
    let settings = load("console-listen = '127.0.0.1:1'", overrides).unwrap();
    assert_eq!(settings.console_listen, ConsoleListen::Off);
}

#[test]
fn the_log_and_traces() {
    let settings =
        load("log-format = 'json'\notlp-endpoint = 'http://c:4318'", Overrides::default()).unwrap();
    assert_eq!(settings.log_format, LogFormat::Json);
    let collector = settings.collector.unwrap();
    assert_eq!((collector.endpoint.as_str(), collector.service_name.as_str()), ("http://c:4318", "bongsu"));
    let overrides = Overrides {
        otlp_endpoint: Some(String::new()),
        log_format: Some(LogFormat::Text),
        ..Overrides::default()
    };
    let settings = load("log-format = 'json'\notlp-endpoint = 'http://c:4318'", overrides).unwrap();
    assert_eq!((settings.log_format, settings.collector), (LogFormat::Text, None), "empty is none");
}

#[test]
fn flags_win_over_the_file() {
    let file = "listen = '0.0.0.0:1'\ndata-dir = '/data'\njournal = 'memory'\naccount = '123456789012'\n\
                region = 'eu-west-1'\ncooldowns = 'off'\npublic-url = 'https://queues.example.com'\n";
    let settings = load(file, Overrides::default()).unwrap();
    assert_eq!(settings.listen, "0.0.0.0:1");
    assert_eq!(settings.data_dir, Path::new("/data"));
    assert_eq!((settings.journal, settings.cooldowns), (JournalKind::Memory, Cooldowns::Off));
    assert_eq!(settings.account.as_str(), "123456789012");
    assert_eq!(settings.public_url.as_deref(), Some("https://queues.example.com"));
    let overrides = Overrides {
        listen: Some("127.0.0.1:2".to_owned()),
        region: Some("mars-north-1".to_owned()),
        ..Overrides::default()
    };
    let settings = load(file, overrides).unwrap();
    assert_eq!((settings.listen.as_str(), settings.region.as_str()), ("127.0.0.1:2", "mars-north-1"));
    assert_eq!(settings.journal, JournalKind::Memory);
}

#[test]
fn certificates_and_limits() {
    let file = "tls-cert = 'c.pem'\ntls-key = 'k.pem'\nmax-connections = 7\nmax-body-memory = '64 MiB'\n";
    let settings = load(file, Overrides::default()).unwrap();
    let tls = settings.tls.unwrap();
    assert_eq!((tls.certificate.as_path(), tls.key.as_path()), (Path::new("c.pem"), Path::new("k.pem")));
    assert_eq!(tls.client_ca, None);
    let limits = Limits { max_connections: 7, max_body_memory_bytes: 64 << 20, ..Limits::default() };
    assert_eq!(settings.limits, limits);
    let overrides = Overrides {
        tls_client_ca: Some("ca.pem".into()),
        max_body_memory: Some("33554432".parse().unwrap()),
        ..Overrides::default()
    };
    let settings = load(file, overrides).unwrap();
    assert_eq!(settings.tls.unwrap().client_ca.as_deref(), Some(Path::new("ca.pem")));
    assert_eq!(settings.limits.max_body_memory_bytes, 32 << 20);
}

#[test]
fn queues_take_attributes_of_any_type() {
    let file = "[[queues]]\nname = 'jobs.fifo'\nattributes = { FifoQueue = true, VisibilityTimeout = 60, \
                DelaySeconds = '5', RedrivePolicy = { deadLetterTargetArn = 'arn', maxReceiveCount = 3 } }\n\
                tags = { team = 'payments' }\n[[queues]]\nname = 'plain'\nregion = 'eu-west-1'\n";
    let queues = load(file, Overrides::default()).unwrap().queues;
    assert_eq!(queues[0].name, "jobs.fifo");
    assert_eq!(queues[0].attributes["FifoQueue"], "true");
    assert_eq!(queues[0].attributes["VisibilityTimeout"], "60");
    assert_eq!(queues[0].attributes["DelaySeconds"], "5");
    assert_eq!(
        queues[0].attributes["RedrivePolicy"],
        "{\"deadLetterTargetArn\":\"arn\",\"maxReceiveCount\":3}"
    );
    assert_eq!(queues[0].tags["team"], "payments");
    assert_eq!(queues[1].region.as_deref(), Some("eu-west-1"));
}

#[test]
fn mistakes_are_named() {
    let cases = [
        ("listne = 'x'", "listne"),
        ("account = '12'", "an account has twelve digits"),
        ("journal = 'paper'", "paper"),
        ("region = ''", "region"),
        ("region = 'a:b'", "region"),
        ("public-url = 'queues.example.com'", "public-url"),
        ("public-url = 'http://'", "public-url"),
        ("audit-log-bytes = 1000", "audit-log-bytes"),
        ("public-url = 'http://x/?a=b'", "public-url"),
        ("tls-cert = 'c.pem'", "set tls-key too"),
        ("tls-key = 'k.pem'", "set tls-cert too"),
        ("tls-client-ca = 'ca.pem'", "set tls-cert too"),
        ("max-connections = 0", "max-connections"),
        ("max-body-memory = '1MB'", "such as 256MiB"),
        ("max-body-memory = '1MiB'", "at least 16MiB"),
        ("max-body-memory = '99999999999999999GiB'", "such as 256MiB"),
        ("[[queues]]\nattributes = {}", "name"),
        ("listen = ", "bongsu.toml"),
    ];
    for (file, named) in cases {
        let error = load(file, Overrides::default()).unwrap_err();
        assert!(error.contains(named), "{file}: {error}");
    }
}

#[test]
fn a_missing_file_is_named() {
    let error = Settings::load(Some(Path::new("/no/such/file.toml")), Overrides::default()).unwrap_err();
    assert!(error.to_string().contains("/no/such/file.toml"));
}
