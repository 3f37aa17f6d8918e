//! Peers that die, come back, hang or shut down.

use std::net::SocketAddr;

use kvs_core::env::net::{BoxByteStream, Listener, Network};
use kvs_core::env::{Background, spawn};
use tokio::io::AsyncWriteExt;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::*;
use crate::transport::connection::FrameReader;

impl Node {
    /// A call of `method` in a task of its own, on its way when this returns.
    async fn asking(
        self: &Arc<Self>,
        to: &Arc<Node>,
        method: u16,
    ) -> JoinHandle<Result<Vec<u8>, CallError>> {
        let begun = to.desk.begun.load(Ordering::SeqCst);
        let (from, there) = (self.clone(), to.clone());
        let call = spawn(async move { from.ask(&there, method, b"x").await });
        until("the request arrives", || to.desk.begun.load(Ordering::SeqCst) > begun).await;
        call
    }

    async fn running(&self, count: usize) {
        until("so many requests run", || self.desk.running.load(Ordering::SeqCst) == count).await;
    }
}

async fn pair() -> (Arc<Node>, Arc<Node>) {
    (Arc::new(Node::start().await), Arc::new(Node::start().await))
}

#[tokio::test]
async fn calls_in_flight_are_lost_when_the_peer_dies() {
    let (a, b) = pair().await;
    let call = a.asking(&b, NEVER).await;
    assert!(!b.transport.shutdown(Duration::ZERO).await);
    let error = call.await.unwrap().unwrap_err();
    assert!(matches!(error, CallError::Lost { reason: Reason::Ended(_), .. }), "{error}");
    // What ran for the connection is dropped with it.
    b.running(0).await;
}

#[tokio::test]
async fn a_peer_that_comes_back_is_reached_again() {
    let (a, b) = pair().await;
    a.ask(&b, ECHO, b"").await.unwrap();
    let address = b.transport.local_address();
    b.transport.shutdown(LONG).await;
    let error = a.ask(&b, ECHO, b"").await.unwrap_err();
    assert!(!error.was_sent(), "{error}");
    let mut config = config();
    config.listen = address;
    let again = Node::with(config).await;
    // After the pause; a call meanwhile fails, at once and surely not sent.
    let began = Instant::now();
    while let Err(error) = a.ask(&again, ECHO, b"").await {
        assert!(!error.was_sent(), "{error}");
        assert!(began.elapsed() < LONG);
        sleep(Duration::from_millis(10)).await;
    }
    let target = Target { address, ..b.target() };
    let call = a.transport.call(target, Channel::Control, ECHO, vec![], LONG).await;
    let error = call.unwrap_err();
    assert!(
        matches!(error, CallError::NotSent { reason: Reason::WrongNode { .. }, .. }),
        "{error}"
    );
}

/// The sockets of the system, counting attempts to connect.
#[derive(Default)]
struct Counting {
    attempts: AtomicUsize,
}

#[async_trait]
impl Network for Counting {
    async fn listen(&self, address: SocketAddr) -> std::io::Result<Box<dyn Listener>> {
        Sockets.listen(address).await
    }

    async fn connect(&self, address: SocketAddr) -> std::io::Result<BoxByteStream> {
        self.attempts.fetch_add(1, Ordering::SeqCst);
        Sockets.connect(address).await
    }

    async fn datagrams(
        &self,
        address: SocketAddr,
    ) -> std::io::Result<Arc<dyn kvs_core::env::net::Datagrams>> {
        Sockets.datagrams(address).await
    }

    async fn resolve(&self, name: &str) -> std::io::Result<Vec<SocketAddr>> {
        Sockets.resolve(name).await
    }
}

#[tokio::test]
async fn calls_to_a_dead_address_fail_without_another_attempt() {
    let network = Arc::new(Counting::default());
    let mut config = config();
    (config.back_off_min, config.back_off_max) = (LONG, LONG);
    let desk = Arc::new(Desk::default());
    let a = Transport::start(config, network.clone(), Env::system(), desk).await.unwrap();
    let vacant = Sockets.listen("127.0.0.1:0".parse().unwrap()).await.unwrap().address().unwrap();
    let target = Target { id: None, address: vacant };
    for _ in 0..100 {
        let call = a.call(target, Channel::Control, ECHO, vec![], LONG);
        let error = call.await.unwrap_err();
        let CallError::NotSent { reason: Reason::Unreachable { error, retry }, .. } = error else {
            panic!("{error}")
        };
        assert!(matches!(error, ConnectError::Io { .. }), "{error}");
        assert!(retry > Duration::ZERO && retry <= LONG);
    }
    assert_eq!(network.attempts.load(Ordering::SeqCst), 1);
}

/// Passes bytes to `to` until it is told to freeze; then it holds both connections and passes nothing.
async fn freezing(to: SocketAddr) -> (SocketAddr, oneshot::Sender<()>, Background) {
    let mut listener = Sockets.listen("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let address = listener.address().unwrap();
    let (freeze, mut frozen) = oneshot::channel();
    let pass = async move {
        let (mut near, _) = listener.accept().await.unwrap();
        let mut far = Sockets.connect(to).await.unwrap();
        tokio::select! {
            biased;
            _ = &mut frozen => {}
            _ = tokio::io::copy_bidirectional(&mut near, &mut far) => {}
        }
        // Whoever connects from now on waits in the queue of the listener.
        std::future::pending::<()>().await;
    };
    (address, freeze, Background::run(pass))
}

#[tokio::test]
async fn a_frozen_peer_is_given_up_and_then_not_waited_for() {
    let mut quick = config();
    (quick.keep_alive, quick.handshake_timeout) = (Duration::from_millis(400), LONG);
    let a = Node::with(quick.clone()).await;
    quick.node = NodeId::new(&Env::system());
    let b = Node::with(quick).await;
    let (address, freeze, _proxy) = freezing(b.transport.local_address()).await;
    let target = Target { id: Some(b.id), address };
    let call = |method| a.transport.call(target, Channel::Control, method, b"x".to_vec(), LONG);
    call(ECHO).await.unwrap();
    let asked = async {
        b.running(1).await;
        freeze.send(()).unwrap();
    };
    let (lost, ()) = tokio::join!(call(NEVER), asked);
    let lost = lost.unwrap_err();
    assert!(
        matches!(&lost, CallError::Lost { reason: Reason::Ended(why), .. } if why.contains("silent")),
        "{lost}"
    );
    // The other side notices as well.
    b.running(0).await;
    // Nobody waits for the whole deadline of the handshake, which goes on in the background.
    let began = Instant::now();
    let error = call(ECHO).await.unwrap_err();
    assert!(!error.was_sent(), "{error}");
    assert!(began.elapsed() < LONG / 2);
}

#[tokio::test]
async fn idle_and_slow_connections_are_kept_by_pings() {
    let mut quick = config();
    quick.keep_alive = Duration::from_millis(1000);
    let a = Node::with(quick.clone()).await;
    (quick.node, quick.requests_in_flight_max) = (NodeId::new(&Env::system()), 1);
    let b = Node::with(quick).await;
    a.ask(&b, ECHO, b"").await.unwrap();
    sleep(Duration::from_millis(1500)).await;
    // One runs, and the other is not even read; the deadline ends them, and not the silence.
    let calls = (0..2).map(|_| {
        let deadline = Duration::from_millis(2500);
        a.transport.call(b.target(), Channel::Control, NEVER, vec![], deadline)
    });
    for answer in futures_util::future::join_all(calls).await {
        let error = answer.unwrap_err();
        assert!(matches!(error, CallError::Lost { reason: Reason::Deadline(_), .. }), "{error}");
    }
    assert_eq!(a.transport.counters()[0].1.errors, 0);
}

#[tokio::test]
async fn requests_beyond_the_limit_wait_at_the_sender() {
    let mut config = config();
    config.requests_in_flight_max = 4;
    let (a, b) = (Arc::new(Node::start().await), Arc::new(Node::with(config).await));
    let calls: Vec<_> = (0..20)
        .map(|_| {
            let (a, b) = (a.clone(), b.clone());
            spawn(async move { a.ask(&b, SLOW, b"x").await })
        })
        .collect();
    for call in calls {
        call.await.unwrap().unwrap();
    }
    assert_eq!(b.desk.running_most.load(Ordering::SeqCst), 4);
    assert_eq!(b.desk.begun.load(Ordering::SeqCst), 20);
}

#[tokio::test]
async fn more_calls_than_allowed_are_refused_as_busy() {
    let mut config = config();
    config.requests_in_flight_max = 1;
    let (a, b) = (Node::start().await, Node::with(config).await);
    let held = (0..CALLS_IN_FLIGHT_MAX).map(|_| a.ask(&b, NEVER, b""));
    let mut held = futures_util::future::join_all(held);
    let refused = async {
        b.running(1).await;
        a.ask(&b, ECHO, b"").await.unwrap_err()
    };
    let error = tokio::select! {
        biased;
        _ = &mut held => panic!("answered"),
        error = refused => error,
    };
    assert!(matches!(error, CallError::NotSent { reason: Reason::Busy { .. }, .. }), "{error}");
    // Calls that are given up make room again.
    drop(held);
    let call =
        a.transport.call(b.target(), Channel::Control, NEVER, vec![], Duration::from_millis(50));
    let error = call.await.unwrap_err();
    assert!(matches!(error, CallError::Lost { reason: Reason::Deadline(_), .. }), "{error}");
}

#[tokio::test]
async fn a_request_that_never_left_is_not_sent() {
    let mut config = config();
    config.requests_in_flight_max = 1;
    let (a, b) = pair_with(config).await;
    let _running = a.asking(&b, NEVER).await;
    // The peer reads nothing now. Fill what the sockets buffer, then more.
    let body = vec![0; frame::FRAME_MAX];
    let deadline = Duration::from_millis(1500);
    let calls = (0..4)
        .map(|_| a.transport.call(b.target(), Channel::Control, ECHO, body.clone(), deadline));
    let errors: Vec<_> = futures_util::future::join_all(calls).await;
    let sent = errors.iter().filter(|error| error.as_ref().unwrap_err().was_sent()).count();
    // Those behind the first that got stuck were surely not sent.
    assert!(sent <= 2, "{errors:?}");
    assert_eq!(b.desk.begun.load(Ordering::SeqCst), 1);
}

async fn pair_with(config: Config) -> (Arc<Node>, Arc<Node>) {
    (Arc::new(Node::start().await), Arc::new(Node::with(config).await))
}

#[tokio::test]
async fn shutdown_finishes_what_runs_and_declines_the_rest() {
    let (a, b) = pair().await;
    let running = a.asking(&b, SLOW).await;
    let (there, asking) = (b.clone(), a.clone());
    let end = spawn(async move { there.transport.shutdown(LONG).await });
    // From some moment on, and for good, calls are surely not executed.
    let began = Instant::now();
    let error = loop {
        match asking.ask(&b, ECHO, b"").await {
            Ok(_) => assert!(began.elapsed() < LONG),
            Err(error) => break error,
        }
    };
    assert!(!error.was_sent(), "{error}");
    assert_eq!(running.await.unwrap().unwrap(), b"x");
    assert!(end.await.unwrap());
    let error = b.ask(&a, ECHO, b"").await.unwrap_err();
    assert!(matches!(error, CallError::NotSent { reason: Reason::ShuttingDown, .. }), "{error}");
}

#[tokio::test]
async fn a_dropped_transport_lets_go_of_its_port_and_peers() {
    let (a, b) = pair().await;
    let call = a.asking(&b, NEVER).await;
    let desk = b.desk.clone();
    let mut config = config();
    config.listen = b.transport.local_address();
    let address = config.listen;
    // The calling task holds the other share of the node.
    call.abort();
    call.await.unwrap_err();
    drop(b);
    let began = Instant::now();
    let again = loop {
        let network = Arc::new(Sockets);
        match Transport::start(config.clone(), network, Env::system(), a.desk.clone()).await {
            Ok(started) => break started,
            Err(error) => assert!(began.elapsed() < LONG, "{error}"),
        }
        sleep(Duration::from_millis(10)).await;
    };
    assert_eq!(again.local_address(), address);
    until("the request is dropped", || desk.running.load(Ordering::SeqCst) == 0).await;
}

#[tokio::test]
async fn a_node_that_asks_wrongly_after_its_handshake_is_closed() {
    let (a, b) = pair().await;
    a.ask(&b, ECHO, b"").await.unwrap();
    let stream = Sockets.connect(b.transport.local_address()).await.unwrap();
    let (reader, mut writer) = tokio::io::split(stream);
    let mut reader = FrameReader::new(reader);
    let us = handshake::Hello {
        protocol_min: PROTOCOL,
        protocol_max: PROTOCOL,
        features: 0,
        cluster_name: "test".to_owned(),
        cluster: None,
        node: NodeId::new(&Env::system()),
        incarnation: Incarnation(1),
        address: "127.0.0.1:1".parse().unwrap(),
        channel: Channel::Control,
    };
    handshake::connecting(&mut reader, &mut writer, &us, None).await.unwrap();
    // Only the listening side answers.
    let mut bytes = Vec::new();
    frame::Frame::bare(frame::Kind::Answer).encode(&mut bytes);
    writer.write_all(&bytes).await.unwrap();
    let closed = async { while let Ok(Some(_)) = reader.next().await {} };
    tokio::time::timeout(LONG, closed).await.unwrap();
    assert_eq!(a.ask(&b, ECHO, b"still there").await.unwrap(), b"still there");
}
