//! On real sockets.

use std::net::SocketAddr;
use std::time::Duration;

use kvs_core::env::Env;
use kvs_core::env::net::{Network, Sockets};

use super::world::id;
use crate::identity::Incarnation;
use crate::membership::{Advert, Config, GossipKey, Membership, MembershipError};

fn loopback() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

fn config(n: u8, key: &str, seeds: &[SocketAddr]) -> Config {
    let mut config = Config::new(id(n), Incarnation(1), "cluster", loopback());
    config.keys = vec![GossipKey::derive(key.as_bytes())];
    config.seeds = seeds.to_vec();
    config
}

async fn start(config: Config) -> Membership {
    Membership::start(config, &Sockets, &Env::system()).await.unwrap()
}

/// Waits, however slow the machine is, within reason.
async fn until(what: &str, done: impl Fn() -> bool) {
    for _ in 0..6000 {
        if done() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("not within a minute: {what}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_see_each_other_and_nobody_else() {
    let a = start(config(1, "key", &[])).await;
    let seeds = [a.address()];
    let b = start(config(2, "key", &seeds)).await;
    let c = start(config(3, "key", &[])).await;
    let stranger = start(config(4, "wrong", &seeds)).await;
    c.add_seeds(vec![b.address()]);
    let garbage = Sockets.datagrams(loopback()).await.unwrap();
    for length in [0, 1, 2, 60, 1400, 1401, 60_000] {
        garbage.send(&vec![1; length], a.address()).await.unwrap();
    }

    let mut changes = a.subscribe();
    let all = |nodes: &[&Membership]| nodes.iter().all(|node| node.members().len() == 3);
    until("three members", || all(&[&a, &b, &c])).await;
    assert!(changes.has_changed().unwrap());
    assert!(changes.borrow_and_update().contains_key(&id(3)));

    let advert = Advert { layout_version: 7, layout_digest: 8 };
    c.advertise(advert);
    until("the advert", || {
        [&a, &b].iter().all(|node| node.members().get(&id(3)).unwrap().advert == Some(advert))
    })
    .await;
    until("dropped datagrams", || a.counters().foreign >= 7).await;
    assert!(!a.is_up(&id(4)));
    assert!(!stranger.is_up(&id(1)));
    assert!(stranger.is_up(&id(4)));

    c.leave().await;
    until("the leave", || !a.is_up(&id(3)) && !b.is_up(&id(3))).await;
    drop(b);
    until("the loss", || !a.is_up(&id(2))).await;
}

#[tokio::test]
async fn a_taken_address_is_refused_with_a_reason() {
    let a = start(config(1, "key", &[])).await;
    let mut taken = config(2, "key", &[]);
    taken.bind = a.bound_address();
    let error = Membership::start(taken, &Sockets, &Env::system()).await.err().unwrap();
    assert!(matches!(error, MembershipError::Bind { .. }));
    assert!(error.to_string().contains(&a.bound_address().to_string()), "{error}");
}

#[tokio::test]
async fn another_address_can_be_advertised() {
    let mut config = config(1, "key", &[]);
    config.bind = SocketAddr::from(([0, 0, 0, 0], 0));
    config.advertise = Some(loopback());
    let a = start(config).await;
    assert_eq!(a.address().ip(), loopback().ip());
    assert_eq!(a.address().port(), a.bound_address().port());
}
