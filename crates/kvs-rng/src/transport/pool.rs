//! Connections to other nodes: opened on demand, one for each address and channel, and a pause after
//! each failure.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use kvs_core::env::{Env, spawn};
use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

use super::client::{Client, End};
use super::error::{ConnectError, Reason};
use super::handshake::Channel;

/// Most addresses that are remembered.
const SLOTS_MAX: usize = 4096;
/// The longest that a call waits for a connection to an address where the last one failed.
const PROBE_WAIT: Duration = Duration::from_millis(200);

/// Opens connections.
#[async_trait]
pub(super) trait Dial: Send + Sync + 'static {
    async fn dial(&self, address: SocketAddr, channel: Channel) -> Result<Client, ConnectError>;
}

/// Pauses after failures: exponential, with jitter.
#[derive(Clone, Copy, Debug)]
pub(super) struct BackOff {
    pub(super) min: Duration,
    pub(super) max: Duration,
}

impl BackOff {
    /// The pause after so many failures in a row: between half of the full pause and all of it.
    fn pause(&self, failures: u32, random: u64) -> Duration {
        let doubled = self.min.saturating_mul(1 << failures.saturating_sub(1).min(20));
        let full = doubled.min(self.max);
        let share = (random % 1024) as u32;
        full / 2 + full / 2 * share / 1024
    }
}

pub(super) struct Pool {
    dial: Arc<dyn Dial>,
    env: Env,
    back_off: BackOff,
    slots: Mutex<Slots>,
}

#[derive(Default)]
struct Slots {
    table: BTreeMap<(SocketAddr, Channel), Arc<Slot>>,
    closed: bool,
}

/// Not a `watch` channel of tokio: that wakes its waiters in random order, and a simulation could not
/// be replayed.
#[derive(Default)]
struct Slot {
    state: Mutex<State>,
    changed: Notify,
}

impl Slot {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Clone, Default)]
enum State {
    /// Nothing was tried yet, or the last connection ended in good order.
    #[default]
    Idle,
    /// A task is opening a connection. `failures` in a row came before.
    Connecting {
        failures: u32,
    },
    Ready(Arc<Client>),
    Failed {
        failures: u32,
        until: Instant,
        error: ConnectError,
    },
}

impl State {
    /// The same, after a look at the connection and the time.
    fn settle(&mut self) {
        if let Self::Ready(client) = self
            && let Some(End { broken, reason }) = client.end()
        {
            *self = if broken {
                // The next attempt may be made now, but calls don't wait for it as long as for the
                // first: the peer may be dead.
                let error = ConnectError::Broken(reason);
                Self::Failed { failures: 0, until: Instant::now(), error }
            } else {
                Self::Idle
            };
        }
    }
}

impl Pool {
    pub(super) fn new(dial: Arc<dyn Dial>, env: Env, back_off: BackOff) -> Self {
        Self { dial, env, back_off, slots: Mutex::default() }
    }

    /// The connection to `address`, opened if need be. `deadline` is the end of the caller's time.
    pub(super) async fn connection(
        self: &Arc<Self>,
        address: SocketAddr,
        channel: Channel,
        timeout: Duration,
        deadline: Instant,
    ) -> Result<Arc<Client>, Reason> {
        let slot = self.slot(address, channel)?;
        if let State::Ready(client) = &*slot.state()
            && client.end().is_none()
        {
            return Ok(client.clone());
        }
        let mut patience = (deadline, Reason::Deadline(timeout));
        loop {
            let mut changed = std::pin::pin!(slot.changed.notified());
            changed.as_mut().enable();
            self.connect_if_due(&slot, address, channel);
            let state = slot.state().clone();
            match state {
                State::Ready(client) => return Ok(client),
                State::Failed { until, error, .. } => {
                    let retry = until.saturating_duration_since(Instant::now());
                    return Err(Reason::Unreachable { error, retry });
                }
                State::Connecting { failures } if failures > 0 => {
                    let probe = Instant::now() + PROBE_WAIT;
                    if probe < patience.0 {
                        let error = ConnectError::Timeout(PROBE_WAIT);
                        let retry = Duration::ZERO;
                        patience = (probe, Reason::Unreachable { error, retry });
                    }
                }
                State::Connecting { .. } | State::Idle => {}
            }
            if timeout_at(patience.0, changed).await.is_err() {
                return Err(patience.1);
            }
        }
    }

    /// Begins to connect if there is no connection and no pause lasts; a task of its own does it, so
    /// that it goes on if the caller goes away.
    fn connect_if_due(self: &Arc<Self>, slot: &Arc<Slot>, address: SocketAddr, channel: Channel) {
        {
            let mut state = slot.state();
            state.settle();
            let failures = match &*state {
                State::Idle => 0,
                State::Failed { failures, until, .. } if *until <= Instant::now() => failures + 1,
                _ => return,
            };
            *state = State::Connecting { failures };
        }
        let (pool, slot) = (self.clone(), slot.clone());
        spawn(async move {
            let dialed = pool.dial.dial(address, channel).await;
            pool.connected(&slot, dialed);
        });
    }

    fn connected(&self, slot: &Slot, dialed: Result<Client, ConnectError>) {
        let closed = self.slots().closed;
        {
            let mut state = slot.state();
            let before = if let State::Connecting { failures } = *state { failures } else { 0 };
            *state = match dialed {
                Ok(client) => {
                    if closed {
                        client.close();
                    }
                    State::Ready(Arc::new(client))
                }
                Err(error) => {
                    // A broken connection counted as one failure already, but cost no pause.
                    let failures = before.max(1);
                    let pause = self.back_off.pause(failures, self.env.random.next_u64());
                    State::Failed { failures, until: Instant::now() + pause, error }
                }
            };
        }
        slot.changed.notify_waiters();
    }

    fn slot(&self, address: SocketAddr, channel: Channel) -> Result<Arc<Slot>, Reason> {
        let mut slots = self.slots();
        if slots.closed {
            return Err(Reason::ShuttingDown);
        }
        if let Some(slot) = slots.table.get(&(address, channel)) {
            return Ok(slot.clone());
        }
        if slots.table.len() >= SLOTS_MAX {
            slots.table.retain(|_, slot| {
                let mut state = slot.state();
                state.settle();
                matches!(*state, State::Ready(_) | State::Connecting { .. })
            });
        }
        if slots.table.len() >= SLOTS_MAX {
            return Err(Reason::Busy { what: "peers", limit: SLOTS_MAX });
        }
        let slot = Arc::new(Slot::default());
        slots.table.insert((address, channel), slot.clone());
        Ok(slot)
    }

    /// Closes all connections; calls on them fail, and there are no new ones.
    pub(super) fn close(&self) {
        let table = {
            let mut slots = self.slots();
            slots.closed = true;
            std::mem::take(&mut slots.table)
        };
        for slot in table.values() {
            if let State::Ready(client) = &*slot.state() {
                client.close();
            }
        }
    }

    fn slots(&self) -> MutexGuard<'_, Slots> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_the_longest_and_differ() {
        let back_off = BackOff { min: Duration::from_millis(100), max: Duration::from_secs(2) };
        for (failures, full) in
            [(1, 100), (2, 200), (3, 400), (6, 2000), (40, 2000), (u32::MAX, 2000)]
        {
            let pause = |random| back_off.pause(failures, random).as_millis();
            assert_eq!(pause(0), full / 2, "{failures}");
            assert!((full * 9 / 10..=full).contains(&pause(1023)), "{failures}");
        }
    }
}
