//! What a node's entities are asked once all faults have ended.

use std::time::Duration;

use kvs_check::history::Outcome;
use kvs_check::model::{counter, feed, register};
use tokio::time::sleep;

use super::client::PAGE;
use super::{Answer, Command, ENTITIES, EntityClient, Kind};

/// How often a call that fails after all faults have ended is tried again.
const LAST_TRIES: usize = 20;
const RETRY: Duration = Duration::from_millis(500);

impl EntityClient {
    /// Repeats this node's share of the commands that nobody knows the outcome of, half of them, until
    /// each is answered.
    pub(crate) async fn settle(&self) {
        let unknown =
            |call: &super::Call| call.id.is_some() && call.outcome().0 == Outcome::Unknown;
        let nodes = self.world.scenario.nodes;
        for place in self.world.calls.places(unknown) {
            if place % nodes != self.node || self.draw.chance(50) {
                continue;
            }
            for _ in 0..LAST_TRIES {
                if matches!(self.send(place).await, Outcome::Ok(_)) {
                    break;
                }
                sleep(RETRY).await;
            }
        }
    }

    /// Reads all of every entity.
    pub(crate) async fn read_all(&self, round: u64) {
        for (entity, kind) in ENTITIES {
            match kind {
                Kind::Feed => self.read_feed(entity, round).await,
                Kind::Counter => {
                    self.read(entity, Command::Counter(counter::Command::Get), round).await;
                }
                Kind::Register => {
                    self.read(entity, Command::Register(register::Command::Get), round).await;
                }
            }
        }
    }

    /// Page by page.
    async fn read_feed(&self, entity: &'static str, round: u64) {
        self.read(entity, Command::Feed(feed::Command::Len), round).await;
        let mut from = None;
        loop {
            let page = feed::Command::All { from, limit: Some(PAGE) };
            let answer = self.read(entity, Command::Feed(page), round).await;
            let Some(Answer::Feed(feed::Answer::Entries(entries))) = answer else { return };
            match entries.last() {
                Some((eid, _)) if *eid > 1 => from = Some(*eid - 1),
                _ => return,
            }
        }
    }

    async fn read(&self, entity: &'static str, command: Command, round: u64) -> Option<Answer> {
        for _ in 0..LAST_TRIES {
            let outcome = self.call(entity, command.clone(), None, Some(round)).await;
            if let Outcome::Ok(answer) = outcome {
                return Some(answer);
            }
            sleep(RETRY).await;
        }
        None
    }
}
