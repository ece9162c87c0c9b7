//! Where the service is and who asks: flags first, then the environment, then the AWS CLI's files, in the AWS CLI's order.

use super::profile::{Ini, Section};
use super::refusal::CallError;
use super::sign::Credentials;
use super::tls::TlsFiles;
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

const DEFAULT_ENDPOINT: &str = "http://127.0.0.1:9324";
const DEFAULT_REGION: &str = "us-east-1";
/// What requests to this machine are signed with where there are no credentials: a signature carries the region too.
const PLACEHOLDER: &str = "bongsu";

/// What surrounds a process: variables, and files. Tests have others.
pub struct Surroundings {
    variables: BTreeMap<String, String>,
    read: fn(&Path) -> io::Result<String>,
}

impl Surroundings {
    /// Those of this process.
    #[must_use]
    pub fn of_process() -> Self {
        let text = |text: std::ffi::OsString| text.into_string().ok();
        let variables = std::env::vars_os().filter_map(|(name, value)| Some((text(name)?, text(value)?)));
        Self { variables: variables.collect(), read: |path| std::fs::read_to_string(path) }
    }

    #[cfg(test)]
    pub(crate) fn pretended(variables: &[(&str, &str)], read: fn(&Path) -> io::Result<String>) -> Self {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Self { variables: variables.iter().map(owned).collect(), read }
    }

    /// The value of the first of these variables that has one.
    #[must_use]
    pub fn variable(&self, names: &[&str]) -> Option<&str> {
        let mut found = names.iter().filter_map(|name| self.variables.get(*name));
        found.find(|value| !value.is_empty()).map(String::as_str)
    }

    fn file(&self, variable: &str, usual: &str) -> Result<Ini, CallError> {
        let home = || Some(Path::new(self.variable(&["HOME"])?).join(usual));
        let named = self.variable(&[variable]).map(|path| match path.strip_prefix("~/") {
            Some(rest) => Path::new(self.variable(&["HOME"]).unwrap_or("/")).join(rest),
            None => PathBuf::from(path),
        });
        let Some(path) = named.or_else(home) else { return Ok(Ini::default()) };
        match (self.read)(&path) {
            Ok(text) => Ok(Ini::parse(&text)),
            // Most people have none.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Ini::default()),
            Err(error) => Err(CallError::Usage(format!("can't read {}: {error}", path.display()))),
        }
    }
}

/// What was said on the command line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Said {
    /// `--endpoint`.
    pub endpoint: Option<String>,
    /// `--region`.
    pub region: Option<String>,
    /// `--profile`.
    pub profile: Option<String>,
    /// `--ca-bundle`.
    pub ca_bundle: Option<PathBuf>,
    /// `--client-cert` and `--client-key`.
    pub identity: Option<(PathBuf, PathBuf)>,
    /// Where to go if nothing else says so: the origin of a queue's URL.
    pub fallback_endpoint: Option<String>,
}

/// Where the credentials are from; what to say of them when they are refused goes by that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeySource {
    /// AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.
    Environment,
    /// A profile.
    Profile,
    /// There are none; a service on this machine gets a placeholder.
    None,
}

/// All that a client needs.
#[derive(Clone)]
pub struct Access {
    /// The endpoint's URL.
    pub url: String,
    /// The region to ask in.
    pub region: String,
    /// Who asks, if anybody in particular.
    pub keys: Option<Keys>,
    /// Where those are from.
    pub source: KeySource,
    /// Whom to trust, and who the client is.
    pub tls: TlsFiles,
}

/// An access key.
#[derive(Clone)]
pub struct Keys {
    id: String,
    secret: String,
    token: Option<String>,
}

impl Access {
    /// Puts together what was said, what the environment says, and what the profile says.
    ///
    /// # Errors
    /// The profile is not there, or can't be used; a file can't be read.
    pub fn find(said: &Said, around: &Surroundings) -> Result<Self, CallError> {
        let profile = Profile::find(said, around)?;
        let endpoint = said.endpoint.clone().or_else(|| configured_endpoint(&profile, around));
        let url = endpoint.or_else(|| said.fallback_endpoint.clone());
        let region = said.region.clone();
        let region = region.or_else(|| owned(around.variable(&["AWS_REGION", "AWS_DEFAULT_REGION"])));
        let ca = said.ca_bundle.clone().or_else(|| around.variable(&["AWS_CA_BUNDLE"]).map(PathBuf::from));
        let ca = ca.or_else(|| profile.setting("ca_bundle").map(PathBuf::from));
        let (keys, source) = credentials(said, around, &profile)?;
        Ok(Self {
            url: url.unwrap_or_else(|| DEFAULT_ENDPOINT.to_owned()),
            region: region
                .or_else(|| owned(profile.setting("region")))
                .unwrap_or_else(|| DEFAULT_REGION.to_owned()),
            keys,
            source,
            tls: TlsFiles { ca, identity: said.identity.clone() },
        })
    }

    /// What requests are signed with, if at all.
    #[must_use]
    pub fn credentials(&self) -> Option<Credentials> {
        let keys = self.keys.clone()?;
        Some(Credentials {
            access_key_id: keys.id,
            secret_access_key: keys.secret,
            session_token: keys.token,
            region: self.region.clone(),
        })
    }

    /// The same; where there are none, a placeholder for services on this machine, which may want no more than a region.
    #[must_use]
    pub fn credentials_or_placeholder(&self, host: &str) -> Option<Credentials> {
        let placeholder = || Credentials {
            access_key_id: PLACEHOLDER.to_owned(),
            secret_access_key: PLACEHOLDER.to_owned(),
            session_token: None,
            region: self.region.clone(),
        };
        self.credentials().or_else(|| is_loopback(host).then(placeholder))
    }
}

/// Whether a Host header names this machine.
#[must_use]
pub fn is_loopback(host: &str) -> bool {
    let name = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, _)) => address,
        None => host.split(':').next().unwrap_or(host),
    };
    let is_local = |address: std::net::IpAddr| address.is_loopback();
    name == "localhost" || name.ends_with(".localhost") || name.parse().is_ok_and(is_local)
}

fn owned(text: Option<&str>) -> Option<String> {
    text.map(str::to_owned)
}

fn configured_endpoint(profile: &Profile, around: &Surroundings) -> Option<String> {
    if around.variable(&["AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"]).is_some_and(is_true)
        || profile.setting("ignore_configured_endpoint_urls").is_some_and(is_true)
    {
        return None;
    }
    let said = around.variable(&["AWS_ENDPOINT_URL_SQS", "AWS_ENDPOINT_URL"]);
    let in_services = || profile.services.get("sqs.endpoint_url").map(String::as_str);
    owned(said.or_else(in_services).or_else(|| profile.setting("endpoint_url")))
}

fn is_true(text: &str) -> bool {
    text.eq_ignore_ascii_case("true")
}

fn credentials(
    said: &Said,
    around: &Surroundings,
    profile: &Profile,
) -> Result<(Option<Keys>, KeySource), CallError> {
    // A profile that is named on the command line is meant, whatever the environment says.
    if said.profile.is_none()
        && let Some(id) = around.variable(&["AWS_ACCESS_KEY_ID"])
    {
        let Some(secret) = around.variable(&["AWS_SECRET_ACCESS_KEY"]) else {
            let reason = "AWS_ACCESS_KEY_ID is set, and AWS_SECRET_ACCESS_KEY is not";
            return Err(CallError::Usage(reason.to_owned()));
        };
        let token = owned(around.variable(&["AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN"]));
        let keys = Keys { id: id.to_owned(), secret: secret.to_owned(), token };
        return Ok((Some(keys), KeySource::Environment));
    }
    for section in [&profile.credentials, &profile.config] {
        let Some(id) = section.get("aws_access_key_id") else { continue };
        let Some(secret) = section.get("aws_secret_access_key") else {
            let reason = format!("the profile {} has an aws_access_key_id without its secret", profile.name);
            return Err(CallError::Usage(reason));
        };
        let keys =
            Keys { id: id.clone(), secret: secret.clone(), token: section.get("aws_session_token").cloned() };
        return Ok((Some(keys), KeySource::Profile));
    }
    // What the AWS CLI would fetch from elsewhere; only who names the profile can have meant it.
    let fetched = ["credential_process", "role_arn", "sso_session", "sso_start_url"];
    let fetched = fetched.into_iter().find(|name| profile.setting(name).is_some());
    match fetched.filter(|_| profile.is_named) {
        None => Ok((None, KeySource::None)),
        Some(how) => Err(CallError::Usage(format!(
            "the profile {0} has its credentials fetched ({how}), which this command can't do; the AWS CLI can: \
             eval \"$(aws configure export-credentials --profile {0} --format env)\"",
            profile.name
        ))),
    }
}

/// A profile's settings, out of both files.
#[derive(Debug, Default)]
struct Profile {
    name: String,
    is_named: bool,
    config: Section,
    credentials: Section,
    services: Section,
}

impl Profile {
    fn find(said: &Said, around: &Surroundings) -> Result<Self, CallError> {
        let named = said.profile.as_deref();
        let named = named.or_else(|| around.variable(&["AWS_PROFILE", "AWS_DEFAULT_PROFILE"]));
        let name = named.unwrap_or("default");
        let config_file = around.file("AWS_CONFIG_FILE", ".aws/config")?;
        let credentials_file = around.file("AWS_SHARED_CREDENTIALS_FILE", ".aws/credentials")?;
        let in_config = config_file.section(&format!("profile {name}"));
        let in_config =
            in_config.or_else(|| config_file.section(name).filter(|_| name == "default")).cloned();
        let in_credentials = credentials_file.section(name).cloned();
        if named.is_some() && in_config.is_none() && in_credentials.is_none() {
            let mut others: Vec<_> = config_file.profiles().chain(credentials_file.profiles()).collect();
            others.sort_unstable();
            others.dedup();
            let others = if others.is_empty() { "there is none".to_owned() } else { others.join(", ") };
            return Err(CallError::Usage(format!("there is no profile {name} (profiles: {others})")));
        }
        let config = in_config.unwrap_or_default();
        let services =
            config.get("services").and_then(|name| config_file.section(&format!("services {name}")));
        Ok(Self {
            name: name.to_owned(),
            is_named: named.is_some(),
            services: services.cloned().unwrap_or_default(),
            credentials: in_credentials.unwrap_or_default(),
            config,
        })
    }

    fn setting(&self, name: &str) -> Option<&str> {
        let found = self.config.get(name).or_else(|| self.credentials.get(name));
        found.map(String::as_str).filter(|value| !value.is_empty())
    }
}

#[cfg(test)]
mod tests;
