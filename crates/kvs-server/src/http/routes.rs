//! What is answered.

use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router, middleware};
use serde_json::json;

use super::{Node, auth};
use crate::serve::Secret;

/// Largest body of a request, in bytes.
const BODY_BYTES_MAX: usize = 64 << 10;

/// The routes, with a password before those that tell more than that the node is there.
pub(super) fn router(node: Arc<dyn Node>, password: Option<Secret>) -> Router {
    let guarded = Router::new()
        .route("/v1/ring", get(ring))
        .layer(middleware::from_fn_with_state(password.map(Arc::new), auth::check));
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .merge(guarded)
        .fallback(|| async { error(StatusCode::NOT_FOUND, "there is nothing here") })
        .method_not_allowed_fallback(|| async {
            error(StatusCode::METHOD_NOT_ALLOWED, "this can only be read (GET)")
        })
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .with_state(node)
}

async fn ready(State(node): State<Arc<dyn Node>>) -> Response {
    match node.ready().await {
        Ok(()) => "ready\n".into_response(),
        Err(reason) => error(StatusCode::SERVICE_UNAVAILABLE, &reason),
    }
}

async fn ring(State(node): State<Arc<dyn Node>>) -> Response {
    Json(node.ring().await).into_response()
}

/// An error as JSON.
pub(super) fn error(status: StatusCode, error: &str) -> Response {
    (status, Json(json!({ "error": error }))).into_response()
}
