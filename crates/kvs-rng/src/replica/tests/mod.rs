//! Tests of replicas.
