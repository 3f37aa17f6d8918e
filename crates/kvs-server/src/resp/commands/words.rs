//! Reading the words of a request.

use super::{Refused, Request, is};

/// Most entries, elements or members that one command answers with.
pub(super) const LIMIT_MAX: usize = 10_000;

/// The words of a request that has exactly so many.
pub(super) fn words<const N: usize>(request: Request, name: &str) -> Result<[Vec<u8>; N], Refused> {
    request.try_into().map_err(|_request: Request| Refused::arity(name))
}

/// The words of a request that has at least so many, and its options.
pub(super) fn words_and_options<const N: usize>(
    mut request: Request,
    name: &str,
) -> Result<([Vec<u8>; N], Options), Refused> {
    let options = request.split_off(request.len().min(N));
    Ok((words(request, name)?, Options(options.into_iter())))
}

/// Options that have not been looked at.
pub(super) struct Options(std::vec::IntoIter<Vec<u8>>);

impl Options {
    /// The next one, if it is this word.
    pub(super) fn next_is(&mut self, word: &str) -> bool {
        let found = self.0.as_slice().first().is_some_and(|next| is(next, word));
        if found {
            self.0.next();
        }
        found
    }

    /// The word after the one just taken.
    pub(super) fn value(&mut self) -> Result<Vec<u8>, Refused> {
        self.0.next().ok_or_else(Refused::syntax)
    }

    /// The same as a number for how many.
    pub(super) fn limit(&mut self) -> Result<usize, Refused> {
        limit(&self.value()?)
    }

    /// Whether all are taken.
    pub(super) fn is_empty(&self) -> bool {
        self.0.as_slice().is_empty()
    }

    /// Refuses what is left.
    pub(super) fn end(&self) -> Result<(), Refused> {
        if self.is_empty() { Ok(()) } else { Err(Refused::syntax()) }
    }
}

/// How many are wanted.
pub(super) fn limit(word: &[u8]) -> Result<usize, Refused> {
    let limit = number(word)?;
    match usize::try_from(limit) {
        Ok(limit) if limit <= LIMIT_MAX => Ok(limit),
        _ => Err(Refused::new(format!("ERR {limit} is more than the limit of {LIMIT_MAX}"))),
    }
}

/// A number without a sign.
pub(super) fn number(word: &[u8]) -> Result<u64, Refused> {
    let text = std::str::from_utf8(word).ok().filter(|text| !text.starts_with('+'));
    text.and_then(|text| text.parse().ok()).ok_or_else(Refused::integer)
}

/// An integer; `None` if it is none, or has more than 64 bits.
pub(super) fn integer(word: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(word).ok().filter(|text| !text.starts_with('+'));
    text?.parse().ok()
}

/// A text. Feeds, sorted sets and leaderboards of this port and of the command line hold texts.
pub(super) fn text(word: Vec<u8>, what: &str) -> Result<String, Refused> {
    String::from_utf8(word).map_err(|_binary| {
        Refused::new(format!("ERR {what} has to be text in UTF-8. Nothing was done"))
    })
}
