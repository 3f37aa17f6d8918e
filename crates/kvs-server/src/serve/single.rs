//! A node by itself: an embedded store behind the ports.

use futures_util::future::{BoxFuture, FutureExt};
use kvs::Kvs;
use serde_json::{Value, json};

use crate::http::Node;

/// A node that is its whole ring.
pub(super) struct Single {
    kvs: Kvs,
    name: String,
}

impl Single {
    pub(super) fn new(kvs: Kvs, name: String) -> Self {
        Self { kvs, name }
    }
}

impl Node for Single {
    fn ready(&self) -> BoxFuture<'_, Result<(), String>> {
        async { self.kvs.ready().await.map_err(|error| error.to_string()) }.boxed()
    }

    fn ring(&self) -> BoxFuture<'_, Value> {
        async {
            let state = if self.kvs.ready().await.is_ok() { "effective" } else { "readonly" };
            json!({
                "state": state,
                "quorum": { "n": 1, "w": 1, "r": 1 },
                "members": [{ "name": self.name, "backend": self.kvs.backend_name() }],
            })
        }
        .boxed()
    }
}
