//! Random histories over links that fail at random.

use kvs_core::{DbaError, Outcome};
use proptest::prelude::*;

use super::*;

const NODES: u8 = 5;

#[derive(Clone, Debug)]
enum Step {
    /// A link does something else from here on.
    Link(usize, usize, Option<Link>),
    /// Gossip errs about a node, or knows nothing against any.
    Gossip(Option<usize>),
    Heal,
    Put(usize),
    Delete(usize),
    Get(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let node = || 0..usize::from(NODES);
    let link = prop_oneof![
        Just(None),
        Just(Some(Link::Cut)),
        Just(Some(Link::Silent)),
        Just(Some(Link::LosesAnswers)),
        (1..5000_u64).prop_map(|ms| Some(Link::Slow(Duration::from_millis(ms)))),
    ];
    let step = prop_oneof![
        6 => (node(), node(), link).prop_map(|(from, to, link)| Step::Link(from, to, link)),
        1 => prop::option::of(node()).prop_map(Step::Gossip),
        1 => Just(Step::Heal),
        4 => node().prop_map(Step::Put),
        1 => node().prop_map(Step::Delete),
        4 => node().prop_map(Step::Get),
    ];
    prop::collection::vec(step, 1..80)
}

/// What a reader may find; `None` is absence.
struct Allowed {
    acknowledged: Option<u32>,
    /// What may have been written.
    unknown: BTreeSet<Option<u32>>,
}

impl Allowed {
    fn wrote(&mut self, value: Option<u32>, written: Result<(), DbaError>) {
        match written {
            Ok(()) => self.acknowledged = value,
            Err(error) if error.outcome() == Outcome::Unknown => {
                self.unknown.insert(value);
            }
            Err(error) => assert!(error.is_retryable(), "{error}"),
        }
    }

    fn check(&self, found: Option<u32>) {
        let Self { acknowledged, unknown } = self;
        let is_allowed = found == *acknowledged || unknown.contains(&found);
        assert!(is_allowed, "read {found:?}; acknowledged {acknowledged:?}, unknown {unknown:?}");
    }
}

async fn run(steps: Vec<Step>) {
    let cluster = Cluster::new(NODES, "3,2,2").await;
    let key = Key::from("a");
    let read = |value: Option<Vec<u8>>| {
        value.map(|value| u32::from_be_bytes(value.as_slice().try_into().unwrap()))
    };
    let mut allowed = Allowed { acknowledged: None, unknown: BTreeSet::new() };
    for (value, step) in (0..).zip(steps) {
        match step {
            Step::Link(from, to, link) => cluster.link(from, to, link),
            Step::Gossip(Some(node)) => cluster.gossip_down(node),
            Step::Gossip(None) => cluster.world.down.lock().unwrap().clear(),
            Step::Heal => cluster.heal(),
            Step::Put(through) => {
                let put = cluster.rings[through].put(&key, u32::to_be_bytes(value).into()).await;
                allowed.wrote(Some(value), put);
            }
            Step::Delete(through) => {
                allowed.wrote(None, cluster.rings[through].delete(&key).await);
            }
            Step::Get(through) => match cluster.rings[through].get(&key).await {
                Ok(found) => allowed.check(read(found)),
                Err(error) => assert!(error.is_retryable(), "{error}"),
            },
        }
    }
    // All is well again: everybody reads the same, and in the end everybody holds it.
    cluster.heal();
    let replaying: Vec<_> = (0..NODES.into()).map(|n| cluster.coordinator(n).replaying()).collect();
    sleep(PATIENCE).await;
    let mut found = BTreeSet::new();
    for ring in &cluster.rings {
        found.insert(read(ring.get(&key).await.unwrap()));
        sleep(Duration::from_secs(1)).await;
    }
    assert_eq!(found.len(), 1, "{found:?}");
    allowed.check(found.pop_first().unwrap());
    drop(replaying);
    let replicas = cluster.replicas("a");
    let first = cluster.held(replicas[0], &key).await;
    for n in replicas {
        assert_eq!(cluster.held(n, &key).await, first, "node {n}");
        assert!(cluster.coordinator(n).hints().counts().await.is_empty(), "node {n}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn outcomes_are_what_they_say(steps in steps()) {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        runtime.enable_time().start_paused(true).build().unwrap().block_on(run(steps));
    }
}
