//! Garbage, half messages, giant lengths and dawdlers on every port, while a client works.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::time::Duration;

use tempfile::TempDir;

use crate::cluster::Cluster;
use crate::load::Load;
use crate::node::Addresses;
use crate::secured::write;

/// How much more memory a node may take because of strangers.
#[cfg(target_os = "linux")]
const MEMORY_MIB_MAX: u64 = 256;
/// How much a node may log because of them.
const LOG_BYTES_MAX: usize = 4 << 20;
/// How often each message is sent.
const TIMES: usize = 20;
/// Connections that ask for much, and read nothing of it.
const GLUTTONS: usize = 3;
/// Connections that say nothing, and stay.
const IDLERS: usize = 50;

#[test]
fn strangers_harm_nobody() {
    besieged(Cluster::start(3, &[]));
}

#[test]
fn strangers_harm_nobody_behind_a_key() {
    let folder = TempDir::new().unwrap();
    let key = write(folder.path(), "key", "the key of this cluster\n");
    let flags = vec!["--cluster-key-file".to_owned(), key];
    besieged(Cluster::start_with(folder, 3, |_, _| flags.clone()));
}

fn besieged(mut cluster: Cluster) {
    let load = Load::start(2, &cluster.doors());
    load.goes_on(100);
    let log_before = cluster[0].log().len();
    #[cfg(target_os = "linux")]
    let memory_before = cluster[0].memory_mib();

    // These stay for the whole time.
    let addresses = cluster[0].addresses().clone();
    let mut guests = Guests::default();
    for (port, messages) in ports(&addresses) {
        for message in messages {
            for _ in 0..TIMES {
                guests.send(port, &message);
            }
        }
        for _ in 0..IDLERS {
            guests.send(port, b"");
        }
        load.goes_on(10);
    }
    datagrams(addresses.rpc);
    glutton(&mut guests, addresses.resp);
    load.goes_on(100);
    // Letter by letter.
    for _ in 0..10 {
        guests.dawdle();
        load.goes_on(5);
    }

    #[cfg(target_os = "linux")]
    {
        let memory = cluster[0].memory_mib();
        let most = memory_before + MEMORY_MIB_MAX;
        assert!(memory < most, "{memory} MiB, {memory_before} MiB before");
    }
    let logged = cluster[0].log().len() - log_before;
    assert!(logged < LOG_BYTES_MAX, "{logged} bytes of log");
    cluster.wait_for_all();
    let written = load.stop();
    written.is_read_through(&cluster.doors());
    drop(guests);
    cluster.is_unharmed();
    for node in cluster.nodes() {
        assert!(!node.log().contains("panicked"), "{}", node.log());
    }
}

/// What strangers say, by port.
fn ports(addresses: &Addresses) -> [(SocketAddr, Vec<Vec<u8>>); 3] {
    let noise: Vec<u8> =
        (0..20_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let rpc = vec![
        noise.clone(),
        vec![0; 5_000],
        vec![255; 5_000],
        // Lengths of which nothing follows, in either order of bytes.
        vec![0, 0, 0, 200],
        vec![200, 0, 0, 0],
        vec![0x7f, 0xff, 0xff, 0xff],
        vec![1, 0, 0, 0, 0, 0, 0, 0, 0],
        b"GET / HTTP/1.1\r\nHost: kvs\r\n\r\n".to_vec(),
    ];
    let resp = vec![
        noise.clone(),
        b"*1000000000\r\n".to_vec(),
        b"*2\r\n$99999999999999999999\r\n".to_vec(),
        b"*2\r\n$3\r\nGET\r\n$16777216\r\nhalf".to_vec(),
        b"*-5\r\n$-5\r\n".to_vec(),
        b"*1\r\n".repeat(50_000),
        // A line without an end.
        vec![b'a'; 2 << 20],
        b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$5\r\nvalu".to_vec(),
    ];
    let http = vec![
        noise,
        [b"GET / HTTP/1.1\r\nX: ".to_vec(), vec![b'a'; 2 << 20]].concat(),
        b"GET / HTTP/1.1\r\n".iter().chain(&b"A: b\r\n".repeat(20_000)).copied().collect(),
        b"POST /v1/ring HTTP/1.1\r\nHost: kvs\r\nContent-Length: 999999999999\r\n\r\nhalf".to_vec(),
        b"POST /v1/ring HTTP/1.1\r\nHost: kvs\r\nTransfer-Encoding: chunked\r\n\r\nffffffffff\r\n"
            .to_vec(),
        b"GET /healthz HTT".to_vec(),
    ];
    [(addresses.rpc, rpc), (addresses.resp, resp), (addresses.http, http)]
}

/// Connections that are kept.
#[derive(Default)]
struct Guests(Vec<TcpStream>);

impl Guests {
    fn send(&mut self, port: SocketAddr, message: &[u8]) {
        // They may be turned away, or be cut off halfway.
        let Ok(mut stream) = TcpStream::connect_timeout(&port, Duration::from_secs(5)) else {
            return;
        };
        stream.set_write_timeout(Some(Duration::from_secs(1))).unwrap();
        let _ = stream.write_all(message);
        self.0.push(stream);
    }

    fn dawdle(&mut self) {
        for stream in &mut self.0 {
            let _ = stream.write(&[7]);
        }
    }
}

/// Asks for much and reads nothing of it.
fn glutton(guests: &mut Guests, port: SocketAddr) {
    let value = vec![b'v'; 64 << 10];
    let mut stream = TcpStream::connect(port).unwrap();
    stream.set_read_timeout(Some(crate::PATIENCE)).unwrap();
    write!(stream, "*3\r\n$3\r\nSET\r\n$5\r\nlarge\r\n${}\r\n", value.len()).unwrap();
    stream.write_all(&value).unwrap();
    stream.write_all(b"\r\n").unwrap();
    let mut answer = [0; 5];
    stream.read_exact(&mut answer).unwrap();
    for _ in 0..GLUTTONS {
        guests.send(port, &b"*2\r\n$3\r\nGET\r\n$5\r\nlarge\r\n".repeat(1_000));
    }
}

fn datagrams(port: SocketAddr) {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    for n in 0..2_000_u32 {
        let length = usize::try_from(n * 37 % 1_500).unwrap();
        let bytes: Vec<u8> = (0..length).map(|i| ((i as u32 * n) >> 3) as u8).collect();
        let _ = socket.send_to(&bytes, port);
        // The first bytes of what is ours.
        let _ = socket.send_to(&[&[(n % 4) as u8], &bytes[..]].concat(), port);
    }
    let _ = socket.send_to(&vec![0; 60_000], port);
}
