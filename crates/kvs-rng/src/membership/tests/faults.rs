//! What the cluster comes to, under faults.

use std::net::SocketAddr;
use std::time::Duration;

use foca::Header;

use super::world::{World, address, id};
use crate::identity::{Incarnation, NodeId};
use crate::membership::advert::Advert;
use crate::membership::identity::Identity;

const SEEDS: std::ops::Range<u64> = 0..6;

/// More than any of it may take; most of it takes far less.
const LIMIT: Duration = Duration::from_secs(60);

fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

/// Clusters of three to seven nodes that have found each other.
fn formed() -> impl Iterator<Item = (u8, World)> {
    SEEDS.map(|seed| {
        let nodes = 3 + (seed % 5) as u8;
        let mut world = World::of(nodes, seed);
        world.until(LIMIT, World::agrees);
        (nodes, world)
    })
}

#[test]
fn nodes_find_each_other() {
    for seed in SEEDS {
        for nodes in 3..=7 {
            let mut world = World::of(nodes, seed);
            let time = world.until(LIMIT, World::agrees);
            assert!(time < secs(3), "seed {seed}, {nodes} nodes: {time:?}");
        }
    }
}

#[test]
fn nodes_find_each_other_over_a_bad_network() {
    for seed in SEEDS {
        let mut world = World::of(5, seed);
        (world.lost, world.doubled, world.delay_ms_max) = (20, 20, 50);
        world.until(LIMIT, World::agrees);
    }
}

#[test]
fn a_quiet_cluster_stays_as_it_is_and_says_little() {
    for (nodes, mut world) in formed() {
        world.run(secs(30));
        let (views, before) = (world.members(1).clone(), world.datagrams);
        for _ in 0..600 {
            world.run(Duration::from_millis(100));
            assert!(world.agrees());
        }
        assert_eq!(*world.members(1), views);
        let rate = (world.datagrams - before) / 60 / u64::from(nodes);
        assert!(rate <= 8, "{rate} datagrams a second for each node");
        for n in 1..=nodes {
            let counters = world.gossip(n).counters();
            assert_eq!((counters.faults, counters.malformed, counters.foreign), (0, 0, 0));
            assert_eq!((counters.unsent, counters.renewals), (0, 0));
        }
    }
}

#[test]
fn a_stopped_node_is_seen_down_soon_and_back_at_once() {
    let mut slowest = Duration::ZERO;
    for (nodes, mut world) in formed() {
        world.run(secs(5));
        world.stop(nodes);
        slowest = slowest.max(world.until(LIMIT, World::agrees));
        world.start(nodes);
        let back = world.until(LIMIT, World::agrees);
        assert!(back < secs(2), "{back:?}");
        assert_eq!(world.members(1)[&id(nodes)].incarnation, Incarnation(2));
    }
    assert!(slowest < secs(4), "{slowest:?}");
}

#[test]
fn a_node_restarted_before_anybody_noticed_is_seen_with_its_new_incarnation() {
    for (nodes, mut world) in formed() {
        world.stop(nodes);
        world.run(Duration::from_millis(50));
        world.start(nodes);
        let back = world.until(LIMIT, World::agrees);
        assert!(back < secs(2), "{back:?}");
    }
}

#[test]
fn the_first_node_of_all_comes_back_though_it_has_no_other_seed() {
    for (_, mut world) in formed() {
        world.stop(1);
        world.until(LIMIT, World::agrees);
        world.start(1);
        world.until(LIMIT, World::agrees);
    }
}

#[test]
fn a_node_that_moves_is_one_member() {
    for (_, mut world) in formed() {
        world.stop(2);
        world.start_as(address(99), id(2), 2);
        world.until(LIMIT, World::agrees);
        assert_eq!(world.members(1)[&id(2)].address, address(99));
    }
}

#[test]
fn a_new_node_at_an_old_address_is_another_member() {
    for (nodes, mut world) in formed() {
        world.stop(2);
        world.start_as(address(2), id(200), 1);
        world.until(LIMIT, |world| {
            let others = (1..=nodes).filter(|n| *n != 2);
            others
                .map(|n| world.members(n))
                .all(|members| members.contains_key(&id(200)) && !members.contains_key(&id(2)))
        });
    }
}

#[test]
fn the_sides_of_a_partition_find_each_other() {
    for (nodes, mut world) in formed() {
        // The odd seeds part for so long that both sides are sure; node 1, the seed, on one of them.
        world.run(secs(5));
        let side: Vec<u8> = (1..=nodes / 2).collect();
        world.part(&side, 1);
        world.run(secs(30));
        assert_eq!(world.members(1).len(), side.len());
        assert_eq!(world.members(nodes).len(), usize::from(nodes) - side.len());
        world.part(&side, 0);
        let healed = world.until(LIMIT, World::agrees);
        assert!(healed < secs(20), "{healed:?}");
        world.run(secs(30));
        assert!(world.agrees());
    }
}

#[test]
fn a_paused_process_is_seen_down_and_comes_back_when_it_goes_on() {
    for (nodes, mut world) in formed() {
        world.run(secs(5));
        world.pause(nodes);
        world.until(LIMIT, |world| (1..nodes).all(|n| !world.members(n).contains_key(&id(nodes))));
        world.run(secs(20));
        world.resume(nodes);
        let back = world.until(LIMIT, World::agrees);
        assert!(back < secs(5), "{back:?}");
        assert_eq!(world.gossip(1).counters().renewals, 0, "nobody else was down");
        world.run(secs(30));
        assert!(world.agrees());
    }
}

#[test]
fn a_broken_link_between_two_harms_nobody() {
    for (nodes, mut world) in formed() {
        world.cut.insert((address(1), address(2)));
        world.cut.insert((address(2), address(1)));
        world.run(secs(60));
        for n in 1..=nodes {
            assert_eq!(world.members(n).len(), usize::from(nodes));
            assert_eq!(world.gossip(n).counters().renewals, 0);
        }
    }
}

#[test]
fn a_node_that_hears_nothing_does_not_disturb_the_others() {
    for (nodes, mut world) in formed() {
        for n in 1..nodes {
            world.cut.insert((address(n), address(nodes)));
        }
        world.run(secs(10));
        let before = world.datagrams;
        for _ in 0..300 {
            world.run(Duration::from_millis(100));
            let others = |n| (1..nodes).all(|other| world.members(n).contains_key(&id(other)));
            assert!((1..nodes).all(others));
        }
        let rate = (world.datagrams - before) / 30 / u64::from(nodes);
        assert!(rate <= 15, "{rate} datagrams a second for each node");
        world.cut.clear();
        world.until(LIMIT, World::agrees);
    }
}

#[test]
fn a_partition_that_comes_and_goes_causes_no_storm() {
    for (nodes, mut world) in formed() {
        let side: Vec<u8> = (1..=nodes / 2).collect();
        let before = world.datagrams;
        let start = world.now;
        for _ in 0..20 {
            world.part(&side, 1);
            world.run(secs(4));
            world.part(&side, 0);
            world.run(secs(2));
        }
        let rate = (world.datagrams - before) / (world.now - start).as_secs() / u64::from(nodes);
        assert!(rate <= 15, "{rate} datagrams a second for each node");
        world.until(LIMIT, World::agrees);
    }
}

#[test]
fn nodes_that_all_lost_each_other_need_no_seed() {
    for (nodes, mut world) in formed() {
        world.run(secs(10));
        world.stop(1);
        for n in 2..=nodes {
            world.part(&[n], n);
        }
        world.run(secs(30));
        assert!((2..=nodes).all(|n| world.members(n).len() == 1));
        world.part(&(2..=nodes).collect::<Vec<_>>(), 0);
        world.until(LIMIT, World::agrees);
    }
}

#[test]
fn a_lonely_node_comes_back() {
    for (nodes, mut world) in formed() {
        for alone in [1, nodes] {
            world.part(&[alone], 1);
            world.run(secs(20));
            assert_eq!(world.members(alone).keys().collect::<Vec<_>>(), [&id(alone)]);
            world.part(&[alone], 0);
            world.until(LIMIT, World::agrees);
        }
    }
}

#[test]
fn who_leaves_is_seen_down_at_once() {
    for (nodes, mut world) in formed() {
        world.run(secs(2));
        world.act(address(nodes), |gossip, now| {
            gossip.leave(now);
            assert_eq!(gossip.deadline(), None);
        });
        let gone = world
            .until(LIMIT, |world| (1..nodes).all(|n| !world.members(n).contains_key(&id(nodes))));
        assert!(gone < secs(1), "{gone:?}");
        world.run(secs(20));
        assert!((1..nodes).all(|n| !world.members(n).contains_key(&id(nodes))));
        assert_eq!(world.gossip(nodes).counters().renewals, 0);
        world.start(nodes);
        world.until(LIMIT, World::agrees);
    }
}

#[test]
fn adverts_reach_everybody_and_newcomers_and_survive_loss() {
    let advert = |n: u8, version| Advert { layout_version: version, layout_digest: u64::from(n) };
    let all_know = |nodes: u8, version| {
        move |world: &World| {
            (1..=nodes).all(|n| {
                (1..=nodes).all(|of| {
                    let seen = world.members(n).get(&id(of));
                    seen.and_then(|seen| seen.advert) == Some(advert(of, version))
                })
            })
        }
    };
    for (nodes, mut world) in formed() {
        (world.lost, world.doubled, world.delay_ms_max) = (20, 20, 50);
        for version in [1, 2, 3] {
            for n in 1..=nodes {
                world.act(address(n), |gossip, now| gossip.advertise(now, advert(n, version)));
            }
            world.until(LIMIT, all_know(nodes, version));
        }
        let newcomer = nodes + 1;
        world.start(newcomer);
        world.act(address(newcomer), |gossip, now| gossip.advertise(now, advert(newcomer, 3)));
        world.until(LIMIT, all_know(newcomer, 3));
        // What the last life said is not taken for what this one says.
        world.stop(newcomer);
        world.start(newcomer);
        world.until(LIMIT, |world| {
            let seen = world.members(1).get(&id(newcomer));
            seen.is_some_and(|seen| seen.incarnation == Incarnation(2) && seen.advert.is_none())
        });
    }
}

#[test]
fn of_two_processes_of_one_node_the_later_prevails_without_a_storm() {
    for (nodes, mut world) in formed() {
        let copy = address(99);
        world.start_as(copy, id(2), 2);
        let prevails = |world: &World| {
            (1..=nodes)
                .filter(|n| *n != 2)
                .all(|n| world.members(n).get(&id(2)).is_some_and(|seen| seen.address == copy))
        };
        world.until(LIMIT, prevails);
        let before = world.datagrams;
        world.run(secs(60));
        assert!(prevails(&world));
        let rate = (world.datagrams - before) / 60 / u64::from(nodes);
        assert!(rate <= 15, "{rate} datagrams a second for each node");
    }
}

#[test]
fn of_two_processes_with_one_incarnation_all_see_the_same() {
    for (nodes, mut world) in formed() {
        world.start_as(address(99), id(2), 1);
        let same = |world: &World| {
            let seen = |n: u8| world.members(n).get(&id(2)).map(|seen| seen.address);
            seen(1) == Some(address(99)) && (3..=nodes).all(|n| seen(n) == seen(1))
        };
        world.until(LIMIT, same);
        world.run(secs(30));
        assert!(same(&world));
    }
}

#[test]
fn a_node_from_an_old_copy_of_its_folder_stays_out_and_keeps_calm() {
    for (nodes, mut world) in formed() {
        world.stop(nodes);
        world.start_as(address(nodes), id(nodes), 5);
        world.until(LIMIT, World::agrees);
        world.stop(nodes);
        world.start_as(address(nodes), id(nodes), 3);
        world.run(secs(60));
        assert!((1..nodes).all(|n| !world.members(n).contains_key(&id(nodes))));
        assert!(world.gossip(nodes).counters().renewals < 30);
    }
}

#[test]
fn two_nodes_that_claim_one_address_are_told_apart() {
    for (nodes, mut world) in formed() {
        world.run(secs(5));
        // Node 50 says that it is where node 2 is. It can't be reached there.
        let liar = Identity {
            node: id(50),
            incarnation: Incarnation(1),
            address: address(2),
            renewals: 0,
        };
        let packet = |to: Identity| {
            let header = Header {
                src: liar,
                src_incarnation: 0,
                dst: to,
                message: foca::Message::<Identity>::Announce,
            };
            postcard::to_stdvec(&header).unwrap()
        };
        for n in 1..=nodes {
            let to = world.gossip(n).identity();
            let envelope = super::fuzz::envelope();
            let message = [&[1], packet(to).as_slice()].concat();
            let datagram =
                envelope.seal(&message, &kvs_core::env::SeededRandom::new(u64::from(n))).unwrap();
            let from: SocketAddr = address(50);
            world.act(address(n), |gossip, now| gossip.receive(now, &datagram, from).unwrap());
        }
        assert!(world.members(1).contains_key(&id(50)));
        world.until(LIMIT, |world| (1..=nodes).all(|n| !world.members(n).contains_key(&id(50))));
        assert!(world.members(1).contains_key(&id(2)));
        assert!(world.gossip(2).counters().misaddressed > 0);
    }
}

#[test]
fn large_clusters_form_and_notice() {
    let nodes = 40;
    let mut world = World::of(nodes, 1);
    world.until(LIMIT, World::agrees);
    world.run(secs(5));
    world.stop(nodes);
    let noticed =
        world.until(LIMIT, |world| (1..nodes).all(|n| !world.members(n).contains_key(&id(nodes))));
    assert!(noticed < secs(8), "{noticed:?}");
}

#[test]
fn a_run_is_replayed_from_its_seed() {
    let run = |seed| {
        let mut world = World::of(5, seed);
        (world.lost, world.doubled, world.delay_ms_max) = (10, 10, 30);
        world.run(secs(10));
        world.stop(3);
        world.part(&[1, 2], 1);
        world.run(secs(10));
        world.start(3);
        world.part(&[1, 2], 0);
        world.act(address(4), |gossip, now| {
            gossip.advertise(now, Advert { layout_version: 1, layout_digest: 2 });
        });
        world.run(secs(10));
        (world.trace(), world.datagrams, world.members(5).clone())
    };
    let first = run(7);
    assert_eq!(run(7), first);
    assert_ne!(run(8).0, first.0);
}

#[test]
fn strangers_beyond_the_limit_are_not_remembered() {
    let (_, mut world) = formed().next().unwrap();
    let us = world.gossip(1).identity();
    let random = kvs_core::env::SeededRandom::new(1);
    let mut refused = 0;
    for n in 0..3000_u128 {
        let header = Header {
            src: Identity {
                node: NodeId::from_bytes((n + (1 << 100)).to_be_bytes()),
                incarnation: Incarnation(1),
                address: address(77),
                renewals: 0,
            },
            src_incarnation: 0,
            dst: us,
            message: foca::Message::<Identity>::Announce,
        };
        let message = [&[1], postcard::to_stdvec(&header).unwrap().as_slice()].concat();
        let datagram = super::fuzz::envelope().seal(&message, &random).unwrap();
        world.act(address(1), |gossip, now| {
            refused += u32::from(gossip.receive(now, &datagram, address(77)).is_err());
        });
    }
    assert!(refused >= 3000 - 1024, "{refused}");
    assert!(world.members(1).len() <= 1025);
    // Those it knew before are still heard.
    assert!(world.members(1).contains_key(&id(2)));
    world.run(secs(10));
    assert!(world.members(1).contains_key(&id(2)));
}
