//! Waiting for nodes.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::plan::Node;
use super::process;
use crate::sh::{self, Error};

/// How often something is looked at again.
const PAUSE: Duration = Duration::from_millis(50);
/// How long one answer may take.
const ANSWER_MAX: Duration = Duration::from_secs(2);
/// The most bytes of an answer that are read.
const ANSWER_BYTES_MAX: u64 = 64 << 10;

/// Waits until something holds, or time is up; tells whether it holds.
#[expect(clippy::disallowed_methods, reason = "the clock on the wall is what is asked for")]
pub(super) fn until(patience: Duration, mut holds: impl FnMut() -> bool) -> bool {
    let start = Instant::now();
    loop {
        if holds() {
            return true;
        }
        if start.elapsed() >= patience {
            return false;
        }
        sleep(PAUSE);
    }
}

/// Waits until a node answers 200 at `path`.
///
/// # Errors
/// It has ended, or time is up: with its last answer and the end of its log.
pub(super) fn wait(node: &Node, path: &str, patience: Duration) -> sh::Result {
    let mut last = Err("nothing yet".to_owned());
    let mut is_running = true;
    until(patience, || {
        // Asked in this order, what a node says before it ends isn't missed.
        is_running = process::running(node).is_some();
        last = get(node.http, path);
        matches!(last, Ok((200, _))) || !is_running
    });
    let problem = match last {
        Ok((200, _)) => return Ok(()),
        _ if !is_running => "has ended".to_owned(),
        Ok((status, body)) => {
            format!("isn't ready after {} s: {status} {}", patience.as_secs(), body.trim_end())
        }
        Err(error) => format!("doesn't answer after {} s: {error}", patience.as_secs()),
    };
    let log = node.log.display();
    Err(Error::Message(format!(
        "{} {problem}; {log} ends with:\n{}",
        node.name,
        process::tail(node)
    )))
}

/// The status and body of what a node answers at `path`.
pub(super) fn get(port: u16, path: &str) -> Result<(u16, String), String> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let exchange = || -> std::io::Result<String> {
        let mut stream = TcpStream::connect_timeout(&address, ANSWER_MAX)?;
        stream.set_read_timeout(Some(ANSWER_MAX))?;
        stream.set_write_timeout(Some(ANSWER_MAX))?;
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes())?;
        let mut answer = String::new();
        stream.take(ANSWER_BYTES_MAX).read_to_string(&mut answer)?;
        Ok(answer)
    };
    let answer = exchange().map_err(|error| format!("{address}: {error}"))?;
    let parsed = || {
        let (head, body) = answer.split_once("\r\n\r\n")?;
        let status = head.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()?;
        Some((status, body.to_owned()))
    };
    parsed().ok_or_else(|| format!("{address} doesn't speak HTTP"))
}

/// Checks that a node's ports are free.
pub(super) fn check_ports(node: &Node) -> sh::Result {
    let taken = |port: u16, error: std::io::Error| {
        let name = &node.name;
        Error::Message(format!("{name}: 127.0.0.1:{port} is taken (--base-port): {error}"))
    };
    for port in [node.rpc, node.resp, node.http] {
        TcpListener::bind((Ipv4Addr::LOCALHOST, port)).map_err(|error| taken(port, error))?;
    }
    UdpSocket::bind((Ipv4Addr::LOCALHOST, node.rpc)).map_err(|error| taken(node.rpc, error))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn answers_are_read() {
        for (answer, expected) in [
            ("HTTP/1.1 200 OK\r\nA: b\r\n\r\nready\n", Ok((200, "ready\n".to_owned()))),
            ("HTTP/1.1 503 x\r\n\r\n{}", Ok((503, "{}".to_owned()))),
            ("-ERR\r\n", Err(())),
            ("", Err(())),
        ] {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
            let port = listener.local_addr().unwrap().port();
            let server = thread::spawn(move || {
                let (mut stream, _) = listener.accept().unwrap();
                let mut request = [0; 4];
                stream.read_exact(&mut request).unwrap();
                stream.write_all(answer.as_bytes()).unwrap();
                stream.shutdown(std::net::Shutdown::Write).unwrap();
                let mut rest = Vec::new();
                let _ = stream.read_to_end(&mut rest);
                request
            });
            assert_eq!(get(port, "/readyz").map_err(|_problem| ()), expected);
            assert_eq!(&server.join().unwrap(), b"GET ");
        }
    }
}
