//! Everything at once, from a seed: what was said of each change must be true in the end.

use kvs_core::Outcome;
use kvs_core::env::{Random, SeededRandom};

use super::*;

const NODES: u8 = 5;
const ROUNDS: u8 = 12;

struct Chaos {
    cluster: Cluster,
    random: SeededRandom,
    running: BTreeSet<u8>,
    applied: BTreeMap<u8, u64>,
    not_applied: BTreeSet<u8>,
    unknown: u32,
}

impl Chaos {
    fn pick(&self, below: usize) -> usize {
        let below = u64::try_from(below).unwrap();
        usize::try_from(self.random.next_u64() % below).unwrap()
    }

    fn pick_running(&self) -> u8 {
        *self.running.iter().nth(self.pick(self.running.len())).unwrap()
    }

    /// Two nodes propose a new member each, while something goes wrong.
    async fn round(&mut self, round: u8) {
        let newcomers = [100 + 2 * round, 101 + 2 * round];
        let proposals = newcomers.map(|n| {
            let node = self.cluster.node(self.pick_running());
            let deadline = Duration::from_millis(200) * u32::try_from(self.pick(40) + 1).unwrap();
            async move { (n, node.propose(&Change::Join(member(n)), deadline).await) }
        });
        let when = Duration::from_millis(u64::try_from(self.pick(2000)).unwrap());
        let victim = (self.pick(3) == 0 && self.running.len() > 3).then(|| self.pick_running());
        let part = self.pick(2) == 0;
        let side: Vec<u8> = (1..=NODES).filter(|_| self.pick(2) == 0).collect();
        let other: Vec<u8> = (1..=NODES).filter(|n| !side.contains(n)).collect();
        let trouble = async {
            sleep(when).await;
            if part {
                self.cluster.part(&side, &other);
            }
            if let Some(victim) = victim {
                self.cluster.stop(victim).await;
            }
        };
        let [a, b] = proposals;
        let (a, b, ()) = futures_util::future::join3(a, b, trouble).await;
        for (n, made) in [a, b] {
            match made {
                Ok(layout) => drop(self.applied.insert(n, layout.version())),
                Err(error) if error.outcome() == Outcome::NotApplied => {
                    self.not_applied.insert(n);
                }
                Err(_) => self.unknown += 1,
            }
        }
        self.running.retain(|n| Some(*n) != victim);
        if self.pick(2) == 0 {
            self.cluster.heal();
        }
        if self.pick(2) == 0 {
            self.start_all().await;
        }
    }

    async fn start_all(&mut self) {
        for n in 1..=NODES {
            if self.running.insert(n) {
                self.cluster.start(n).await;
            }
        }
    }
}

/// The layout in the end, and how many changes were applied, not applied, and unknown.
type Outcomes = (Arc<Layout>, usize, usize, u32);

async fn chaos(seed: u64) -> Outcomes {
    let mut cluster = Cluster::new(seed);
    cluster.config.snapshot_entries = 6;
    cluster.start(1).await;
    cluster.node(1).found(first_layout(1, 1)).await.unwrap();
    for n in 2..=NODES {
        cluster.start(n).await;
        cluster.node(n).join(&member(n), &[address(1)], LONG).await.unwrap();
    }
    cluster.settled(1..=NODES).await;
    let mut chaos = Chaos {
        cluster,
        random: SeededRandom::new(seed),
        running: (1..=NODES).collect(),
        applied: BTreeMap::new(),
        not_applied: BTreeSet::new(),
        unknown: 0,
    };
    for round in 0..ROUNDS {
        chaos.round(round).await;
    }
    chaos.cluster.heal();
    chaos.start_all().await;
    let change = Change::SetQuorum(Quorum { n: 3, w: 2, r: 2 });
    let last = chaos.cluster.node(1).propose(&change, LONG).await.unwrap();
    until("one layout", || (1..=NODES).all(|n| chaos.cluster.layout(n) == last)).await;

    for n in chaos.applied.keys() {
        assert!(last.member(id(*n)).is_some(), "seed {seed}: {n} was acknowledged and is lost");
    }
    for n in &chaos.not_applied {
        assert!(
            last.member(id(*n)).is_none(),
            "seed {seed}: {n} was not to be applied and is there"
        );
    }
    let versions: BTreeSet<_> = chaos.applied.values().collect();
    assert_eq!(versions.len(), chaos.applied.len(), "seed {seed}: two changes made one version");
    (last, chaos.applied.len(), chaos.not_applied.len(), chaos.unknown)
}

fn run(seed: u64) -> Outcomes {
    let runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = { runtime }.enable_time().start_paused(true).build().unwrap();
    runtime.block_on(chaos(seed))
}

#[test]
fn what_is_said_of_a_change_is_true() {
    let runs: Vec<_> = (0..3).map(run).collect();
    let sum = |count: fn(&Outcomes) -> usize| runs.iter().map(count).sum::<usize>();
    // Otherwise nothing was tried.
    assert!(sum(|run| run.1) > 0 && sum(|run| run.2) > 0, "{runs:?}");
}

#[test]
fn chaos_replays() {
    assert_eq!(run(42), run(42));
}
