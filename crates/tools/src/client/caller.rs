//! Asks a service, one request after the other or several at a time.

use super::access::{Access, KeySource};
use super::date::unix_time;
use super::http::{Connection, Endpoint};
use super::refusal::CallError;
use super::sign::Signer;
use super::tls::Tls;
use serde_json::Value;
use std::io;
use std::net::{SocketAddr, TcpStream, ToSocketAddrs as _};
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::{JoinSet, LocalSet};

const CONTENT_TYPE: &str = "application/x-amz-json-1.0";
/// No change takes long, and no long poll over 20 s; a server that is stuck should not hold up whoever waits.
const PATIENCE: Duration = Duration::from_secs(50);
/// For one of several addresses.
const HANDSHAKE_PATIENCE: Duration = Duration::from_secs(3);
/// A server may have ended a connection that nobody used for so long.
const IDLE_S: u64 = 5;
/// Before a request that was throttled is sent again.
const RETRY_AFTER: [Duration; 5] = [
    Duration::from_millis(200),
    Duration::from_millis(400),
    Duration::from_millis(800),
    Duration::from_millis(1_600),
    Duration::from_millis(3_200),
];
/// Connections for many requests at a time.
const MAX_CONNECTIONS: usize = 8;

/// A service of the endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// Queues.
    Sqs,
    /// Users, access keys and policies of a Bongsu.
    Bongsu,
}

impl Service {
    /// What its actions' names are prefixed with, what signatures call it, and what people do.
    fn names(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Sqs => ("AmazonSQS", "sqs", "an SQS endpoint"),
            Self::Bongsu => ("Bongsu", "bongsu", "Bongsu"),
        }
    }
}

/// Something to ask for.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// Such as `SendMessage`.
    pub action: &'static str,
    /// The input; members that are null are left out.
    pub input: Value,
    /// Path and query other than the endpoint's own, ordered and encoded.
    pub elsewhere: Option<(&'static str, String)>,
}

impl Request {
    /// A usual one.
    #[must_use]
    pub fn new(action: &'static str, input: Value) -> Self {
        Self { action, input, elsewhere: None }
    }
}

/// Asks a service.
pub struct Caller {
    parts: Rc<Parts>,
    line: Line,
    last_used_s: u64,
    runtime: Runtime,
}

/// Ctrl-C.
pub struct Interrupts(Signal);

/// What all connections have in common.
struct Parts {
    access: Access,
    endpoint: Endpoint,
    address: SocketAddr,
    service: Service,
}

/// A connection, with what signs its requests.
struct Line {
    parts: Rc<Parts>,
    connection: Connection,
    signer: Option<Signer>,
}

impl Caller {
    /// One that has not connected yet.
    ///
    /// # Errors
    /// The endpoint is no URL, its host is unknown, or a certificate can't be used.
    pub fn new(access: Access, service: Service) -> Result<Self, CallError> {
        let endpoint = Endpoint::parse(&access.url).map_err(CallError::Usage)?;
        let unknown = |reason| CallError::Unreachable { endpoint: access.url.clone(), reason };
        let addresses = endpoint.address.to_socket_addrs().map_err(unknown)?;
        let address = reachable(addresses).ok_or_else(|| unknown(io::ErrorKind::NotFound.into()))?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let parts = Rc::new(Parts { access, endpoint, address, service });
        let line = Line::new(&parts)?;
        Ok(Self { parts, line, last_used_s: unix_time().as_secs(), runtime })
    }

    /// The endpoint's URL.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.parts.access.url
    }

    /// The region that is asked in.
    #[must_use]
    pub fn region(&self) -> &str {
        &self.parts.access.region
    }

    /// Has the service do something.
    ///
    /// # Errors
    /// [`CallError`].
    pub fn call(&mut self, action: &'static str, input: Value) -> Result<Value, CallError> {
        self.ask(&Request::new(action, input))
    }

    /// The same, for a request that may go elsewhere.
    ///
    /// # Errors
    /// [`CallError`].
    pub fn ask(&mut self, request: &Request) -> Result<Value, CallError> {
        if unix_time().as_secs().saturating_sub(self.last_used_s) >= IDLE_S {
            self.line.connection.close();
        }
        let answer = self.runtime.block_on(self.line.ask(request));
        self.last_used_s = unix_time().as_secs();
        answer
    }

    /// Asks for many things, several at a time; the answers come in the order of the requests.
    ///
    /// # Errors
    /// Nobody answers; what is refused, or answered strangely, is refused on its own.
    pub fn ask_all(&mut self, requests: Vec<Request>) -> Result<Vec<Result<Value, CallError>>, CallError> {
        let (requests, next) = (Rc::new(requests), Rc::new(AtomicUsize::new(0)));
        let mut answers: Vec<Option<Result<Value, CallError>>> = requests.iter().map(|_| None).collect();
        let (mut workers, local) = (JoinSet::new(), LocalSet::new());
        for _ in 0..MAX_CONNECTIONS.min(requests.len()) {
            let (requests, next, mut line) = (requests.clone(), next.clone(), Line::new(&self.parts)?);
            let work = async move {
                let mut answers = Vec::new();
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(request) = requests.get(index) else { return Ok(answers) };
                    match line.ask(request).await {
                        Err(error @ CallError::Unreachable { .. }) => return Err(error),
                        answer => answers.push((index, answer)),
                    }
                }
            };
            workers.spawn_local_on(work, &local);
        }
        let outcome = self.runtime.block_on(local.run_until(async {
            while let Some(done) = workers.join_next().await {
                for (index, answer) in done.map_err(io::Error::other)?? {
                    answers[index] = Some(answer);
                }
            }
            Ok::<_, CallError>(())
        }));
        outcome?;
        Ok(answers.into_iter().flatten().collect())
    }

    /// Ctrl-C from now on, which then no longer ends the process by itself.
    ///
    /// # Errors
    /// The system has no more signals to give.
    pub fn interrupts(&self) -> Result<Interrupts, CallError> {
        let _entered = self.runtime.enter();
        Ok(Interrupts(signal(SignalKind::interrupt())?))
    }

    /// Waits.
    #[expect(clippy::disallowed_methods, reason = "a person watches; nothing here is replayed")]
    pub fn pause(&self, pause: Duration) {
        self.runtime.block_on(async { tokio::time::sleep(pause).await });
    }

    /// Waits, or until Ctrl-C, and says whether it was that.
    #[expect(clippy::disallowed_methods, reason = "a person watches; nothing here is replayed")]
    pub fn pause_or(&self, pause: Duration, interrupts: &mut Interrupts) -> bool {
        self.runtime.block_on(async {
            tokio::select! {
                biased;
                _ = interrupts.0.recv() => true,
                () = tokio::time::sleep(pause) => false,
            }
        })
    }
}

impl Line {
    fn new(parts: &Rc<Parts>) -> Result<Self, CallError> {
        let Parts { access, endpoint, address, .. } = &**parts;
        let connection = match endpoint.is_secure {
            true => {
                let tls = Tls::new(&endpoint.host, &access.tls).map_err(CallError::Usage)?;
                Connection::secure(*address, tls)
            }
            false => Connection::new(*address),
        };
        let signer = parts.signer(&endpoint.path);
        Ok(Self { parts: parts.clone(), connection, signer })
    }

    /// Asks, and again a little later where the service says that it is too much at once.
    #[expect(clippy::disallowed_methods, reason = "a service is given time; nothing here is replayed")]
    async fn ask(&mut self, request: &Request) -> Result<Value, CallError> {
        for pause in RETRY_AFTER {
            match self.ask_once(request).await {
                Err(error) if error.is_throttled() => tokio::time::sleep(pause).await,
                answer => return answer,
            }
        }
        self.ask_once(request).await
    }

    async fn ask_once(&mut self, request: &Request) -> Result<Value, CallError> {
        let bytes = self.render(request);
        let Parts { access, service, .. } = &*self.parts;
        let endpoint = || access.url.clone();
        let answer = tokio::time::timeout(PATIENCE, self.connection.exchange(&bytes)).await;
        let answer =
            answer.unwrap_or_else(|_| Err(io::Error::new(io::ErrorKind::TimedOut, "no answer for 50 s")));
        let answer = answer.map_err(|reason| CallError::Unreachable { endpoint: endpoint(), reason })?;
        let body: Option<Value> = match answer.body {
            // Older endpoints say nothing where there is nothing to say.
            b"" => Some(Value::Object(serde_json::Map::new())),
            body => serde_json::from_slice(body).ok(),
        };
        match (answer.status, body) {
            (200, Some(body)) => Ok(body),
            (status, Some(body)) if body["__type"].is_string() => Err(refused(status, &body, access.source)),
            (status, _) => {
                Err(CallError::Stranger { endpoint: endpoint(), service: service.names().2, status })
            }
        }
    }

    fn render(&mut self, request: &Request) -> Vec<u8> {
        let mut input = request.input.clone();
        // What an option leaves out is not sent.
        if let Some(members) = input.as_object_mut() {
            members.retain(|_, value| !value.is_null());
        }
        let body = input.to_string();
        let Parts { endpoint: Endpoint { host, path, .. }, service, .. } = &*self.parts;
        let target = format!("{}.{}", service.names().0, request.action);
        let (path, query) = match &request.elsewhere {
            None => (path.as_str(), String::new()),
            Some((path, query)) => (*path, query.clone()),
        };
        let between = if query.is_empty() { "" } else { "?" };
        let mut bytes = format!(
            "POST {path}{between}{query} HTTP/1.1\r\nHost: {host}\r\nContent-Type: {CONTENT_TYPE}\r\nX-Amz-Target: {target}\r\n\
             User-Agent: bongsu/{}\r\nContent-Length: {}\r\n",
            env!("CARGO_PKG_VERSION"),
            body.len(),
        )
        .into_bytes();
        let mut other = request.elsewhere.as_ref().and_then(|_| self.parts.signer(path));
        other = other.map(|signer| signer.with_query(query));
        if let Some(signer) = other.as_mut().or(self.signer.as_mut()) {
            signer.sign(unix_time().as_secs(), CONTENT_TYPE, &target, body.as_bytes(), &mut bytes);
        }
        bytes.extend_from_slice(b"\r\n");
        bytes.extend_from_slice(body.as_bytes());
        bytes
    }
}

impl Parts {
    fn signer(&self, path: &str) -> Option<Signer> {
        let host = &self.endpoint.host;
        let credentials = match self.service {
            Service::Sqs => self.access.credentials_or_placeholder(host),
            // Governing a server is never done by nobody in particular.
            Service::Bongsu => self.access.credentials(),
        };
        Some(Signer::new(credentials?, self.service.names().1, host.clone(), path.to_owned()))
    }
}

/// The first address that somebody listens on: `localhost` has two, and a server often only one of them. Where nobody does, any.
fn reachable(mut addresses: impl Iterator<Item = SocketAddr>) -> Option<SocketAddr> {
    let first = addresses.next()?;
    let Some(second) = addresses.next() else { return Some(first) };
    let listens = |address: &SocketAddr| TcpStream::connect_timeout(address, HANDSHAKE_PATIENCE).is_ok();
    Some([first, second].into_iter().chain(addresses).find(listens).unwrap_or(first))
}

fn refused(status: u16, body: &Value, source_of_keys: KeySource) -> CallError {
    let text = |name: &str| body[name].as_str().filter(|text| !text.is_empty());
    let code = text("__type").unwrap_or_default();
    let code = code.rsplit('#').next().unwrap_or(code).to_owned();
    let message = text("message").or_else(|| text("Message"));
    let message = message.map_or_else(|| format!("HTTP status {status}"), str::to_owned);
    CallError::Refused { code, message, source_of_keys }
}

#[cfg(test)]
mod tests {
    use super::{Caller, Request, Service};
    use crate::client::access::{Access, Said, Surroundings};
    use crate::client::refusal::CallError;
    use serde_json::json;
    use std::io::{BufRead as _, BufReader, Read as _, Write as _};
    use std::net::TcpListener;
    use std::thread::JoinHandle;

    /// Gives each request the next of these answers, on as many connections as are opened; its heads and bodies come back.
    fn server(answers: Vec<(u16, &'static str)>) -> (Caller, JoinHandle<Vec<String>>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let served = std::thread::spawn(move || {
            let mut requests = Vec::new();
            let mut answers = answers.into_iter().peekable();
            while answers.peek().is_some() {
                let (stream, _) = listener.accept().unwrap();
                let mut reader = BufReader::new(stream);
                while answers.peek().is_some() {
                    let (mut head, mut length) = (String::new(), 0);
                    while !head.ends_with("\r\n\r\n") {
                        if reader.read_line(&mut head).unwrap() == 0 {
                            break;
                        }
                        let line = head.lines().last().unwrap_or_default();
                        length = line
                            .strip_prefix("Content-Length: ")
                            .map_or(length, |text| text.parse().unwrap());
                    }
                    if head.is_empty() {
                        break;
                    }
                    let mut body = vec![0; length];
                    reader.read_exact(&mut body).unwrap();
                    requests.push(head + &String::from_utf8(body).unwrap());
                    let (status, body) = answers.next().unwrap();
                    let answer =
                        format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\n\r\n{body}", body.len());
                    reader.get_mut().write_all(answer.as_bytes()).unwrap();
                }
            }
            requests
        });
        let said = Said { endpoint: Some(url), ..Said::default() };
        let around = Surroundings::pretended(&[], |_| Err(std::io::ErrorKind::NotFound.into()));
        (Caller::new(Access::find(&said, &around).unwrap(), Service::Sqs).unwrap(), served)
    }

    #[test]
    fn requests_are_signed_and_leave_out_what_is_null() {
        let (mut caller, served) = server(vec![(200, "{\"a\":1}"), (200, "")]);
        assert_eq!(
            caller.call("ListQueues", json!({ "QueueNamePrefix": null, "b": 2 })).unwrap(),
            json!({ "a": 1 })
        );
        let elsewhere = Some(("/_aws/sqs/messages", "ShowDelayed=true".to_owned()));
        let peek = Request { action: "ReceiveMessage", input: json!({}), elsewhere };
        assert_eq!(
            caller.ask(&peek).unwrap(),
            json!({}),
            "older endpoints say nothing where there is nothing to say"
        );
        let requests = served.join().unwrap();
        assert!(requests[0].starts_with("POST / HTTP/1.1\r\n") && requests[0].ends_with("{\"b\":2}"));
        assert!(requests[0].contains("X-Amz-Target: AmazonSQS.ListQueues\r\n"));
        assert!(requests[0].contains("Credential=bongsu/"), "on this machine a placeholder does");
        assert!(requests[1].starts_with("POST /_aws/sqs/messages?ShowDelayed=true HTTP/1.1\r\n"));
    }

    #[test]
    fn what_is_throttled_is_asked_again() {
        let throttled = r#"{"__type":"com.amazonaws.sqs#RequestThrottled","message":"slower"}"#;
        let (mut caller, served) = server(vec![(403, throttled), (403, throttled), (200, "{}")]);
        assert_eq!(caller.call("PurgeQueue", json!({})).unwrap(), json!({}));
        assert_eq!(served.join().unwrap().len(), 3);
    }

    #[test]
    fn refusals_and_strangers_are_told_apart() {
        let refusal = r#"{"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"none"}"#;
        let (mut caller, served) = server(vec![(400, refusal), (404, "<html>"), (200, "<html>")]);
        assert_eq!(caller.call("A", json!({})).unwrap_err().code(), Some("QueueDoesNotExist"));
        for status in [404, 200] {
            match caller.call("A", json!({})).unwrap_err() {
                CallError::Stranger { status: found, .. } => assert_eq!(found, status),
                other => panic!("{other}"),
            }
        }
        served.join().unwrap();
    }
}
