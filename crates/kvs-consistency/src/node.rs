//! Entities of a cluster, at one of its nodes.

use std::sync::Arc;

use async_trait::async_trait;
use kvs_core::env::Env;
use kvs_core::{CallOptions, Consistency, EntityStore, Result};

use crate::answer::Answer;
use crate::command::Command;
use crate::entity::Entities;
use crate::execute::apply;
use crate::region::EntityRegion;

/// How often a query is run anew because a command has changed its entity meanwhile. Then it goes to the
/// owner.
const VIEWS_MAX: usize = 3;

/// Entities of a cluster, at one of its nodes: commands go to their owner, and so do queries, except
/// those that may see less than everything ([`Consistency`]). This node answers them by itself if it has
/// what they have to see.
pub struct NodeEntities {
    region: EntityRegion,
    store: Arc<dyn EntityStore>,
    env: Env,
}

impl NodeEntities {
    /// Entities behind `region`, of which `store` has those of this node.
    pub fn new(region: EntityRegion, store: Arc<dyn EntityStore>, env: Env) -> Self {
        Self { region, store, env }
    }

    /// Answers a query from the rows of this node; `None` if they won't do.
    async fn query(
        &self,
        name: &[u8],
        command: &[u8],
        options: &CallOptions,
    ) -> Result<Option<Answer>> {
        let query = Command::from_bytes(command)?;
        if !query.is_query() {
            return Ok(None);
        }
        for _ in 0..VIEWS_MAX {
            let Some(view) = self.store.view(name, options).await? else { return Ok(None) };
            let applied = apply(query.clone(), view.rows(), name, &self.env).await;
            if !view.end() {
                continue;
            }
            return Ok(match applied {
                Ok(value) => Some(Answer::value(value)),
                Err(failure) if failure.is_retryable() => None,
                Err(failure) => Some(Answer::failed(&failure)),
            });
        }
        Ok(None)
    }
}

#[async_trait]
impl Entities for NodeEntities {
    async fn execute(
        &self,
        name: &Arc<[u8]>,
        command: Vec<u8>,
        options: &CallOptions,
    ) -> Result<Answer> {
        if options.consistency != Consistency::Linearizable
            && let Some(answer) = self.query(name, &command, options).await?
        {
            return Ok(answer);
        }
        self.region.execute(name, command, options).await
    }
}
