//! Commands whose callers go away.

use std::sync::Arc;

use futures_util::FutureExt;
use kvs_core::entity::LocalEntities;
use kvs_core::env::{Env, Random, SystemRandom};
use kvs_core::{CallOptions, CommandId, Durability, EntityStore, RowKind};
use kvs_tests::Engine;
use tempfile::tempdir;

use crate::counter;

/// Each write waits for the disk, so a command is cut short anywhere: before its turn, before its
/// writes are submitted, or while they are written. None is lost or doubled: the next one sees
/// either all of it or never anything.
#[tokio::test(flavor = "multi_thread")]
async fn the_next_command_sees_all_of_it_or_nothing() {
    for engine in Engine::DURABLE {
        let folder = tempdir().unwrap();
        let store = engine.open_with(folder.path(), Durability::Always, Env::system()).unwrap();
        let entities = LocalEntities::new(Arc::new(store.rows(RowKind::Entity)));
        let env = Env::system();
        let mut answered = Vec::new();
        for number in 0..200 {
            let options = CallOptions::default();
            let with_id = options.clone().command(CommandId::new(&env));
            let options = if number % 2 == 0 { options } else { with_id };
            let mut command = Box::pin(counter::add(&entities, "one", number, &options));
            // Some are waited for, and the last one.
            let random = SystemRandom.next_u64() % 8;
            let polls = if random > 5 || number == 199 { u64::MAX } else { random };
            for _ in 0..polls {
                if let Some(before) = (&mut command).now_or_never() {
                    answered.push((number, before.unwrap()));
                    break;
                }
                tokio::task::yield_now().await;
            }
        }
        let mut seen = counter::seen(&entities, "one").await;
        for answer in &answered {
            assert!(seen.contains(answer), "{engine:?}: command {} was answered", answer.0);
        }
        // Every applied command saw what the one before it left.
        seen.sort_by_key(|(_, before)| *before);
        let count = counter::value(&*entities.rows(), "one").await.unwrap();
        assert!(seen.iter().map(|(_, before)| *before).eq(0..count), "{engine:?}: {seen:?}");
        assert!(seen.is_sorted_by_key(|(number, _)| *number), "{engine:?}: out of order: {seen:?}");
    }
}
