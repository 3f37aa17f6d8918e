//! Clients, who write down what they do and what they are told.

use std::collections::BTreeMap;
use std::time::Duration;

use kvs_core::{Batch, CallOptions, Consistency, Dba, DbaError, Key, Scan};
use kvs_rng::coordinator::Ring;
use tokio::time::sleep;

use crate::draw::Draw;
use crate::history::{Action, Id, Outcome, id_of, value_of};
use crate::world::{PARTITIONS, Phase, ROWS, World, key};

/// How often a read that fails after all faults have ended is tried again.
const LAST_TRIES: usize = 20;
const RETRY: Duration = Duration::from_millis(500);

/// A client of one node.
pub(crate) struct Client {
    world: World,
    ring: Ring,
    node: usize,
    name: u64,
    draw: Draw,
}

impl Client {
    pub(crate) fn new(world: &World, ring: Ring, node: usize, start: u64, number: usize) -> Self {
        let seed = world.scenario.seed;
        let draw = Draw::new(seed, &format!("client {number} of node {node} start {start}"));
        Self { world: world.clone(), ring, node, name: world.next_id(), draw }
    }

    /// Reads and writes until the faults end.
    pub(crate) async fn work(self) {
        while self.world.phase() == Phase::Working {
            let partition = self.draw.below(PARTITIONS);
            let key = key(partition, self.draw.below(ROWS));
            match self.draw.below(25) {
                0..7 => self.write([(key, Some(self.new_id()))].into()).await,
                7..9 => self.write([(key, None)].into()).await,
                9..12 => self.write(self.batch(partition)).await,
                12..14 => self.scan(partition, false).await,
                14..16 => {
                    self.write([(self.world.new_rare_key(), Some(self.new_id()))].into()).await
                }
                16..19 => {
                    if let Some(key) = self.world.some_rare_key(|given| self.draw.below(given)) {
                        self.get(&key, false).await;
                    }
                }
                _ => drop(self.get(&key, false).await),
            }
            sleep(Duration::from_millis(self.draw.between(0, 150))).await;
        }
    }

    /// Reads every row, until each has been read once.
    pub(crate) async fn read_all(&self) {
        for key in self.world.keys() {
            for _ in 0..LAST_TRIES {
                if self.get(&key, true).await {
                    break;
                }
                sleep(RETRY).await;
            }
        }
        for partition in 0..PARTITIONS {
            self.scan(partition, true).await;
        }
    }

    fn new_id(&self) -> Id {
        Id(self.world.next_id())
    }

    /// Writes of all rows of a partition, one in six a delete.
    fn batch(&self, partition: u64) -> BTreeMap<Key, Option<Id>> {
        let write = |row| {
            let is_delete = self.draw.below(6) == 0;
            (key(partition, row), (!is_delete).then(|| self.new_id()))
        };
        (0..ROWS).map(write).collect()
    }

    async fn write(&self, writes: BTreeMap<Key, Option<Id>>) {
        let place = self.begin(Action::Write(writes.clone()), false);
        let result = self.send(&writes).await;
        self.world.history.end(place, result.map(|()| Outcome::Done));
    }

    async fn send(&self, writes: &BTreeMap<Key, Option<Id>>) -> Result<(), DbaError> {
        let Some((first, id)) = writes.first_key_value() else { return Ok(()) };
        if writes.len() == 1 {
            return match id {
                Some(id) => self.ring.put(first, value_of(*id)).await,
                None => self.ring.delete(first).await,
            };
        }
        let batch = writes.iter().fold(Batch::new(), |batch, (key, id)| match id {
            Some(id) => batch.put(key.clustering(), value_of(*id)),
            None => batch.delete(key.clustering()),
        });
        self.ring.write(first.partition(), batch).await
    }

    /// Gives whether it was answered.
    async fn get(&self, key: &Key, is_last: bool) -> bool {
        let place = self.begin(Action::Read, is_last);
        let options = CallOptions::default().consistency(Consistency::Linearizable);
        let found = self.ring.get_with(key, &options).await;
        let is_answered = found.is_ok();
        let found = found.map(|value| [(key.clone(), value.as_deref().and_then(id_of))].into());
        self.world.history.end(place, found.map(Outcome::Found));
        is_answered
    }

    async fn scan(&self, partition: u64, is_last: bool) {
        let place = self.begin(Action::Read, is_last);
        let name = format!("p{partition}");
        let page = self.ring.scan(name.as_bytes(), &Scan::all()).await;
        let found = page.map(|page| {
            let absent = (0..ROWS).map(|row| (key(partition, row), None));
            let mut found: BTreeMap<Key, Option<Id>> = absent.collect();
            let rows = page.rows();
            found.extend(
                rows.map(|row| (Key::new(name.as_str(), row.clustering), id_of(row.value))),
            );
            found
        });
        self.world.history.end(place, found.map(Outcome::Found));
    }

    fn begin(&self, action: Action, is_last: bool) -> usize {
        let World { history, time, .. } = &self.world;
        history.begin(self.node, self.name, action, time.ms(), is_last)
    }
}
