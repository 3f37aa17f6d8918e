//! Links between nodes that can be cut, without any help of the operating system.
//!
//! Each node is known to the others by the address of a *relay*, which passes on what is sent there.
//! A relay knows who sends: datagrams by the address that they come from, connections by the first
//! bytes on them, in which a node says where it can be reached itself. So each direction of each
//! link can be cut on its own:
//!
//! - datagrams on it are lost;
//! - what connections carry is held back, and goes on when the link is healed, as a network brings
//!   again what was lost. New connections are made, but nothing comes through.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

use crate::node::own_address;

/// More than the first bytes of a connection, and than any datagram.
const BUFFER_BYTES: usize = 64 << 10;

/// The links of a cluster.
pub(crate) struct Links(Arc<Shared>);

struct Shared {
    places: Vec<Place>,
    /// From whom to whom nothing gets through.
    cut: Mutex<BTreeSet<(usize, usize)>>,
    changed: Condvar,
}

/// Where a node is.
struct Place {
    /// Where it listens.
    own: SocketAddr,
    /// Where the others believe it to be.
    relay: SocketAddr,
    datagrams: UdpSocket,
}

impl Links {
    /// Relays for so many nodes.
    pub(crate) fn new(nodes: usize) -> Self {
        let (places, listeners): (Vec<_>, Vec<_>) = (0..nodes).map(|_| Place::new()).unzip();
        let (cut, changed) = Default::default();
        let shared = Arc::new(Shared { places, cut, changed });
        for (to, listener) in listeners.into_iter().enumerate() {
            let connections = shared.clone();
            thread::spawn(move || connections.take_in(&listener, to));
            let datagrams = shared.clone();
            thread::spawn(move || datagrams.pass_datagrams(to));
        }
        Self(shared)
    }

    /// Where the node has to listen.
    pub(crate) fn own(&self, node: usize) -> SocketAddr {
        self.0.places[node].own
    }

    /// Where others reach the node.
    pub(crate) fn relay(&self, node: usize) -> SocketAddr {
        self.0.places[node].relay
    }

    /// From now on nothing gets from any of `from` to any of `to`.
    pub(crate) fn cut(&self, from: &[usize], to: &[usize]) {
        let links = from.iter().flat_map(|from| to.iter().map(|to| (*from, *to)));
        self.0.cut.lock().unwrap().extend(links);
    }

    /// The same, in both directions.
    pub(crate) fn part(&self, some: &[usize], others: &[usize]) {
        self.cut(some, others);
        self.cut(others, some);
    }

    /// Everything gets through again.
    pub(crate) fn heal(&self) {
        self.0.cut.lock().unwrap().clear();
        self.0.changed.notify_all();
    }
}

impl Place {
    fn new() -> (Self, TcpListener) {
        let listener = TcpListener::bind(own_address()).unwrap();
        let relay = listener.local_addr().unwrap();
        let datagrams = UdpSocket::bind(relay).unwrap();
        // A free port of an address that nobody else uses.
        let own = TcpListener::bind(own_address()).unwrap().local_addr().unwrap();
        (Self { own, relay, datagrams }, listener)
    }

    /// How a node that is reached here says so: the address, and the port as postcard has it.
    fn as_said(&self) -> Vec<u8> {
        let (SocketAddr::V4(relay), port) = (self.relay, self.relay.port()) else {
            panic!("{} is not of IPv4", self.relay)
        };
        let low_bits = |shift: u16| (port >> shift) as u8 & 0x7f;
        let port = match port {
            0..0x80 => vec![low_bits(0)],
            0x80..0x4000 => vec![low_bits(0) | 0x80, low_bits(7)],
            0x4000.. => vec![low_bits(0) | 0x80, low_bits(7) | 0x80, low_bits(14)],
        };
        [&relay.ip().octets(), port.as_slice()].concat()
    }
}

impl Shared {
    fn is_cut(&self, from: usize, to: usize) -> bool {
        self.cut.lock().unwrap().contains(&(from, to))
    }

    /// Waits until the link is healed, if it is cut.
    fn wait(&self, from: usize, to: usize) {
        let cut = self.cut.lock().unwrap();
        drop(self.changed.wait_while(cut, |cut| cut.contains(&(from, to))).unwrap());
    }

    fn pass_datagrams(&self, to: usize) {
        let mut buffer = vec![0; BUFFER_BYTES];
        loop {
            // An error is about one that was sent to a node that is gone.
            let Ok((length, sender)) = self.places[to].datagrams.recv_from(&mut buffer) else {
                continue;
            };
            let Some(from) = self.places.iter().position(|place| place.own == sender) else {
                continue;
            };
            if !self.is_cut(from, to) {
                let datagram = &buffer[..length];
                let _ = self.places[from].datagrams.send_to(datagram, self.places[to].own);
            }
        }
    }

    fn take_in(self: Arc<Self>, listener: &TcpListener, to: usize) {
        for stream in listener.incoming().flatten() {
            let shared = self.clone();
            thread::spawn(move || {
                // Connections may break at any time.
                let _ = shared.join(stream, to);
            });
        }
    }

    /// Passes on what is said on a connection to the node `to`, and the answers.
    fn join(self: Arc<Self>, mut near: TcpStream, to: usize) -> std::io::Result<()> {
        let mut first = vec![0; BUFFER_BYTES];
        let mut length = 0;
        let from = loop {
            match near.read(&mut first[length..])? {
                0 => return Ok(()),
                more => length += more,
            }
            let said = &first[..length];
            let is_from = |place: &Place| {
                let address = place.as_said();
                said.windows(address.len()).any(|part| part == address)
            };
            if let Some(from) = self.places.iter().position(is_from) {
                break from;
            }
        };
        self.wait(from, to);
        let far = TcpStream::connect(self.places[to].own)?;
        near.set_nodelay(true)?;
        far.set_nodelay(true)?;
        (&far).write_all(&first[..length])?;
        let (shared, back) = (self.clone(), (far.try_clone()?, near.try_clone()?));
        thread::spawn(move || shared.pass(back.0, back.1, to, from));
        self.pass(near, far, from, to);
        Ok(())
    }

    fn pass(&self, mut source: TcpStream, mut target: TcpStream, from: usize, to: usize) {
        let mut buffer = vec![0; BUFFER_BYTES];
        loop {
            let read = source.read(&mut buffer);
            self.wait(from, to);
            match read {
                // The other direction may go on.
                Ok(0) => return target.shutdown(Shutdown::Write).unwrap_or_default(),
                Ok(length) if target.write_all(&buffer[..length]).is_ok() => {}
                Ok(_) | Err(_) => {
                    let _ = target.shutdown(Shutdown::Both);
                    let _ = source.shutdown(Shutdown::Both);
                    return;
                }
            }
        }
    }
}
