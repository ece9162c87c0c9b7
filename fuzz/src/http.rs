//! Whole requests, byte by byte, to a server in this process: it answers or hangs up, and never with an internal failure.
use bongsu_journal::{MemoryJournal, MemoryOptions};
use bongsu_server::config::{JournalKind, Overrides, Settings};
use bongsu_server::{MasterKey, Node, NodeOptions, Server};
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::OnceLock;
use std::time::Duration;

struct Running {
    address: SocketAddr,
    _server: Server,
    _runtime: tokio::runtime::Runtime,
}

fn server() -> &'static Running {
    static RUNNING: OnceLock<Running> = OnceLock::new();
    RUNNING.get_or_init(|| {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let journal = Box::new(MemoryJournal::new(MemoryOptions::default()));
        let node = Node::start(journal, NodeOptions::new([1; 32], 1)).expect("a node on nothing");
        let master = MasterKey::from_text(&"07".repeat(32)).expect("64 digits are a key");
        // As its node: nothing is kept, metrics neither.
        let overrides = Overrides { journal: Some(JournalKind::Memory), ..Overrides::default() };
        let settings = Settings::load(None, overrides).expect("the defaults");
        let server = runtime.block_on(async {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
            Server::start(listener, node, &settings, master).await.expect("a server")
        });
        Running { address: server.local_address(), _server: server, _runtime: runtime }
    })
}

/// One run of the target.
pub fn run(data: &[u8]) {
    // Long polls are tested elsewhere; here they would only take time.
    if data.windows(8).any(|part| part.eq_ignore_ascii_case(b"WaitTime")) {
        return;
    }
    let mut stream = TcpStream::connect(server().address).expect("a connection");
    stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a time limit");
    let _ = stream.write_all(data);
    let _ = stream.shutdown(Shutdown::Write);
    let mut answer = Vec::new();
    match stream.read_to_end(&mut answer) {
        Err(error)
            if matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut) =>
        {
            panic!("no end of the answer: {:?}", String::from_utf8_lossy(&answer));
        }
        _ => {}
    }
    let failed = answer.starts_with(b"HTTP/1.1 500") || answer.starts_with(b"HTTP/1.0 500");
    assert!(!failed, "{}", String::from_utf8_lossy(&answer));
}
