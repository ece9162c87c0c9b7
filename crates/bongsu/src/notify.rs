//! Tells a service manager how far the server is: systemd's readiness protocol, a datagram with lines of `NAME=value` to
//! the socket that `NOTIFY_SOCKET` names (`sd_notify(3)`).
//!
//! Whoever started the process without a service manager has no such variable, and nothing is sent. That it can't be
//! sent is a warning and no more: the manager finds out by its own time limits, and queues work all the same.

use std::ffi::{OsStr, OsString};
use std::io;
#[cfg(target_os = "linux")]
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};

/// Where states are sent, if anywhere.
pub(crate) struct Notify {
    socket: Option<OsString>,
}

impl Notify {
    /// To whom the environment says.
    pub(crate) fn from_environment() -> Self {
        Self { socket: std::env::var_os("NOTIFY_SOCKET").filter(|name| !name.is_empty()) }
    }

    /// What it is doing now, for people who ask the manager.
    pub(crate) fn status(&self, status: &str) {
        self.send(&format!("STATUS={}", one_line(status)));
    }

    /// It can be used from now on.
    pub(crate) fn ready(&self, status: &str) {
        self.send(&format!("READY=1\nSTATUS={}", one_line(status)));
    }

    /// It is going down, as it was told to.
    pub(crate) fn stopping(&self) {
        self.send("STOPPING=1\nSTATUS=stopping: ending long polls and finishing requests");
    }

    fn send(&self, state: &str) {
        let Some(name) = &self.socket else { return };
        if let Err(error) = send(name, state) {
            tracing::warn!("the service manager at {} can't be told: {error}", name.display());
        }
    }
}

fn send(name: &OsStr, state: &str) -> io::Result<()> {
    let address = match name.as_bytes() {
        // Linux's own namespace of sockets, which are no files.
        #[cfg(target_os = "linux")]
        [b'@', name @ ..] => SocketAddr::from_abstract_name(name)?,
        _ => SocketAddr::from_pathname(name)?,
    };
    let socket = UnixDatagram::unbound()?;
    // A manager that doesn't read must not hold up the server.
    socket.set_nonblocking(true)?;
    socket.send_to_addr(state.as_bytes(), &address).map(|_| ())
}

/// A line break would begin another assignment.
fn one_line(text: &str) -> String {
    text.replace(['\n', '\r'], " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_arrive_at_a_socket_that_is_a_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("notify");
        let manager = UnixDatagram::bind(&path).unwrap();
        let notify = Notify { socket: Some(path.into()) };
        notify.ready("one\nREADY=0");
        notify.stopping();
        assert_eq!(receive(&manager), "READY=1\nSTATUS=one READY=0");
        assert!(receive(&manager).starts_with("STOPPING=1\nSTATUS="));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn states_arrive_at_an_abstract_socket() {
        let name = format!("bongsu-notify-test-{}", std::process::id());
        let manager = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
        Notify { socket: Some(format!("@{name}").into()) }.status("reading");
        assert_eq!(receive(&manager), "STATUS=reading");
    }

    #[test]
    fn nobody_to_tell_and_nobody_who_listens_are_no_harm() {
        Notify { socket: None }.ready("x");
        Notify { socket: Some("/nonexistent/notify".into()) }.ready("x");
        assert!(send(OsStr::new("/nonexistent/notify"), "READY=1").is_err());
    }

    fn receive(manager: &UnixDatagram) -> String {
        let mut bytes = [0; 512];
        manager.set_read_timeout(Some(std::time::Duration::from_secs(10))).unwrap();
        let length = manager.recv(&mut bytes).unwrap();
        String::from_utf8_lossy(&bytes[..length]).into_owned()
    }
}
