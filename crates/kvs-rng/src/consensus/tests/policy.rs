//! Who votes.

use proptest::prelude::*;

use super::super::policy::{Step, View, next_step, voters_wanted};
use super::*;

pub(super) fn voters_wanted_of(members: usize) -> usize {
    voters_wanted(members)
}

/// Members 1 to `zones.len()`, each in its zone.
fn layout(zones: &[u8]) -> Layout {
    let mut layout = first_layout(1, 1);
    for (n, zone) in (1..).zip(zones) {
        let member = Member { zone: format!("zone {zone}"), ..member(n) };
        let change = if n == 1 { Change::Update(member) } else { Change::Join(member) };
        layout = layout.apply(&change).unwrap();
    }
    layout
}

/// Takes steps until there are none, and gives the voters then, and each set on the way.
fn settle(
    layout: &Layout,
    voters: BTreeSet<NodeId>,
    silent: &BTreeSet<NodeId>,
) -> Vec<BTreeSet<NodeId>> {
    let leader = *voters.iter().find(|id| !silent.contains(id)).unwrap();
    let mut nodes: BTreeMap<_, _> =
        voters.iter().map(|id| (*id, address(id.as_bytes()[0]))).collect();
    let mut sets = vec![voters];
    for _ in 0..100 {
        let up = |id| !silent.contains(&id);
        let down = |id| silent.contains(&id);
        let view = View {
            leader,
            nodes: nodes.clone(),
            voters: vec![sets.last().unwrap().clone()],
            caught_up: &up,
            silent: &down,
        };
        match next_step(layout, &view) {
            None => return sets,
            Some(Step::Reach(id, address)) => drop(nodes.insert(id, address)),
            Some(Step::Dismiss(id)) => drop(nodes.remove(&id)),
            Some(Step::Vote(voters)) => sets.push(voters),
        }
    }
    panic!("it never settles: {sets:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn votes_settle_as_they_should(
        zones in prop::collection::vec(0_u8..4, 1..9),
        start in prop::collection::btree_set(1_u8..9, 1..6),
    ) {
        let layout = layout(&zones);
        let sets = settle(&layout, ids(start), &BTreeSet::new());
        let last = sets.last().unwrap();
        prop_assert_eq!(last.len(), voters_wanted(zones.len()));
        prop_assert!(last.iter().all(|id| layout.member(*id).is_some()));
        // No detours: a vote that is taken is not given back, nor the other way round.
        for sets in sets.windows(2) {
            prop_assert!(sets[0].intersection(last).all(|id| sets[1].contains(id)));
        }
    }

    #[test]
    fn voters_that_are_up_keep_their_votes(
        members in 1_u8..9,
        silent in prop::collection::btree_set(2_u8..9, 0..4),
    ) {
        let layout = layout(&vec![0; usize::from(members)]);
        let voters = settle(&layout, ids([1]), &BTreeSet::new()).pop().unwrap();
        let silent = ids(silent);
        prop_assume!(voters.iter().any(|id| !silent.contains(id)));
        let after = settle(&layout, voters.clone(), &silent).pop().unwrap();
        prop_assert_eq!(after.len(), voters.len());
        prop_assert!(voters.iter().filter(|id| !silent.contains(id)).all(|id| after.contains(id)));
        // Nobody silent votes while somebody is left who is up.
        let spare = layout.members().keys().filter(|id| !silent.contains(id) && !after.contains(id));
        prop_assert!(spare.count() == 0 || after.is_disjoint(&silent));
    }
}

#[test]
fn votes_spread_over_zones() {
    let layout = layout(&[0, 0, 0, 1, 2]);
    let three = [0, 0, 1, 2];
    let voters = settle(&self::layout(&three), ids([1]), &BTreeSet::new()).pop().unwrap();
    assert_eq!(voters, ids([1, 3, 4]));
    assert_eq!(settle(&layout, voters, &BTreeSet::new()).pop().unwrap(), ids(1..=5));
}

#[test]
fn an_unfinished_change_of_voters_is_finished_first() {
    let layout = layout(&[0, 0, 0]);
    let view = View {
        leader: id(1),
        nodes: BTreeMap::new(),
        voters: vec![ids([1]), ids([1, 2, 3])],
        caught_up: &|_| true,
        silent: &|_| false,
    };
    assert_eq!(next_step(&layout, &view), Some(Step::Vote(ids([1, 2, 3]))));
}

#[test]
fn two_voters_are_no_better_than_one() {
    let layout = layout(&[0, 0, 0]);
    let view = View {
        leader: id(1),
        nodes: (1..=3).map(|n| (id(n), address(n))).collect(),
        voters: vec![ids([1])],
        caught_up: &|node| node != id(3),
        silent: &|_| false,
    };
    assert_eq!(next_step(&layout, &view), None);
}

#[test]
fn a_node_that_was_replaced_is_not_waited_for() {
    let before = layout(&[0, 0, 0]);
    let new = Member { address: address(3), zone: "zone 0".to_owned(), ..member(4) };
    let change = Change::Replace { old: id(3), member: new };
    let layout = before.apply(&change).unwrap();
    let mut view = View {
        leader: id(1),
        nodes: (1..=3).map(|n| (id(n), address(n))).collect(),
        voters: vec![ids([1, 2, 3])],
        caught_up: &|node| node != id(3) && node != id(4),
        silent: &|_| false,
    };
    assert_eq!(next_step(&layout, &view), Some(Step::Reach(id(4), address(3))));
    view.nodes.insert(id(4), address(3));
    assert_eq!(next_step(&layout, &view), Some(Step::Vote(ids([1, 2]))));
    view.voters = vec![ids([1, 2])];
    assert_eq!(next_step(&layout, &view), Some(Step::Dismiss(id(3))));
    view.nodes.remove(&id(3));
    assert_eq!(next_step(&layout, &view), None);
    view.caught_up = &|_| true;
    assert_eq!(next_step(&layout, &view), Some(Step::Vote(ids([1, 2, 4]))));
}
