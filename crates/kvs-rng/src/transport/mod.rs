//! Requests and answers between nodes.
