//! What a node tells about itself, on the standard error.

use std::io;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use tracing_subscriber::EnvFilter;

/// The environment's say in what is logged, as in `debug` or `kvs_rng=debug,info`.
const FILTER: &str = "KVS_LOG";

/// How a line of the log looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// An object for each line, for machines.
    Json,
}

/// What is logged if the environment says nothing. The consensus tells its inner life as `info`, and
/// each attempt to reach a node that is down as an error, which the transport tells better.
const FILTER_DEFAULT: &str = "info,openraft=off";

/// Begins to log, unless that was done before: `info` and worse, or what `KVS_LOG` says.
pub(super) fn start(format: LogFormat) {
    let filter = EnvFilter::try_from_env(FILTER).unwrap_or_else(|_| EnvFilter::new(FILTER_DEFAULT));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    // An error means that somebody logs already, which is as good.
    let _ = match format {
        LogFormat::Text => log.try_init(),
        LogFormat::Json => log.json().flatten_event(true).try_init(),
    };
}
