//! Commands through the handles that programs use.

use futures_util::{StreamExt, TryStreamExt};
use kvs_check::Text;
use kvs_check::model::{counter, feed, register};
use kvs_consistency::{Condition, Executor, RegisterError};
use kvs_core::{CallOptions, Result};
use kvs_feed::{Eid, Entry};

use super::{Answer, Command};

/// Has `entity` execute `command`.
pub(super) async fn run(
    entities: &Executor,
    entity: &str,
    command: Command,
    options: CallOptions,
) -> Result<Answer, RegisterError> {
    Ok(match command {
        Command::Feed(command) => Answer::Feed(run_feed(entities, entity, command, options).await?),
        Command::Counter(command) => {
            let counter = entities.register::<i64>(entity).with(options);
            Answer::Counter(match command {
                counter::Command::Get => counter.get().await?.unwrap_or(0),
                counter::Command::Add { by } => counter.increment(by).await?,
            })
        }
        Command::Register(command) => {
            Answer::Register(run_register(entities, entity, command, options).await?)
        }
    })
}

async fn run_feed(
    entities: &Executor,
    entity: &str,
    command: feed::Command,
    options: CallOptions,
) -> Result<feed::Answer> {
    let feed = entities.feed::<String>(entity).with(options);
    let told = |entry: Entry<String>| (entry.eid.0, Text::from(entry.value));
    Ok(match command {
        feed::Command::Add { value } => feed::Answer::Number(feed.add(&value.into()).await?.0),
        feed::Command::Get { eid } => {
            feed::Answer::Value(feed.get(Eid(eid)).await?.map(|entry| entry.value.into()))
        }
        feed::Command::Head => {
            feed::Answer::Entries(feed.head().await?.map(told).into_iter().collect())
        }
        feed::Command::Len => feed::Answer::Number(feed.len().await?),
        feed::Command::Remove { eid } => feed::Answer::Done(feed.remove(Eid(eid)).await?),
        feed::Command::All { from, limit } => {
            let limit = limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(usize::MAX);
            let entries = feed.all(from.map(Eid)).take(limit).map_ok(told);
            feed::Answer::Entries(entries.try_collect().await?)
        }
    })
}

async fn run_register(
    entities: &Executor,
    entity: &str,
    command: register::Command,
    options: CallOptions,
) -> Result<register::Answer> {
    let register = entities.register::<String>(entity).with(options);
    Ok(match command {
        register::Command::Get => register::Answer::Value(register.get().await?.map(Text::from)),
        register::Command::Set { value, when } => {
            let condition = match when {
                register::When::Always => Condition::Always,
                register::When::Absent => Condition::IfAbsent,
                register::When::Present => Condition::IfPresent,
            };
            register::Answer::Done(register.set_if(&value.into(), condition).await?)
        }
        register::Command::CompareAndSet { expected, value } => {
            let (expected, value) = (expected.map(String::from), String::from(value));
            register::Answer::Done(register.compare_and_set(expected.as_ref(), Some(&value)).await?)
        }
        register::Command::Delete => register::Answer::Done(register.delete().await?),
    })
}
