//! `kvs serve`: a node that runs until it is told to stop.
//!
//! Settings come from flags, else from the environment (`KVS_…`), else from a TOML file, else from
//! defaults. On SIGTERM or SIGINT a node takes in nobody else, answers what was asked, and ends with
//! exit code 0.
//!
//! - [`options`]: what can be said, and where. [`settings`]: what is meant, checked. [`values`]:
//!   its parts. [`secret`]: passwords and keys.
//! - [`logging`]: what a node tells about itself. [`signals`]: being told to stop.
//! - [`member`]: what the ports tell of the ring.

mod logging;
mod member;
mod options;
mod secret;
mod settings;
mod signals;
#[cfg(test)]
mod tests;
mod values;

use std::sync::Arc;

use kvs::Kvs;
use kvs::env::Env;
use serde_json::json;
use tokio::sync::watch;

use crate::error::{Failure, Result};
use crate::output::Output;
use crate::store::StoreArgs;
use crate::{http, resp};

pub(crate) use options::ServeOptions;
pub(crate) use secret::Secret;
use settings::Settings;
use signals::Signals;
pub(crate) use values::{Period, RedisStrings};

/// Serves as a member of a cluster until a signal says stop.
pub(crate) async fn run(options: ServeOptions, store: StoreArgs, out: &mut Output) -> Result {
    let settings = Settings::new(options.with_store(store).complete()?)?;
    let cluster = settings.cluster()?;
    logging::start(settings.log_format);
    let password = settings.password()?;
    let mut signals = Signals::new()?;

    let kvs = tokio::select! {
        biased;
        kvs = Kvs::cluster(cluster) => kvs?,
        // A node that waits to be taken in has nothing to finish.
        signal = signals.next() => {
            tracing::info!(signal, "stopped before it was a member");
            return Ok(());
        }
    };
    let node = Arc::new(member::Member(kvs.clone()));
    let records = Arc::new(kvs.records());
    let server = resp::Server::new(
        records,
        kvs.clone(),
        settings.redis_strings,
        node.clone(),
        password.clone(),
        Env::system(),
    );

    let unusable = |flag: &str, address| {
        let what = format!("{flag}: {address} can't be listened at");
        move |source| Failure::input(what, source)
    };
    let (resp_addr, http_addr) = (settings.resp_addr, settings.http_addr);
    let resp = resp::listen(resp_addr, Arc::new(server)).await;
    let resp = resp.map_err(unusable("--resp-addr", resp_addr))?;
    let http = http::listen(http_addr, node, password).await;
    let http = http.map_err(unusable("--http-addr", http_addr))?;

    let (resp_addr, http_addr) = (resp.address(), http.address());
    // A node of a cluster, which it always is here, listens for others.
    let rpc_addr = kvs.node().map_or(settings.rpc_addr, |node| node.address());
    tracing::info!(
        settings = %settings.as_json(),
        rpc = %rpc_addr,
        resp = %resp_addr,
        http = %http_addr,
        "serving",
    );
    out.line(
        format!(
            "serving the Redis protocol on {resp_addr}, HTTP on {http_addr}, nodes on {rpc_addr}"
        ),
        &json!({ "rpc": rpc_addr, "resp": resp_addr, "http": http_addr }),
    )?;
    out.flush()?;

    let signal = signals.next().await;
    tracing::info!(signal, "stopping");
    tokio::join!(resp.stop(), http.stop());
    kvs.shutdown().await;
    tracing::info!("stopped");
    Ok(())
}

/// Waits until `stop` says so, or nobody is left to say so.
pub(crate) async fn stopped(stop: &mut watch::Receiver<bool>) {
    // An error means that nobody is left.
    let _ = stop.wait_for(|stop| *stop).await;
}
