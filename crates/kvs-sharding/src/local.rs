//! Sharding within one process.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;

use crate::config::Config;
use crate::entities::{Entities, Shards, encode_message, encode_reply};
use crate::error::{Cause, StartError};
use crate::handler::{Call, Handler};
use crate::region::{Region, Route, check_start};

/// Sharding for one process: this process owns every entity.
///
/// The same API as the clustered form, with the same limits, so that a program can go from one to
/// the other. Messages are not copied: they are encoded only to learn their size.
#[derive(Debug, Default)]
pub struct LocalSharding {
    config: Config,
    names: Mutex<BTreeSet<String>>,
}

impl LocalSharding {
    /// Sharding with these limits.
    pub fn new(config: Config) -> Self {
        Self { config, names: Mutex::default() }
    }

    /// Starts the region `name` (1 to 128 bytes), whose entities are `handler`'s. It lasts as long as
    /// a handle on it.
    ///
    /// # Panics
    /// Outside of a runtime with timers, if the handler keeps state.
    pub fn start<H: Handler>(
        &self,
        name: &str,
        handler: H,
    ) -> Result<Region<H::Message, H::Reply>, StartError> {
        check_start(name, &self.config)?;
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        if !names.insert(name.to_owned()) {
            return Err(StartError::Taken { name: name.to_owned() });
        }
        let entities = Arc::new(Entities::new(handler, &self.config, Box::new(AllHere)));
        let route = Local { entities, config: self.config.clone() };
        Ok(Region::new(name, &self.config, Arc::new(route)))
    }
}

/// One shard, which is always here.
struct AllHere;

impl Shards for AllHere {
    fn of(&self, _entity: &[u8]) -> u32 {
        0
    }

    fn check(&self, _entity: &[u8]) -> Result<(), Cause> {
        Ok(())
    }
}

struct Local<H: Handler> {
    entities: Arc<Entities<H>>,
    config: Config,
}

#[async_trait]
impl<H: Handler> Route<H::Message, H::Reply> for Local<H> {
    async fn route(&self, call: Call, message: H::Message) -> Result<H::Reply, Cause> {
        encode_message(&message, &self.config)?;
        let reply = self.entities.deliver(call, message).await?;
        encode_reply(&reply, &self.config)?;
        Ok(reply)
    }

    fn entities(&self) -> usize {
        self.entities.len()
    }
}
