use super::{Patience, Phase};
use crate::http::limits::Limits;
use crate::http::memory::BodyMemory;
use crate::http::stream::{Admission, Connection, SharedStream};
use crate::watch::Connections;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

const MAX_IDLE_SECONDS: u64 = 90;
const MAX_HEAD_SECONDS: u64 = 10;
const MAX_BODY_SECONDS: u64 = 60;

fn patience() -> Patience {
    Patience::new(Limits::default())
}

async fn pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (client, server) = tokio::join!(TcpStream::connect(address), listener.accept());
    (client.unwrap(), server.unwrap().0)
}

fn admit(stream: TcpStream, patience: &Patience) -> (SharedStream, Arc<Connection>) {
    let place = Arc::new(Semaphore::new(1)).try_acquire_owned().unwrap();
    let memory = BodyMemory::new(1 << 20, Duration::ZERO);
    let (peer, counted) = (IpAddr::V4(Ipv4Addr::LOCALHOST), Connections::default().open());
    let admission = Admission { peer, is_secure: false, memory, place, counted };
    SharedStream::new(stream, admission, patience)
}

fn pass(patience: &Patience, seconds: u64) {
    (0..seconds).for_each(|_| patience.pass_second());
}

/// Whether a byte still gets through: on loopback a connection that was ended before says so at once.
async fn carries(server: &mut SharedStream, client: &mut TcpStream) -> bool {
    server.write_all(b"!").await.is_ok() && client.read(&mut [0; 1]).await.is_ok_and(|read| read == 1)
}

#[tokio::test]
async fn an_idle_connection_is_closed_and_a_serving_one_is_not() {
    let patience = patience();
    let (mut idle_client, idle) = pair().await;
    let (mut busy_client, busy) = pair().await;
    let (mut idle_stream, idle) = admit(idle, &patience);
    let (mut busy_stream, busy) = admit(busy, &patience);
    idle.waiting().enter(Phase::Idle);
    busy.waiting().enter(Phase::Answer);
    pass(&patience, MAX_IDLE_SECONDS);
    assert!(carries(&mut idle_stream, &mut idle_client).await, "not a second early");
    pass(&patience, 1);
    assert!(!carries(&mut idle_stream, &mut idle_client).await, "nor a second late");
    pass(&patience, 10 * MAX_IDLE_SECONDS);
    assert!(carries(&mut busy_stream, &mut busy_client).await);
    // Idle from now on only.
    busy.waiting().enter(Phase::Idle);
    pass(&patience, MAX_IDLE_SECONDS);
    assert!(carries(&mut busy_stream, &mut busy_client).await);
    pass(&patience, 1);
    assert!(!carries(&mut busy_stream, &mut busy_client).await);
}

#[tokio::test]
async fn a_head_has_less_time_from_its_first_byte_on() {
    let patience = patience();
    let (mut client, server) = pair().await;
    let (mut stream, connection) = admit(server, &patience);
    pass(&patience, MAX_IDLE_SECONDS - 1);
    client.write_all(b"G").await.unwrap();
    stream.read_exact(&mut [0; 1]).await.unwrap();
    pass(&patience, MAX_HEAD_SECONDS - 1);
    // Further bytes don't begin anew.
    client.write_all(b"E").await.unwrap();
    stream.read_exact(&mut [0; 1]).await.unwrap();
    pass(&patience, 1);
    assert!(carries(&mut stream, &mut client).await, "not a second early");
    assert_eq!(connection.waiting().phase(), Phase::Head);
    pass(&patience, 1);
    assert!(!carries(&mut stream, &mut client).await);
}

#[tokio::test]
async fn a_slow_body_ends_and_can_still_be_answered() {
    let patience = patience();
    let (mut client, server) = pair().await;
    let (mut stream, connection) = admit(server, &patience);
    connection.waiting().enter_body();
    connection.waiting().body_grew(1 << 20);
    pass(&patience, MAX_BODY_SECONDS);
    assert!(!connection.waiting().body_is_overdue());
    pass(&patience, 1);
    assert!(connection.waiting().body_is_overdue());
    assert_eq!(stream.read(&mut [0; 1]).await.unwrap(), 0, "as if the client had stopped sending");
    stream.write_all(b"too slow").await.unwrap();
    assert_eq!(client.read(&mut [0; 8]).await.unwrap(), 8);
}

#[tokio::test]
async fn a_body_has_to_come_at_a_rate() {
    let patience = patience();
    let (_client, server) = pair().await;
    let (_stream, connection) = admit(server, &patience);
    let waiting = connection.waiting();
    waiting.enter_body();
    pass(&patience, 10);
    assert!(!waiting.body_is_overdue(), "everybody has ten seconds");
    waiting.body_grew(11 * 1024);
    pass(&patience, 1);
    assert!(!waiting.body_is_overdue());
    pass(&patience, 1);
    assert!(waiting.body_is_overdue(), "twelve seconds want twelve KiB");
    waiting.enter_body();
    assert!(!waiting.body_is_overdue(), "the next body begins anew");
}

#[tokio::test]
async fn those_who_never_asked_are_given_up_before_those_who_are_idle() {
    let patience = patience();
    let mut all = Vec::new();
    for phase in
        [Phase::Idle, Phase::New, Phase::Answer, Phase::Idle, Phase::Head, Phase::Body, Phase::NoStream]
    {
        let (client, server) = pair().await;
        let (stream, connection) = admit(server, &patience);
        pass(&patience, 1);
        connection.waiting().enter(phase);
        all.push((client, stream, connection));
    }
    // The oldest has just served a request.
    pass(&patience, 1);
    all[0].2.waiting().enter(Phase::Idle);
    let order = |count| {
        let position = |connection: Arc<Connection>| {
            all.iter().position(|(_, _, other)| Arc::ptr_eq(other, &connection)).unwrap()
        };
        let idle = patience.most_idle(count).into_iter();
        idle.map(|(_, connection)| position(connection.upgrade().unwrap())).collect::<Vec<_>>()
    };
    assert_eq!(order(9), [1, 4, 3, 6, 0]);
    assert_eq!(order(2), [1, 4]);
}

#[tokio::test]
async fn connections_that_are_gone_are_forgotten() {
    let patience = patience();
    let (_client, server) = pair().await;
    drop(admit(server, &patience));
    assert_eq!(patience.lock().len(), 1);
    pass(&patience, 1);
    assert_eq!(patience.lock().len(), 0);
}
