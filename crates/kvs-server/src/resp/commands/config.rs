//! `CONFIG GET`: the few settings that clients and tools ask for.

use super::{Answer, Refused, is};
use crate::resp::client::Client;
use crate::resp::request::Limits;
use crate::resp::server::CLIENTS_MAX;

/// `CONFIG GET pattern [pattern …]`
pub(super) fn config(client: &mut Client, request: &[Vec<u8>]) -> Answer {
    let patterns = match request {
        [_, sub, patterns @ ..] if is(sub, "GET") => patterns,
        [_, sub, ..] => return Err(Refused::subcommand("CONFIG", sub)),
        _ => return Err(Refused::arity("config")),
    };
    if patterns.is_empty() {
        return Err(Refused::arity("config|get"));
    }
    let settings = [
        ("appendonly", "no".to_owned()),
        ("databases", "1".to_owned()),
        ("maxclients", CLIENTS_MAX.to_string()),
        ("maxmemory", "0".to_owned()),
        ("proto-max-bulk-len", Limits::FULL.argument_bytes.to_string()),
        ("save", String::new()),
        ("timeout", "0".to_owned()),
    ];
    let asked = |name: &str| patterns.iter().any(|pattern| matches(pattern, name.as_bytes()));
    let found: Vec<_> = settings.into_iter().filter(|(name, _)| asked(name)).collect();
    client.replies.map(found.len());
    for (name, value) in found {
        client.replies.bulk(name);
        client.replies.bulk(value);
    }
    Ok(())
}

/// Whether `name` is like `pattern`, in which `*` stands for any bytes and `?` for one. Case doesn't
/// matter. Goes back to the latest star only, so it takes no more than their lengths' product.
fn matches(pattern: &[u8], name: &[u8]) -> bool {
    let (mut p, mut n) = (0, 0);
    let mut star = None;
    while let Some(byte) = name.get(n) {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, n));
                p += 1;
            }
            Some(wanted) if *wanted == b'?' || wanted.eq_ignore_ascii_case(byte) => {
                p += 1;
                n += 1;
            }
            _ => match star {
                Some((at, taken)) => {
                    star = Some((at, taken + 1));
                    p = at + 1;
                    n = taken + 1;
                }
                None => return false,
            },
        }
    }
    pattern.get(p..).unwrap_or_default().iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_in_redis() {
        let cases = [
            ("save", "save", true),
            ("SAVE", "save", true),
            ("*", "save", true),
            ("", "save", false),
            ("s?ve", "save", true),
            ("s?ve", "sve", false),
            ("max*s", "maxclients", true),
            ("max*x", "maxclients", false),
            ("*a*b*", "xxaxxbxx", true),
            ("*ab", "aab", true),
            ("save", "sav", false),
        ];
        for (pattern, name, expected) in cases {
            assert_eq!(matches(pattern.as_bytes(), name.as_bytes()), expected, "{pattern} {name}");
        }
    }
}
