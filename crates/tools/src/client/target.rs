//! The options that say which server is meant and who asks.

use super::access::{Access, Said, Surroundings};
use super::caller::{Caller, Service};
use super::refusal::CallError;
use clap::Args;
use std::path::PathBuf;

// clap shows global arguments to the levels above too, where plain `bongsu` has options of the same names: hence the ids.
/// Which server is meant, and who asks: as with the AWS CLI, by flags, environment and the files in ~/.aws.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Which server, and who asks")]
pub struct Target {
    /// Where the server is [default: AWS_ENDPOINT_URL_SQS, AWS_ENDPOINT_URL, the profile's endpoint_url, http://127.0.0.1:9324]
    #[arg(id = "target-endpoint", long = "endpoint", global = true, value_name = "URL")]
    pub endpoint: Option<String>,
    /// Region [default: AWS_REGION, AWS_DEFAULT_REGION, the profile's, us-east-1]
    #[arg(id = "target-region", long = "region", global = true, value_name = "REGION")]
    pub region: Option<String>,
    /// Profile of ~/.aws/config and ~/.aws/credentials [default: AWS_ACCESS_KEY_ID and so on, AWS_PROFILE, default]
    #[arg(id = "target-profile", long = "profile", global = true, value_name = "NAME")]
    pub profile: Option<String>,
    /// File with the roots to trust in place of the system's, for https [default: AWS_CA_BUNDLE, the profile's ca_bundle]
    #[arg(
        id = "target-ca",
        long = "ca-bundle",
        visible_alias = "ca-file",
        global = true,
        value_name = "FILE"
    )]
    pub ca_bundle: Option<PathBuf>,
    /// File with a certificate to show to a server that asks for one, with --client-key
    #[arg(id = "target-client-cert", long = "client-cert", global = true, value_name = "FILE")]
    pub client_cert: Option<PathBuf>,
    /// File with the certificate's private key
    #[arg(id = "target-client-key", long = "client-key", global = true, value_name = "FILE")]
    pub client_key: Option<PathBuf>,
    /// Print JSON, for programs
    #[arg(id = "target-json", long = "json", global = true)]
    pub json: bool,
}

impl Target {
    /// What these options, the environment and the profile come to. A queue's URL is where to go if nothing else says so.
    ///
    /// # Errors
    /// [`CallError::Usage`].
    pub fn access(&self, around: &Surroundings, queue_url: Option<&str>) -> Result<Access, CallError> {
        let identity = match (&self.client_cert, &self.client_key) {
            (None, None) => None,
            (Some(certificate), Some(key)) => Some((certificate.clone(), key.clone())),
            _ => {
                return Err(CallError::Usage("--client-cert and --client-key belong together".to_owned()));
            }
        };
        let said = Said {
            endpoint: self.endpoint.clone(),
            region: self.region.clone(),
            profile: self.profile.clone(),
            ca_bundle: self.ca_bundle.clone(),
            identity,
            fallback_endpoint: queue_url.and_then(origin),
        };
        Access::find(&said, around)
    }

    /// A client of one of the server's services.
    ///
    /// # Errors
    /// [`CallError::Usage`].
    pub fn caller(&self, service: Service) -> Result<Caller, CallError> {
        Caller::new(self.access(&Surroundings::of_process(), None)?, service)
    }
}

/// `http://host:1` of `http://host:1/000000000000/name`.
fn origin(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    Some(format!("{scheme}://{}", rest.split('/').next()?))
}

#[cfg(test)]
mod tests {
    use super::origin;

    #[test]
    fn an_origin_is_scheme_and_host() {
        assert_eq!(origin("https://h:1/0/q").as_deref(), Some("https://h:1"));
        assert_eq!(origin("name"), None);
    }
}
