//! The layout: members, quorum and the table of buckets.
