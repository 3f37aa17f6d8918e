//! Versions: causality of writes, siblings, and how they are resolved.
