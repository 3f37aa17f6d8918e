//! Commands of sessions, as they travel to the owner, and what they bring back.
//!
//! ```text
//!            ┌──────┬─────────────┐             ┌──────┬──────────────┬───────────────────┬────────────┐
//! message    │  02  │ the command │   reply     │  04  │ length (u32) │ the session's     │ the answer │
//!            └──────┴─────────────┘             └──────┴──────────────┴───────────────────┴────────────┘
//! ```
//!
//! The session in the reply has seen what the command read and wrote, and nothing else.

use kvs_core::{DbaError, Result, Session};

use crate::answer::Answer;

const OF_SESSION: u8 = 0x02;
const SEEN: u8 = 0x04;

/// The message that says that a command is part of a session.
pub(crate) fn message(mut command: Vec<u8>) -> Vec<u8> {
    command.insert(0, OF_SESSION);
    command
}

/// The command in a message, and what its session is to be told if it is part of one.
pub(crate) fn command(message: &[u8]) -> (&[u8], Option<Session>) {
    match message {
        [OF_SESSION, command @ ..] => (command, Some(Session::new())),
        command => (command, None),
    }
}

/// The reply with an answer, and with what the session of the command has seen by it.
pub(crate) fn reply(answer: Answer, seen: Option<&Session>) -> Vec<u8> {
    let answer = answer.into_bytes();
    // Without the session's bytes the reply is no less true.
    let Some(seen) = seen.and_then(|seen| seen.to_bytes().ok()) else { return answer };
    let length = u32::try_from(seen.len()).unwrap_or(u32::MAX);
    [&[SEEN][..], &length.to_be_bytes(), &seen, &answer].concat()
}

/// The answer in a reply. The session of its command has then seen what that has.
pub(crate) fn answer(reply: Vec<u8>, session: Option<&Session>) -> Result<Answer> {
    let [SEEN, rest @ ..] = reply.as_slice() else { return Ok(Answer::from_bytes(reply)) };
    let cut_off = || DbaError::decode("answer", "it is cut off");
    let (length, rest) = rest.split_first_chunk().ok_or_else(cut_off)?;
    let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
    let (seen, answer) = rest.split_at_checked(length).ok_or_else(cut_off)?;
    let seen = Session::from_bytes(seen)?;
    if let Some(session) = session {
        session.join(&seen);
    }
    Ok(Answer::from_bytes(answer.to_vec()))
}

#[cfg(test)]
mod tests {
    use kvs_core::session::Reached;

    use super::*;

    #[test]
    fn a_reply_brings_what_was_seen() {
        let (bytes, session) = (message(vec![1, 0]), Session::new());
        assert_eq!(bytes, [2, 1, 0]);
        let (inner, seen) = command(&bytes);
        assert_eq!(inner, [1, 0]);
        let seen = seen.unwrap();
        seen.advance(7, b"p");
        let bytes = reply(Answer::from_bytes(vec![1, 1, 9]), Some(&seen));
        assert_eq!(bytes, [4, 0, 0, 0, 6, 1, 1, 7, 1, b'p', 0, 1, 1, 9]);
        let answered = answer(bytes.clone(), Some(&session)).unwrap();
        assert_eq!(answered.read::<u8>().unwrap(), 9);
        assert_eq!(session.reached(7), Reached::Position(b"p".to_vec()));
        for cut in 1..11 {
            assert!(answer(bytes[..cut].to_vec(), None).is_err(), "cut to {cut}");
        }
    }

    #[test]
    fn without_a_session_nothing_is_added() {
        let (inner, seen) = command(&[1, 0]);
        assert!(inner == [1, 0] && seen.is_none());
        let bytes = reply(Answer::from_bytes(vec![1, 1, 9]), None);
        assert_eq!(bytes, [1, 1, 9]);
        assert_eq!(answer(bytes, None).unwrap().read::<u8>().unwrap(), 9);
    }
}
