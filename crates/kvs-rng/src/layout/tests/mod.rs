mod bounds;
mod bytes;
mod changes;
mod laws;

use std::collections::BTreeSet;

use super::*;

/// A node with the same id every time, in a zone and of a weight.
fn member(number: u8, zone: &str, weight: u32) -> Member {
    // As random as ids are, so that nothing depends on the order in which nodes come.
    let id = xxhash_rust::xxh3::xxh3_128(&[number]).to_be_bytes();
    Member {
        zone: zone.to_owned(),
        weight,
        ..Member::new(
            NodeId::from_bytes(id),
            format!("node-{number}"),
            ([127, 0, 0, 1], 4000 + u16::from(number)).into(),
        )
    }
}

fn node(number: u8) -> Member {
    member(number, "", WEIGHT_DEFAULT)
}

fn quorum(text: &str) -> Quorum {
    text.parse().unwrap()
}

fn found(buckets: u32, quorum: Quorum, first: Member) -> Layout {
    let cluster = ClusterId::from_bytes([1; 16]);
    let hashing = Hashing::new(32, buckets).unwrap();
    Layout::found(cluster, "test", hashing, VIRTUAL_NODES_DEFAULT, quorum, first).unwrap()
}

/// Members joined one after the other.
fn ring(buckets: u32, n: u8, members: &[Member]) -> Layout {
    let quorum = Quorum { n, w: n, r: n };
    let first = found(buckets, quorum, members[0].clone());
    let join =
        |layout: Layout, member: &Member| layout.apply(&Change::Join(member.clone())).unwrap();
    members[1..].iter().fold(first, join)
}

/// What holds for every layout: lists of the right length, of distinct members, in as many zones as
/// possible; shares that add up.
#[track_caller]
fn check(layout: &Layout) {
    sound(layout);
    let zone = |node: &NodeId| layout.member(*node).unwrap().zone.as_str();
    let distinct = |zones: &mut dyn Iterator<Item = &str>| {
        zones.map(str::to_owned).collect::<BTreeSet<_>>().len()
    };
    let zones = distinct(&mut layout.members().values().map(|member| member.zone.as_str()));
    for list in layout.table().lists() {
        assert_eq!(distinct(&mut list.iter().map(zone)), zones.min(list.len()), "{list:?}");
    }
}

/// What holds of every layout that can be decoded, whoever planned its table.
fn sound(layout: &Layout) {
    assert_eq!(layout.table().buckets(), layout.hashing().buckets() as usize);
    for (bucket, list) in (0..).map(Bucket).zip(layout.table().lists()) {
        assert_eq!(list, layout.replicas(bucket));
        assert_eq!(list.len(), usize::from(layout.quorum().n).min(layout.members().len()));
        let nodes: BTreeSet<_> = list.iter().collect();
        assert_eq!(nodes.len(), list.len(), "{list:?}");
    }
    assert!(layout.replicas(Bucket(layout.hashing().buckets())).is_empty());
    let shares = layout.shares();
    assert!(shares.keys().eq(layout.members().keys()));
    let sum = |count: fn(&Share) -> u32| shares.values().map(count).sum::<u32>() as usize;
    assert_eq!(sum(|share| share.primaries), layout.table().buckets());
    assert_eq!(sum(|share| share.replicas), layout.table().buckets() * layout.copies());
    assert_eq!(Layout::decode(&layout.encode()).as_ref(), Ok(layout));
}
