//! Running commands where the entity is.

use std::sync::Arc;

use kvs_core::entity::{self, Started, header};
use kvs_core::env::Env;
use kvs_core::{CallOptions, Dba, DbaError, EntityStore, Value};

use crate::answer::{Answer, Failure, Kept, digest};
use crate::command::Command;

/// Runs a command on the entity `name`, whose rows are in `scope`, and gives its answer: a value as it
/// is encoded, of the type that the command says.
///
/// After an error what the command wrote to `scope` is to be thrown away. `env` is where a new
/// leaderboard's seed comes from.
pub async fn apply(
    command: Command,
    scope: Arc<dyn Dba>,
    name: &[u8],
    env: &Env,
) -> Result<Vec<u8>, Failure> {
    match command {
        Command::TypeOf => Ok(header::type_of(&*scope, name).await?.to_bytes()?),
        Command::Feed(command) => Ok(command.apply(scope, name).await?),
        Command::Sorted(command) => Ok(command.apply(scope, name).await?),
        Command::Leaderboard(command) => Ok(command.apply(scope, name, env).await?),
        Command::Register(command) => Ok(command.apply(scope, name).await?),
        Command::Directory(command) => Ok(command.apply(scope, name.into()).await?.to_bytes()?),
    }
}

/// Runs an encoded command as the next one of the entity `name` in `store`: what the owner of an
/// entity does with what is sent to it. Any bytes may be sent; the answer then says what is wrong.
///
/// With a command id in `options` the command is applied once. If the id was another command's, this
/// one is refused. A refusal that follows from the entity's state is confirmed and kept like any
/// answer.
pub async fn execute(
    store: &dyn EntityStore,
    name: Arc<[u8]>,
    command: &[u8],
    options: &CallOptions,
    env: &Env,
) -> Answer {
    let (answer, submitted) = match start(store, name, command, options, env).await {
        Ok(started) => started,
        Err(failure) => return Answer::failed(&failure),
    };
    match submitted {
        None => answer,
        Some(submitted) => match submitted.await {
            Ok(()) => answer,
            Err(error) => Answer::failed(&error.into()),
        },
    }
}

/// [`execute`] up to the point where the command is submitted: the answer counts once the future, if
/// there is one, is done with `Ok`. See [`entity::start`].
pub async fn start(
    store: &dyn EntityStore,
    name: Arc<[u8]>,
    command: &[u8],
    options: &CallOptions,
    env: &Env,
) -> Result<Started<Answer>, Failure> {
    let bytes = command;
    let command = Command::from_bytes(bytes)?;
    let mut options = options.clone();
    if command.is_query() {
        // Repeating it does no harm, and its answer is not worth keeping.
        options.command = None;
    }
    let digest = if options.command.is_some() { digest(bytes) } else { 0 };
    let entity = &name;
    let started = entity::start(store, name.clone(), &options, |scope| async move {
        let answer = match apply(command, scope.clone(), entity, env).await {
            Ok(value) => Answer::value(value),
            Err(failure) if failure.is_refusal() => {
                scope.take();
                Answer::failed(&failure)
            }
            Err(failure) => return Err(failure),
        };
        Ok::<_, Failure>(Kept::new(digest, answer))
    });
    let (kept, submitted) = started.await?;
    match options.command {
        Some(id) if !kept.is_of(digest) => Err(Failure::Dba(DbaError::CommandReused {
            id: id.to_string(),
            name: name.escape_ascii().to_string(),
        })),
        _ => Ok((kept.answer, submitted)),
    }
}
