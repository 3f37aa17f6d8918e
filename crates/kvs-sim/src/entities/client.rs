//! Clients of entities.

use std::collections::BTreeMap;
use std::time::Duration;

use kvs_check::Text;
use kvs_check::history::Outcome;
use kvs_check::model::{counter, feed, register};
use kvs_consistency::Executor;
use kvs_core::env::Env;
use kvs_core::{CallOptions, CommandId};
use tokio::time::sleep;

use super::run::run;
use super::{Answer, Call, Command, ENTITIES, Kind};
use crate::draw::Draw;
use crate::world::{Phase, World};

/// Entries of a page: as many as are read at once, and so as of one moment.
pub(super) const PAGE: u64 = 16;
/// Of how many of the newest calls that could be tried again one is.
const NEWEST: usize = 8;

/// A client of the entities, through one node.
pub(crate) struct EntityClient {
    pub(super) world: World,
    entities: Executor,
    env: Env,
    pub(super) node: usize,
    name: u64,
    pub(super) draw: Draw,
    /// What it saw last in each register.
    seen: BTreeMap<&'static str, Option<Text>>,
}

impl EntityClient {
    pub(crate) fn new(
        world: &World,
        entities: Executor,
        env: Env,
        node: usize,
        name: &str,
    ) -> Self {
        let draw = Draw::new(world.scenario.seed, &format!("entity client {name}"));
        let (world, name) = (world.clone(), world.next_id());
        Self { world, entities, env, node, name, draw, seen: BTreeMap::new() }
    }

    /// Calls until the faults end.
    pub(crate) async fn work(mut self) {
        while self.world.phase() == Phase::Working {
            match self.to_repeat() {
                Some(place) => drop(self.send(place).await),
                None => self.call_some().await,
            }
            sleep(Duration::from_millis(self.draw.between(0, 200))).await;
        }
    }

    /// Calls an entity, whichever.
    async fn call_some(&mut self) {
        let Some(&(entity, kind)) = ENTITIES.get(self.draw.index(ENTITIES.len())) else { return };
        let command = match kind {
            Kind::Feed => Command::Feed(self.feed()),
            Kind::Counter => Command::Counter(self.counter()),
            Kind::Register => Command::Register(self.register(entity)),
        };
        let has_id = command.is_change() && self.draw.chance(60);
        let id = has_id.then(|| CommandId::new(&self.env));
        if let Outcome::Ok(Answer::Register(register::Answer::Value(value))) =
            self.call(entity, command, id, None).await
        {
            self.seen.insert(entity, value);
        }
    }

    fn feed(&self) -> feed::Command {
        match self.draw.below(10) {
            0 => feed::Command::Len,
            1 => feed::Command::Head,
            2 => feed::Command::All { from: None, limit: Some(PAGE) },
            _ => feed::Command::Add { value: self.new_text() },
        }
    }

    fn counter(&self) -> counter::Command {
        if self.draw.chance(20) { counter::Command::Get } else { counter::Command::Add { by: 1 } }
    }

    fn register(&self, entity: &'static str) -> register::Command {
        let value = self.new_text();
        let set = |value, when| register::Command::Set { value, when };
        match self.draw.below(10) {
            0 | 1 => set(value, register::When::Always),
            2 => set(value, register::When::Absent),
            3 => register::Command::Delete,
            4 | 5 => {
                let expected = self.seen.get(entity).cloned().flatten();
                register::Command::CompareAndSet { expected, value }
            }
            _ => register::Command::Get,
        }
    }

    fn new_text(&self) -> Text {
        self.world.next_id().to_string().into()
    }

    /// A call of any client that is tried again: one of the newest that weren't answered, or now and
    /// then one that was.
    fn to_repeat(&self) -> Option<usize> {
        if !self.draw.chance(15) {
            return None;
        }
        let also_answered = self.draw.chance(20);
        let places =
            self.world.calls.places(|call| call.id.is_some() && (also_answered || call.is_open()));
        let newest = places.len().saturating_sub(NEWEST);
        let newest = places.get(newest..).unwrap_or_default();
        newest.get(self.draw.index(newest.len())).copied()
    }

    pub(super) async fn call(
        &self,
        entity: &'static str,
        command: Command,
        id: Option<CommandId>,
        round: Option<u64>,
    ) -> Outcome<Answer> {
        let tries = Vec::new();
        self.send(self.world.calls.begin(Call { entity, command, id, round, tries })).await
    }

    /// Sends the call at `place`, and notes what came of it.
    pub(super) async fn send(&self, place: usize) -> Outcome<Answer> {
        let World { calls, time, .. } = &self.world;
        let Some(call) = calls.get(place) else { return Outcome::NotApplied };
        let deadline = Duration::from_millis(self.draw.between(500, 5000));
        let mut options = CallOptions::default().deadline(deadline);
        options.command = call.id;
        let number = calls.sent(place, self.node, self.name, time.ms());
        let ran = run(&self.entities, call.entity, call.command, options).await;
        let (outcome, error) = match ran {
            Ok(answer) => (Outcome::Ok(answer), None),
            Err(error) => match error.outcome() {
                kvs_core::Outcome::NotApplied => (Outcome::NotApplied, Some(error.to_string())),
                kvs_core::Outcome::Unknown => (Outcome::Unknown, Some(error.to_string())),
            },
        };
        calls.ended(place, number, outcome.clone(), error);
        outcome
    }
}

impl Command {
    /// Whether it changes anything.
    fn is_change(&self) -> bool {
        match self {
            Self::Feed(command) => {
                matches!(command, feed::Command::Add { .. } | feed::Command::Remove { .. })
            }
            Self::Counter(command) => matches!(command, counter::Command::Add { .. }),
            Self::Register(command) => !matches!(command, register::Command::Get),
        }
    }
}
