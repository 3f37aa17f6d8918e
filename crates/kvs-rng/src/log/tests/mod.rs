//! A cluster of logs in one process.
