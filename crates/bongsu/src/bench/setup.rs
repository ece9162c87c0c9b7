//! Before the load: where the service is, and its queues.

use super::arguments::LoadArguments;
use super::request::{Addressing, Renderer};
use super::{BenchError, json_escaped, scan};
use bongsu_tools::client::access::Said;
use bongsu_tools::client::http::{Connection, Endpoint};
use bongsu_tools::client::sign::Credentials;
use bongsu_tools::client::{Access, CallError, Surroundings};
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Whose requests they are where nobody says.
const ANYBODY: &str = "bench";
const MAX_CONNECTIONS: usize = 16;

/// Where requests go, and how they are signed.
///
/// # Errors
/// The endpoint is no URL, or its host is unknown.
pub(super) fn addressing(arguments: &LoadArguments) -> Result<(Addressing, SocketAddr), BenchError> {
    let said = Said {
        endpoint: arguments.endpoint.clone(),
        region: arguments.region.clone(),
        profile: arguments.profile.clone(),
        ..Said::default()
    };
    let unusable = |error: CallError| BenchError::Endpoint(error.to_string());
    let access = Access::find(&said, &Surroundings::of_process()).map_err(unusable)?;
    let endpoint = Endpoint::parse(&access.url).map_err(BenchError::Endpoint)?;
    if endpoint.is_secure {
        let reason = "the load generator has no TLS: use http:// (AWS's SQS endpoints answer that too)";
        return Err(BenchError::Endpoint(reason.to_owned()));
    }
    let unknown = |why: String| BenchError::Endpoint(format!("{}: {why}", endpoint.address));
    let mut addresses = endpoint.address.to_socket_addrs().map_err(|error| unknown(error.to_string()))?;
    let address = addresses.next().ok_or_else(|| unknown("no such host".to_owned()))?;
    let named = |id: &str, secret: Option<&str>| Credentials {
        access_key_id: id.to_owned(),
        secret_access_key: secret.unwrap_or(ANYBODY).to_owned(),
        session_token: None,
        region: access.region.clone(),
    };
    let credentials = match &arguments.access_key_id {
        Some(id) => named(id, arguments.secret_access_key.as_deref()),
        None => access.credentials().unwrap_or_else(|| named(ANYBODY, None)),
    };
    let credentials = (!arguments.no_sign).then_some(credentials);
    Ok((Addressing { url: access.url.clone(), endpoint, credentials }, address))
}

/// Whether the queues are FIFO queues: said so, or by their name.
pub(super) fn is_fifo(arguments: &LoadArguments) -> bool {
    arguments.fifo || arguments.queue.ends_with(".fifo")
}

/// The queues' names.
pub(super) fn names(arguments: &LoadArguments) -> Vec<String> {
    let suffix = if is_fifo(arguments) { ".fifo" } else { "" };
    let stem = arguments.queue.strip_suffix(".fifo").unwrap_or(&arguments.queue);
    match arguments.queues {
        1 => vec![format!("{stem}{suffix}")],
        queues => (0..queues).map(|number| format!("{stem}-{number}{suffix}")).collect(),
    }
}

/// Makes the queues that are missing; returns all their URLs, as they stand in JSON.
///
/// # Errors
/// Nobody listens, or a queue can't be had.
pub(super) fn queues(
    arguments: &LoadArguments,
    to: &Addressing,
    address: SocketAddr,
) -> Result<Vec<String>, BenchError> {
    let names = Arc::new(names(arguments));
    let attributes = Arc::new(attributes(arguments));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let found = runtime.block_on(async {
        let next = Arc::new(AtomicUsize::new(0));
        let mut workers = tokio::task::JoinSet::new();
        for _ in 0..MAX_CONNECTIONS.min(names.len()) {
            let (names, attributes, next, to) = (names.clone(), attributes.clone(), next.clone(), to.clone());
            workers.spawn(async move {
                let (mut connection, mut renderer) = (Connection::new(address), Renderer::new(&to));
                let mut found = Vec::new();
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(name) = names.get(index) else { return Ok::<_, BenchError>(found) };
                    found.push((index, queue(&mut connection, &mut renderer, name, &attributes).await?));
                }
            });
        }
        let mut found = Vec::new();
        while let Some(result) = workers.join_next().await {
            found.extend(result.map_err(std::io::Error::other)??);
        }
        Ok::<_, BenchError>(found)
    });
    let mut found = found?;
    found.sort();
    Ok(found.into_iter().map(|(_, url)| url).collect())
}

/// The queue's attributes as the members of a JSON object.
fn attributes(arguments: &LoadArguments) -> String {
    let mut all = arguments.attributes.clone();
    if is_fifo(arguments) && !all.iter().any(|(name, _)| name == "FifoQueue") {
        all.push(("FifoQueue".to_owned(), "true".to_owned()));
    }
    let members =
        all.iter().map(|(name, value)| format!("\"{}\":\"{}\"", json_escaped(name), json_escaped(value)));
    members.collect::<Vec<_>>().join(",")
}

async fn queue(
    connection: &mut Connection,
    renderer: &mut Renderer,
    name: &str,
    attributes: &str,
) -> Result<String, BenchError> {
    let name = json_escaped(name);
    let create = format!("{{\"QueueName\":\"{name}\",\"Attributes\":{{{attributes}}}}}");
    match url(connection, renderer.plain("CreateQueue", &create)).await? {
        Ok(url) => Ok(url),
        // It may be there with other attributes, or be somebody else's to make.
        Err(refusal) => {
            let get = format!("{{\"QueueName\":\"{name}\"}}");
            let found = url(connection, renderer.plain("GetQueueUrl", &get)).await?;
            found.map_err(|_| BenchError::Queue { name, refusal })
        }
    }
}

async fn url(connection: &mut Connection, request: &[u8]) -> Result<Result<String, String>, BenchError> {
    let address = connection.address();
    let answer =
        connection.exchange(request).await.map_err(|error| BenchError::Unreachable { address, error })?;
    let url = scan::strings(answer.body, "\"QueueUrl\"").next().filter(|_| answer.status == 200);
    Ok(match url.and_then(|url| std::str::from_utf8(url).ok()) {
        Some(url) => Ok(url.to_owned()),
        None => {
            let code = scan::error_code(answer.status, answer.body);
            let text = String::from_utf8_lossy(answer.body);
            Err(format!("{code}: {}", text.chars().take(300).collect::<String>()))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::{attributes, names};
    use crate::bench::tests::load_arguments;

    #[test]
    fn many_queues_are_numbered_and_fifo_queues_end_in_fifo() {
        assert_eq!(names(&load_arguments(&["--queue", "a"])), ["a"]);
        assert_eq!(names(&load_arguments(&["--queue", "a", "--fifo"])), ["a.fifo"]);
        assert_eq!(names(&load_arguments(&["--queue", "a.fifo", "--queues", "2"])), ["a-0.fifo", "a-1.fifo"]);
    }

    #[test]
    fn attributes_are_json() {
        let arguments = load_arguments(&["--fifo", "--attribute", "RedrivePolicy={\"a\":\"b=c\"}"]);
        let parsed: serde_json::Value =
            serde_json::from_str(&format!("{{{}}}", attributes(&arguments))).unwrap();
        assert_eq!(parsed, serde_json::json!({"RedrivePolicy": "{\"a\":\"b=c\"}", "FifoQueue": "true"}));
        assert_eq!(attributes(&load_arguments(&[])), "");
    }
}
