//! Registers: single values that are changed in one order.
//!
//! A record of the ring takes writes from everywhere, and the last one wins. A register is an entity:
//! its commands run one after another, so a value can depend on the one before it.

mod cell;
mod command;
mod error;

use std::marker::PhantomData;
use std::sync::Arc;

use kvs_core::codec::{Bytes, Raw};
use kvs_core::{CallOptions, DbaError, EntityStore, Result, Value};

use crate::answer::Failure;
use crate::command::Command;
use crate::entity::Entity;
pub(crate) use cell::Cell;
use command::change;

pub use cell::{Condition, Integers};
pub use command::{RegisterChange, RegisterCommand};
pub use error::RegisterError;

/// A single value of type `T`, or none, whose changes have one order.
///
/// A value has at most 16 MiB less ten bytes, encoded. To compare values is to compare their encoded
/// bytes: a [`Versioned`](kvs_core::Versioned) value that an older version of the type wrote is not
/// the same as what it migrates to, until it is set again.
///
/// ```
/// # use std::sync::Arc;
/// # use kvs_consistency::{Condition, Executor};
/// # use kvs_core::{RowKind, Store, entity::LocalEntities, env::Env};
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// # let store = LocalEntities::new(Arc::new(Store::memory().rows(RowKind::Entity)));
/// # let kvs = Executor::local(Arc::new(store), Env::system());
/// let champion = kvs.register::<String>("champion");
/// let [leeds, derby] = ["Leeds".to_owned(), "Derby".to_owned()];
/// assert!(champion.set_if(&leeds, Condition::IfAbsent).await?);
/// assert!(!champion.set_if(&derby, Condition::IfAbsent).await?);
/// assert!(champion.compare_and_set(Some(&leeds), Some(&derby)).await?);
/// assert_eq!(champion.get().await?, Some(derby));
/// # Ok::<(), kvs_core::DbaError>(()) }).unwrap();
/// ```
pub struct Register<T> {
    entity: Entity,
    value: PhantomData<fn() -> T>,
}

/// A register that counts: [`Register::increment`].
pub type Counter = Register<i64>;

impl<T: Value> Register<T> {
    pub(crate) fn new(entity: Entity) -> Self {
        Self { entity, value: PhantomData }
    }

    /// The same register with options for its calls; see [`Feed::with`](crate::Feed::with).
    #[must_use]
    pub fn with(self, options: CallOptions) -> Self {
        Self { entity: self.entity.with(options), ..self }
    }

    /// The value; `None` if there is none.
    pub async fn get(&self) -> Result<Option<T>> {
        let bytes = match self.view() {
            Some(cell) => cell.get().await?,
            None => {
                let value: Option<Bytes> = self.send(RegisterCommand::Get).await?;
                value.map(|Bytes(bytes)| bytes)
            }
        };
        bytes.map(|bytes| T::from_bytes(&bytes)).transpose()
    }

    /// Whether there is a value.
    pub async fn exists(&self) -> Result<bool> {
        match self.view() {
            Some(cell) => Ok(cell.get().await?.is_some()),
            None => Ok(self.send(RegisterCommand::Exists).await?),
        }
    }

    /// Sets the value.
    pub async fn set(&self, value: &T) -> Result<()> {
        self.set_if(value, Condition::Always).await.map(drop)
    }

    /// Sets the value on a condition, and tells whether it was met.
    pub async fn set_if(&self, value: &T, condition: Condition) -> Result<bool> {
        Ok(self.change(value, condition, false).await?.applied)
    }

    /// Sets the value, and gives the one before.
    pub async fn replace(&self, value: &T) -> Result<Option<T>> {
        Ok(self.replace_if(value, Condition::Always).await?.1)
    }

    /// Sets the value on a condition; tells whether it was met, and gives the value before.
    pub async fn replace_if(&self, value: &T, condition: Condition) -> Result<(bool, Option<T>)> {
        let change = self.change(value, condition, true).await?;
        Ok((change.applied, decode(change.before)?))
    }

    /// Removes the value; `false` if there was none. The name is free for any type then.
    pub async fn delete(&self) -> Result<bool> {
        Ok(self.remove(false).await?.applied)
    }

    /// Removes the value, and gives it.
    pub async fn take(&self) -> Result<Option<T>> {
        decode(self.remove(true).await?.before)
    }

    /// Puts `new` in place of `expected`, and tells whether that was the value; `None` stands for
    /// no value. If it was not, nothing is changed.
    pub async fn compare_and_set(&self, expected: Option<&T>, new: Option<&T>) -> Result<bool> {
        let expected = expected.map(T::to_bytes).transpose()?;
        let new = new.map(T::to_bytes).transpose()?;
        match self.entity.straight() {
            Some(store) => {
                self.run(store, |cell| async move {
                    cell.compare_and_set(expected.as_deref(), new.map(Raw)).await
                })
                .await
            }
            None => {
                let (expected, new) = (expected.map(Bytes), new.map(Bytes));
                Ok(self.send(RegisterCommand::CompareAndSet { expected, new }).await?)
            }
        }
    }

    async fn change(
        &self,
        value: &T,
        condition: Condition,
        returning: bool,
    ) -> Result<RegisterChange> {
        let value = value.to_bytes()?;
        match self.entity.straight() {
            Some(store) => {
                self.run(store, |cell| async move {
                    Ok(change(cell.set(Raw(value), condition).await?, returning))
                })
                .await
            }
            None => {
                let value = Bytes(value);
                Ok(self.send(RegisterCommand::Set { value, condition, returning }).await?)
            }
        }
    }

    async fn remove(&self, returning: bool) -> Result<RegisterChange> {
        match self.entity.straight() {
            Some(store) => {
                self.run(store, |cell| async move { Ok(change(cell.delete().await?, returning)) })
                    .await
            }
            None => Ok(self.send(RegisterCommand::Delete { returning }).await?),
        }
    }

    async fn add(&self, by: i64, integers: Integers) -> Result<i64, RegisterError> {
        match self.entity.straight() {
            Some(store) => {
                self.run(store, |cell| async move { cell.increment(by, integers).await }).await
            }
            None => Ok(self.send(RegisterCommand::Increment { by, integers }).await?),
        }
    }

    /// The committed register, if its row is in this process.
    fn view(&self) -> Option<Cell> {
        let cell = Cell::new(self.entity.rows()?, self.entity.name());
        Some(cell.with(self.entity.options().clone()))
    }

    async fn run<A, E, F>(
        &self,
        store: &Arc<dyn EntityStore>,
        command: impl FnOnce(Cell) -> F,
    ) -> Result<A, E>
    where
        A: Value,
        E: From<DbaError>,
        F: Future<Output = Result<A, E>>,
    {
        let name = self.entity.name();
        self.entity.run(store, |scope| command(Cell::new(scope, name))).await
    }

    async fn send<A: Value>(&self, command: RegisterCommand) -> Result<A, Failure> {
        self.entity.send(Command::Register(command)).await
    }
}

impl Counter {
    /// Adds `by` to the number, 0 if there is none, and gives the sum.
    ///
    /// Not to be repeated blindly if the outcome is unknown: as a command with an id it is added
    /// once.
    ///
    /// # Errors
    /// [`Overflow`](RegisterError::Overflow) if the sum passes the range of an `i64`,
    /// [`NotAnInteger`](RegisterError::NotAnInteger) if the register holds something else.
    pub async fn increment(&self, by: i64) -> Result<i64, RegisterError> {
        self.add(by, Integers::Encoded).await
    }
}

impl Register<Raw> {
    /// [`Counter::increment`] of a number in decimal digits, the way Redis clients write them.
    ///
    /// # Errors
    /// Those of [`Counter::increment`].
    pub async fn increment_decimal(&self, by: i64) -> Result<i64, RegisterError> {
        self.add(by, Integers::Decimal).await
    }
}

fn decode<T: Value>(before: Option<Bytes>) -> Result<Option<T>> {
    before.map(|Bytes(bytes)| T::from_bytes(&bytes)).transpose()
}
