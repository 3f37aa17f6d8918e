//! How even loads are, and how little moves.

use std::collections::BTreeSet;

use super::*;

/// The greatest share relative to its fair part.
fn fullest(layout: &Layout, count: fn(&Share) -> u32) -> f64 {
    let shares = layout.shares();
    let counts = || shares.values().map(count);
    let mean = f64::from(counts().sum::<u32>()) / shares.len() as f64;
    f64::from(counts().max().unwrap()) / mean
}

#[track_caller]
fn even(layout: &Layout) {
    let nodes = layout.members().len();
    let load = fullest(layout, |share| share.replicas);
    assert!(load <= 1.10, "{nodes} nodes: {load} × the mean");
    let primaries = fullest(layout, |share| share.primaries);
    assert!(primaries <= 1.10, "{nodes} nodes: {primaries} × the mean of primaries");
}

#[track_caller]
fn moved_little(before: &Layout, after: &Layout, least: f64) {
    let moved = before.table().moved(after.table()) as f64;
    let (old, new) = (before.members().len(), after.members().len());
    assert!(moved <= 1.10 * least, "{old} → {new} nodes: {moved} moved of {least}");
}

fn join(layout: &Layout, member: Member) -> Layout {
    let next = layout.apply(&Change::Join(member)).unwrap();
    let copies = next.copies() * next.table().buckets();
    moved_little(layout, &next, copies as f64 / next.members().len() as f64);
    next
}

fn leave(layout: &Layout, id: NodeId) -> Layout {
    let next = layout.apply(&Change::Leave(id)).unwrap();
    moved_little(layout, &next, f64::from(layout.shares()[&id].replicas));
    next
}

/// Up to 100 nodes one by one and down again in another order.
fn up_and_down(n: u8) {
    let mut layout = ring(1024, n, &[node(0), node(1)]);
    for number in 2..100 {
        layout = join(&layout, node(number));
        even(&layout);
    }
    check(&layout);
    // Going by the bytes of their ids is as good as any order at random.
    let ids: BTreeSet<_> = layout.members().keys().copied().collect();
    for id in ids.into_iter().skip(3) {
        layout = leave(&layout, id);
        even(&layout);
    }
    check(&layout);
    assert_eq!(layout.members().len(), 3);
}

#[test]
fn one_replica_is_even_and_moves_little() {
    up_and_down(1);
}

#[test]
fn two_replicas_are_even_and_move_little() {
    up_and_down(2);
}

#[test]
fn three_replicas_are_even_and_move_little() {
    up_and_down(3);
}

#[test]
fn any_node_of_a_ring_may_leave() {
    for nodes in [4, 5, 7, 12, 30] {
        let members: Vec<_> = (0..nodes).map(node).collect();
        let layout = ring(1024, 3, &members);
        for member in &members {
            even(&leave(&layout, member.id));
        }
    }
}

#[test]
fn nodes_that_come_and_go_leave_no_mess() {
    let mut layout = ring(1024, 3, &(0..10).map(node).collect::<Vec<_>>());
    for number in 10..60 {
        let ids: Vec<_> = layout.members().keys().copied().collect();
        layout = leave(&layout, ids[usize::from(number) * 7 % ids.len()]);
        even(&layout);
        layout = join(&layout, node(number));
        even(&layout);
    }
    check(&layout);
}

#[test]
fn equal_zones_are_as_even_as_none() {
    let zoned = |number: u8| member(number, ["a", "b", "c"][usize::from(number % 3)], 100);
    let mut layout = ring(1024, 3, &(0..3).map(zoned).collect::<Vec<_>>());
    for number in 3..30 {
        let before = layout;
        layout = before.apply(&Change::Join(zoned(number))).unwrap();
        check(&layout);
        let own = layout.shares()[&zoned(number).id].replicas;
        moved_little(&before, &layout, f64::from(own));
        if number % 3 == 2 {
            even(&layout);
        }
    }
    for number in [4, 8, 12, 16, 20, 24] {
        layout = leave(&layout, zoned(number).id);
        check(&layout);
    }
    even(&layout);
}

#[test]
fn a_new_quorum_moves_only_what_it_adds() {
    let layout = ring(1024, 2, &(0..10).map(node).collect::<Vec<_>>());
    let more = layout.apply(&Change::SetQuorum(quorum("3,2,2"))).unwrap();
    moved_little(&layout, &more, 1024.0);
    even(&more);
    let fewer = more.apply(&Change::SetQuorum(quorum("1,1,1"))).unwrap();
    assert!(more.table().moved(fewer.table()) <= 102);
    even(&fewer);
    for layout in [more, fewer] {
        check(&layout);
    }
}

#[test]
fn what_a_node_was_first_of_falls_to_all_others() {
    for nodes in [3, 5, 10] {
        let layout = ring(1024, 3, &(0..nodes).map(node).collect::<Vec<_>>());
        let mut heirs: BTreeMap<_, BTreeMap<_, u32>> = BTreeMap::new();
        for list in layout.table().lists() {
            *heirs.entry(list[0]).or_default().entry(list[1]).or_default() += 1;
        }
        for (node, heirs) in heirs {
            assert_eq!(heirs.len(), usize::from(nodes) - 1);
            let most = f64::from(*heirs.values().max().unwrap());
            let mean = f64::from(heirs.values().sum::<u32>()) / heirs.len() as f64;
            assert!(most <= 2.0 * mean, "{node}: {heirs:?}");
        }
    }
}

#[test]
fn figures_are_within_their_bounds() {
    let hashing = Hashing::default();
    let quorum = quorum("3,2,2");
    for figures in figures::measure(&[1, 3, 5, 10, 30], hashing, 128, quorum).unwrap() {
        let figures::Figures { load, primaries, join, leave, .. } = figures;
        assert!((1.0..=1.10).contains(&load), "{figures:?}");
        assert!((1.0..=1.10).contains(&primaries), "{figures:?}");
        assert!(join <= 1.10 && leave <= 1.10, "{figures:?}");
        assert!(join > 0.9 && (leave >= 1.0 || figures.nodes <= 3), "{figures:?}");
    }
}
