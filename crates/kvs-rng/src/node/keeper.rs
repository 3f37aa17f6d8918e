//! Carries news between the parts of a node.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

use super::layouts::Published;
use super::lives::Lives;
use crate::coordinator::{Coordinator, Layouts};
use crate::identity::NodeId;
use crate::log::Logs;
use crate::membership::{Advert, Membership};

/// How often the parts are looked at.
const PERIOD: Duration = Duration::from_millis(200);

/// Looks at membership and layout, for ever.
pub(super) async fn keep(
    node: NodeId,
    membership: Arc<Membership>,
    layouts: Arc<Published>,
    coordinator: Coordinator,
    lives: Arc<Lives>,
    logs: Logs,
) {
    let mut ticks = interval(PERIOD);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut told = None;
    let mut up = membership.members();
    loop {
        ticks.tick().await;
        let before = std::mem::replace(&mut up, membership.members());
        for back in up.keys().filter(|node| !before.contains_key(node)) {
            coordinator.seen_up(*back);
            logs.seen_up(*back);
        }
        let Some(layout) = layouts.current() else { continue };
        if told != Some(layout.version()) {
            told = Some(layout.version());
            // What writes were held back for is done.
            coordinator.replica().release();
            logs.release();
            logs.layout_changed();
            let advert =
                Advert { layout_version: layout.version(), layout_digest: layout.digest() };
            membership.advertise(advert);
            if layout.member(node).is_some() {
                lives.forget_others(&layout).await;
            }
            let others = layout.members().values().filter(|member| member.id != node);
            membership.add_seeds(others.map(|member| member.address).collect());
            tracing::info!(%node, version = layout.version(), members = layout.members().len(), "layout");
        }
        let newer = up.iter().find_map(|(id, seen)| {
            let advert = seen.advert?;
            (advert.layout_version > layout.version()).then_some(*id)
        });
        if let Some(newer) = newer {
            layouts.fetch(newer).await;
        }
    }
}
