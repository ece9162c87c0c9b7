//! Asks a service, one request after the other or several at a time.

use super::access::{Access, KeySource};
use super::date::unix_time;
use super::http::{Connection, Endpoint};
use super::refusal::CallError;
use super::sign::{Signer, encoded};
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
const USER_AGENT: &str = concat!("bongsu/", env!("CARGO_PKG_VERSION"));
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
}

impl Request {
    /// A usual one.
    #[must_use]
    pub fn new(action: &'static str, input: Value) -> Self {
        Self { action, input }
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
        self.freshen();
        self.runtime.block_on(self.line.ask(&Request::new(action, input)))
    }

    /// Gets a page of the server, in JSON. The parameters are ordered by name, as a signature wants them. A GET names no action, so
    /// that a service that has no such page does nothing.
    ///
    /// # Errors
    /// [`CallError`]; refusals in XML too.
    pub fn get(&mut self, path: &str, parameters: &[(&str, &str)]) -> Result<Value, CallError> {
        self.freshen();
        let parameters =
            parameters.iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value)));
        let query = parameters.collect::<Vec<_>>().join("&");
        self.runtime.block_on(self.line.get(path, &query))
    }

    /// A connection that was idle may have been ended by the server.
    fn freshen(&mut self) {
        let now_s = unix_time().as_secs();
        if now_s.saturating_sub(self.last_used_s) >= IDLE_S {
            self.line.connection.close();
        }
        self.last_used_s = now_s;
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
        let source = self.parts.access.source;
        let (status, body) = self.exchange(&bytes).await?;
        let parsed: Option<Value> = match &body[..] {
            // Older endpoints say nothing where there is nothing to say.
            b"" => Some(Value::Object(serde_json::Map::new())),
            body => serde_json::from_slice(body).ok(),
        };
        match (status, parsed) {
            (200, Some(body)) => Ok(body),
            (_, Some(body)) if body["__type"].is_string() => {
                let text = |name: &str| body[name].as_str().unwrap_or_default();
                let message = [text("message"), text("Message")].concat();
                Err(refused(status, text("__type"), &message, source))
            }
            _ => Err(self.stranger(status)),
        }
    }

    async fn get(&mut self, path: &str, query: &str) -> Result<Value, CallError> {
        let mut bytes = format!(
            "GET {path}?{query} HTTP/1.1\r\nHost: {}\r\nAccept: application/json\r\nUser-Agent: {USER_AGENT}\r\n",
            self.parts.endpoint.host
        )
        .into_bytes();
        if let Some(signer) = &mut self.signer {
            signer.sign_get(unix_time().as_secs(), path, query, &mut bytes);
        }
        bytes.extend_from_slice(b"\r\n");
        let source = self.parts.access.source;
        let (status, body) = self.exchange(&bytes).await?;
        let parsed: Option<Value> = serde_json::from_slice(&body).ok();
        if let (200, Some(body)) = (status, parsed.as_ref()) {
            return Ok(body.clone());
        }
        let in_json =
            |name: &str| parsed.as_ref()?["ErrorResponse"]["Error"][name].as_str().map(str::to_owned);
        let text = String::from_utf8_lossy(&body);
        let member = |name: &str| in_json(name).or_else(|| element(&text, name));
        match member("Code") {
            Some(code) if status != 200 => {
                Err(refused(status, &code, &member("Message").unwrap_or_default(), source))
            }
            _ => Err(self.stranger(status)),
        }
    }

    fn stranger(&self, status: u16) -> CallError {
        let Parts { access, service, .. } = &*self.parts;
        CallError::Stranger { endpoint: access.url.clone(), service: service.names().2, status }
    }

    async fn exchange(&mut self, request: &[u8]) -> Result<(u16, Vec<u8>), CallError> {
        let answer = tokio::time::timeout(PATIENCE, self.connection.exchange(request)).await;
        let answer =
            answer.unwrap_or_else(|_| Err(io::Error::new(io::ErrorKind::TimedOut, "no answer for 50 s")));
        match answer {
            Ok(answer) => Ok((answer.status, answer.body.to_vec())),
            Err(reason) => {
                // What comes late would be taken for the answer to the next request.
                self.connection.close();
                Err(CallError::Unreachable { endpoint: self.parts.access.url.clone(), reason })
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
        let mut bytes = format!(
            "POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: {CONTENT_TYPE}\r\nX-Amz-Target: {target}\r\n\
             User-Agent: {USER_AGENT}\r\nContent-Length: {}\r\n",
            body.len(),
        )
        .into_bytes();
        if let Some(signer) = &mut self.signer {
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

fn refused(status: u16, code: &str, message: &str, source_of_keys: KeySource) -> CallError {
    let code = code.rsplit('#').next().unwrap_or(code).to_owned();
    let message = if message.is_empty() { format!("HTTP status {status}") } else { message.to_owned() };
    CallError::Refused { code, message, source_of_keys }
}

/// The text of the first such element.
fn element(xml: &str, name: &str) -> Option<String> {
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    Some(rest.split_once('<')?.0.to_owned())
}

#[cfg(test)]
mod tests {
    use super::{Caller, Service};
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
        let (mut caller, served) = server(vec![(200, "{\"a\":1}"), (200, ""), (200, "{}")]);
        assert_eq!(
            caller.call("ListQueues", json!({ "QueueNamePrefix": null, "b": 2 })).unwrap(),
            json!({ "a": 1 })
        );
        assert_eq!(
            caller.call("PurgeQueue", json!({})).unwrap(),
            json!({}),
            "older endpoints say nothing then"
        );
        assert_eq!(caller.get("/page", &[("a", "b c"), ("d", "")]).unwrap(), json!({}));
        let requests = served.join().unwrap();
        assert!(requests[0].starts_with("POST / HTTP/1.1\r\n") && requests[0].ends_with("{\"b\":2}"));
        assert!(requests[0].contains("X-Amz-Target: AmazonSQS.ListQueues\r\n"));
        assert!(requests[0].contains("Credential=bongsu/"), "on this machine a placeholder does");
        assert!(
            requests[2].starts_with("GET /page?a=b%20c&d= HTTP/1.1\r\n")
                && !requests[2].contains("X-Amz-Target")
        );
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

    #[test]
    fn pages_refuse_in_json_and_in_xml() {
        let in_json = r#"{"ErrorResponse":{"Error":{"Code":"NonExistentQueue","Message":"none"}}}"#;
        let in_xml =
            "<ErrorResponse><Error><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>";
        let (mut caller, served) =
            server(vec![(400, in_json), (403, in_xml), (404, "not found"), (200, "<html>")]);
        assert_eq!(caller.get("/p", &[]).unwrap_err().code(), Some("NonExistentQueue"));
        assert_eq!(caller.get("/p", &[]).unwrap_err().code(), Some("AccessDenied"));
        assert!(matches!(caller.get("/p", &[]), Err(CallError::Stranger { status: 404, .. })));
        assert!(matches!(caller.get("/p", &[]), Err(CallError::Stranger { status: 200, .. })));
        served.join().unwrap();
    }
}
