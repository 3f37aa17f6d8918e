//! What needs an order of writes, which records on a ring don't have.

use super::{Refused, is};

/// Commands of Redis that read and write in one step, or keep things in order.
const COMMANDS: [&str; 41] = [
    "APPEND",
    "BITFIELD",
    "BITOP",
    "COPY",
    "DECR",
    "DECRBY",
    "GETDEL",
    "GETEX",
    "GETSET",
    "HDEL",
    "HINCRBY",
    "HMSET",
    "HSET",
    "HSETNX",
    "INCR",
    "INCRBY",
    "INCRBYFLOAT",
    "LINSERT",
    "LMOVE",
    "LPOP",
    "LPUSH",
    "LREM",
    "LSET",
    "LTRIM",
    "MSETNX",
    "RENAME",
    "RENAMENX",
    "RPOP",
    "RPUSH",
    "SADD",
    "SETBIT",
    "SETNX",
    "SETRANGE",
    "SPOP",
    "SREM",
    "XADD",
    "ZADD",
    "ZINCRBY",
    "ZPOPMAX",
    "ZPOPMIN",
    "ZREM",
];

/// The name of the command, if it is one of these.
pub(super) fn needs_order(name: &[u8]) -> Option<&'static str> {
    COMMANDS.into_iter().find(|command| is(name, command))
}

/// The error for `what`, which is one of these.
pub(super) fn refused(what: &str) -> Refused {
    Refused(format!(
        "ERR {what} needs an order of writes; records on the ring have none. Nothing was done"
    ))
}
