//! Talking to a server without an SDK.

use serde_json::Value;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

const ANSWER_LIMIT: Duration = Duration::from_secs(60);

/// The address in the line with which a server, or the null server, says that it is ready.
pub(crate) fn ready_address(log: &str) -> Option<String> {
    let line = log.lines().find(|line| line.contains("ready: listening on http://"))?;
    let rest = line.split_once("http://")?.1;
    // The rest of the line shows that the address is all there.
    Some(rest.split_once(',')?.0.to_owned())
}

/// One SQS action, unencrypted, on a connection of its own.
///
/// The signature is one in form only: emulators tell services apart by it, and none looks closer.
pub(crate) fn call(address: &str, action: &str, request: &Value) -> Result<Value, String> {
    let body = request.to_string();
    let head = format!(
        "POST / HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nX-Amz-Target: AmazonSQS.{action}\r\n\
         Authorization: AWS4-HMAC-SHA256 Credential=bench/20260101/us-east-1/sqs/aws4_request, SignedHeaders=host, \
         Signature=0\r\nContent-Type: application/x-amz-json-1.0\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    let exchange = || -> std::io::Result<Vec<u8>> {
        let mut stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(ANSWER_LIMIT))?;
        stream.write_all(format!("{head}{body}").as_bytes())?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        Ok(answer)
    };
    let answer = exchange().map_err(|error| error.to_string())?;
    let answer = String::from_utf8_lossy(&answer);
    let (head, body) = answer.split_once("\r\n\r\n").ok_or("no answer")?;
    if head.split(' ').nth(1) != Some("200") {
        return Err(format!("{} {body}", head.lines().next().unwrap_or_default()));
    }
    if body.is_empty() {
        Ok(Value::Null)
    } else {
        serde_json::from_str(body).map_err(|error| error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::ready_address;

    #[test]
    fn the_address_is_read_from_a_complete_ready_line() {
        let line =
            "2026 INFO ready: listening on http://127.0.0.1:40123, keeping messages in /d (journal: file)\n";
        assert_eq!(ready_address(line).as_deref(), Some("127.0.0.1:40123"));
        assert_eq!(ready_address("INFO ready: listening on http://127.0.0.1:401"), None);
        assert_eq!(ready_address("INFO opening\n"), None);
    }
}
