//! `INFO`, `TIME`, `DBSIZE`, `RING.STATUS`: about the server.

use std::sync::atomic::{AtomicU64, Ordering};

use super::auth::REDIS_VERSION;
use super::{Answer, Refused, is};
use crate::resp::client::Client;
use crate::resp::server::{CLIENTS_MAX, Server};
use crate::ring_status::EntityStatus;

/// `INFO [section …]`
pub(super) fn info(client: &mut Client, request: &[Vec<u8>]) -> Answer {
    let asked = request.get(1..).unwrap_or_default();
    let everything =
        asked.iter().any(|asked| ["all", "default", "everything"].iter().any(|all| is(asked, all)));
    let wanted = |section: &str| {
        asked.is_empty() || everything || asked.iter().any(|asked| is(asked, section))
    };
    let mut text = String::new();
    for (section, lines) in sections(&client.server) {
        if wanted(section) {
            let gap = if text.is_empty() { "" } else { "\r\n" };
            text.push_str(&format!("{gap}# {section}\r\n"));
            for (name, value) in lines {
                text.push_str(&format!("{name}:{value}\r\n"));
            }
        }
    }
    client.replies.verbatim(&text);
    Ok(())
}

/// `RING.STATUS`: the same JSON as `GET /v1/ring` on the admin port.
pub(super) async fn ring_status(client: &mut Client) -> Answer {
    let status = client.server.node.ring().await;
    client.replies.bulk(status.to_string());
    Ok(())
}

type Lines = Vec<(&'static str, String)>;

fn sections(server: &Server) -> [(&'static str, Lines); 6] {
    let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed).to_string();
    let counters = &server.counters;
    let uptime = server.uptime().as_secs();
    [
        (
            "Server",
            vec![
                ("redis_version", REDIS_VERSION.to_owned()),
                ("kvs_version", env!("CARGO_PKG_VERSION").to_owned()),
                ("redis_mode", "standalone".to_owned()),
                ("os", std::env::consts::OS.to_owned()),
                ("arch_bits", usize::BITS.to_string()),
                ("process_id", std::process::id().to_string()),
                ("run_id", server.run_id.clone()),
                ("uptime_in_seconds", uptime.to_string()),
                ("uptime_in_days", (uptime / 86_400).to_string()),
            ],
        ),
        (
            "Clients",
            vec![
                ("connected_clients", server.clients().len().to_string()),
                ("maxclients", CLIENTS_MAX.to_string()),
            ],
        ),
        (
            "Stats",
            vec![
                ("total_connections_received", count(&counters.connections)),
                ("rejected_connections", count(&counters.refused)),
                ("total_commands_processed", count(&counters.commands)),
                ("total_error_replies", count(&counters.errors)),
            ],
        ),
        ("Entities", entities(server)),
        ("Replication", vec![("role", "master".to_owned()), ("connected_slaves", "0".to_owned())]),
        ("Cluster", vec![("cluster_enabled", "0".to_owned())]),
    ]
}

/// What this node has done for entities; nothing without a cluster.
fn entities(server: &Server) -> Lines {
    let status = server.kvs.node().map(|node| EntityStatus::from(node.logs()));
    let counters = status.into_iter().flat_map(EntityStatus::counters);
    counters.map(|(name, count)| (name, count.to_string())).collect()
}

/// `TIME`
pub(super) fn time(client: &mut Client, _: &[Vec<u8>]) -> Answer {
    let now_ms = client.server.env.clock.now_ms();
    client.replies.array(2);
    client.replies.bulk((now_ms / 1_000).to_string());
    client.replies.bulk((now_ms % 1_000 * 1_000).to_string());
    Ok(())
}

/// `DBSIZE`
pub(super) fn dbsize(_: &mut Client, _: &[Vec<u8>]) -> Answer {
    Err(Refused::new("ERR DBSIZE isn't supported: the store doesn't count its records"))
}
