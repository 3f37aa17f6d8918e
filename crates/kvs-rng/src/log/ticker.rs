//! Time, for buckets that wait for something.
//!
//! A bucket with nothing to wait for has no task and costs nothing.

use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use kvs_core::env::{Env, spawn};

use super::bucket::{BucketLog, Role, State};
use super::core::Event;
use super::driver::Driver;
use crate::identity::NodeId;

/// The first pause; each is twice the one before, up to the longest.
const PAUSE_MIN: Duration = Duration::from_millis(50);
/// The longest pause while somebody waits.
const PAUSE_WAITED_FOR: Duration = Duration::from_millis(400);
/// The first pause while only a replica has to be told something. What is committed is told with the
/// bucket's next command, if that comes before: one message, and one write there, for both.
const PAUSE_QUIET: Duration = Duration::from_millis(600);
/// The longest such pause.
const PAUSE_MAX: Duration = Duration::from_secs(10);
/// An owner that can't commit for so long stops serving: it may own the bucket no longer, and what
/// waits is to learn so.
pub(super) const COMMIT_TIMEOUT: Duration = Duration::from_secs(2);
/// A take-over that takes longer is given up.
const TAKE_OVER_TIMEOUT: Duration = Duration::from_secs(2);

/// Who doesn't answer for so long is taken not to have heard: the answer was lost on its way.
const ANSWER_TIMEOUT: Duration = Duration::from_millis(1_500);
/// A pause from which a bucket is woken when somebody begins to wait.
const LONG: Duration = Duration::from_millis(500);

/// `pause` more or less: nodes that duel are not to stay in step.
pub(super) fn about(env: &Env, pause: Duration) -> Duration {
    let span = u64::try_from(pause.as_micros()).unwrap_or(u64::MAX).max(1);
    pause / 2 + Duration::from_micros(env.random.next_u64() % span)
}

/// Has a task tick, if the bucket waits for something and none does yet.
pub(super) fn start(driver: &Arc<Driver>, bucket: &Arc<BucketLog>, state: &mut State) {
    if !wants(bucket, state) {
        return;
    }
    if std::mem::replace(&mut state.ticking, true) {
        if state.is_resting && is_waited_for(bucket, state) {
            state.is_resting = false;
            bucket.wake.notify_one();
        }
        return;
    }
    spawn(tick(Arc::downgrade(driver), bucket.clone()));
}

fn wants(bucket: &BucketLog, state: &State) -> bool {
    is_waited_for(bucket, state) || !state.asked.is_empty() || state.core.wants_tick()
}

fn is_waited_for(bucket: &BucketLog, state: &State) -> bool {
    !state.waiting.is_empty() || bucket.now().role == Role::Trying
}

async fn tick(driver: Weak<Driver>, bucket: Arc<BucketLog>) {
    let mut pause = PAUSE_MIN;
    let mut trying_since = None;
    let mut issued = None;
    loop {
        let mut wake = false;
        {
            let Some(driver) = driver.upgrade() else { return };
            let pause = about(&driver.env, pause);
            tokio::select! {
                biased;
                () = driver.hurry.notified() => wake = true,
                () = bucket.wake.notified() => wake = true,
                () = sleep(pause) => {}
            }
        }
        if wake {
            pause = PAUSE_MIN;
        }
        let Some(driver) = driver.upgrade() else { return };
        let mut state = bucket.lock();
        if driver.is_closed() || bucket.is_dead() || !wants(&bucket, &state) {
            state.ticking = false;
            return;
        }
        let is_waited_for = is_waited_for(&bucket, &state);
        if !is_waited_for && issued.replace(state.issued) != Some(state.issued) {
            pause = PAUSE_QUIET;
            state.is_resting = true;
            continue;
        }
        let event = match bucket.now().role {
            Role::Trying => {
                let since = *trying_since.get_or_insert_with(Instant::now);
                if since.elapsed() > TAKE_OVER_TIMEOUT { Event::StepDown } else { Event::Tick }
            }
            Role::Serving { .. } if is_stuck(&state) => Event::StepDown,
            _ => Event::Tick,
        };
        if bucket.now().role != Role::Trying || event == Event::StepDown {
            trying_since = None;
        }
        for to in silent(&state) {
            driver.step_locked(&bucket, &mut state, Event::Unanswered { to }, Vec::new());
        }
        driver.step_locked(&bucket, &mut state, event, Vec::new());
        let longest = if is_waited_for { PAUSE_WAITED_FOR } else { PAUSE_MAX };
        pause = (pause * 2).min(longest);
        state.is_resting = pause >= LONG;
    }
}

/// Those who were asked too long ago.
fn silent(state: &State) -> Vec<NodeId> {
    let asked = state.asked.iter().filter(|(_, at)| at.elapsed() > ANSWER_TIMEOUT);
    asked.map(|(node, _)| *node).collect()
}

/// Whether what was handed over first has waited too long.
fn is_stuck(state: &State) -> bool {
    let oldest = state.waiting.first_key_value();
    oldest.is_some_and(|(_, waiting)| waiting.since.elapsed() > COMMIT_TIMEOUT)
}
