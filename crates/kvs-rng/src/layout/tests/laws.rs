//! What holds after any changes.

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::sample::Index;

use super::*;

#[derive(Clone, Debug)]
enum Step {
    Join { zone: u8, weight: u32 },
    Leave(Index),
    Reweigh(Index, u32),
    Rezone(Index, u8),
    Replicas(u8),
}

fn step() -> impl Strategy<Value = Step> {
    let weight = prop_oneof![Just(WEIGHT_DEFAULT), 1..=WEIGHT_MAX];
    prop_oneof![
        4 => (0..4_u8, weight.clone()).prop_map(|(zone, weight)| Step::Join { zone, weight }),
        2 => any::<Index>().prop_map(Step::Leave),
        1 => (any::<Index>(), weight).prop_map(|(node, weight)| Step::Reweigh(node, weight)),
        1 => (any::<Index>(), 0..4_u8).prop_map(|(node, zone)| Step::Rezone(node, zone)),
        1 => (1..=5_u8).prop_map(Step::Replicas),
    ]
}

fn change(layout: &Layout, number: u8, step: &Step) -> Change {
    let zones = ["", "a", "b", "c"];
    let pick = |index: &Index| {
        let members: Vec<_> = layout.members().values().collect();
        (*index.get(&members)).clone()
    };
    match step {
        Step::Join { zone, weight } => {
            Change::Join(member(number, zones[usize::from(*zone)], *weight))
        }
        Step::Leave(node) => Change::Leave(pick(node).id),
        Step::Reweigh(node, weight) => Change::Update(Member { weight: *weight, ..pick(node) }),
        Step::Rezone(node, zone) => {
            let zone = zones[usize::from(*zone)].to_owned();
            Change::Update(Member { zone, ..pick(node) })
        }
        Step::Replicas(n) => Change::SetQuorum(Quorum { n: *n, w: *n, r: 1 }),
    }
}

/// Every node has its quota, and planning again changes nothing.
#[track_caller]
fn at_rest(layout: &Layout) {
    let again = plan::plan(&layout.members, layout.copies(), layout.virtual_nodes, &layout.table);
    assert_eq!(again, layout.table);
    let shares = layout.shares();
    let loads: Vec<_> = shares.values().map(|share| share.replicas as usize).collect();
    let zones: BTreeSet<_> = layout.members.values().map(|m| &m.zone).collect();
    let buckets = layout.table.buckets();
    let claim = |(member, load): (&Member, &usize)| quotas::Claim {
        weight: member.weight,
        zone: zones.iter().position(|zone| **zone == member.zone).unwrap(),
        has: *load,
        most: buckets,
    };
    let claims: Vec<_> = layout.members.values().zip(&loads).map(claim).collect();
    assert_eq!(loads, quotas::copies(buckets, layout.copies(), &claims));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_layout_is_sound_and_follows_from_the_one_before(
        steps in prop::collection::vec(step(), 1..24),
        buckets in prop_oneof![Just(1_u32), Just(64), 2..100_u32],
    ) {
        let mut layout = found(buckets, quorum("3,2,2"), node(0));
        check(&layout);
        for (number, step) in (1..).zip(&steps) {
            let change = change(&layout, number, step);
            match layout.apply(&change) {
                Ok(next) => {
                    prop_assert_eq!(next.version(), layout.version() + 1);
                    let copy = Layout::decode(&layout.encode()).unwrap();
                    prop_assert_eq!(copy.apply(&change).unwrap().encode(), next.encode());
                    check(&next);
                    at_rest(&next);
                    layout = next;
                }
                Err(LayoutError::LastNode { .. }) => prop_assert_eq!(layout.members().len(), 1),
                Err(LayoutError::Unchanged) => {}
                Err(error) => prop_assert!(false, "{}: {}", error, layout.version()),
            }
        }
    }

    #[test]
    fn loads_follow_the_weights(
        weights in prop::collection::vec(50..=200_u32, 4..12),
        n in 1..=3_u8,
    ) {
        let members: Vec<_> = (0..).zip(&weights).map(|(i, w)| member(i, "", *w)).collect();
        let layout = ring(1024, n, &members);
        check(&layout);
        let all: u32 = weights.iter().sum();
        for (id, share) in layout.shares() {
            let weight = layout.member(id).unwrap().weight;
            let fair = f64::from(weight) / f64::from(all) * 1024.0;
            let replicas = (fair * f64::from(n)).min(1024.0);
            // A node that can't take its fair share leaves more to the others.
            let capped = weights.iter().any(|w| u64::from(*w) * u64::from(n) > u64::from(all));
            let most = if capped { f64::INFINITY } else { replicas * 1.02 + 1.0 };
            let load = f64::from(share.replicas);
            prop_assert!(load >= replicas * 0.98 - 1.0 && load <= most, "{load} {replicas}");
            let primaries = f64::from(share.primaries);
            prop_assert!((primaries - fair).abs() <= fair * 0.15 + 1.0, "{primaries} {fair}");
        }
    }
}
