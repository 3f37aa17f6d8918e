//! From partitions to buckets.
