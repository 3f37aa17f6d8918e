//! What is refused, and how often a command is applied.

use std::sync::Arc;

use kvs_consistency::{AROUND_MAX, Answer, COMMAND_BYTES_MAX, Command, FeedCommand, execute};
use kvs_core::codec::Bytes;
use kvs_core::entity::LocalEntities;
use kvs_core::env::Env;
use kvs_core::{CallOptions, CommandId, DbaError, EntityStore, RowKind, Store};
use kvs_feed::Eid;

use crate::{Place, block_on};

fn with_id(number: u8) -> CallOptions {
    CallOptions::default().command(CommandId::from_bytes([number; 16]))
}

async fn sent(store: &dyn EntityStore, command: &[u8]) -> Answer {
    let (env, _) = Env::manual(0, 0);
    execute(store, Arc::from(*b"n"), command, &CallOptions::default(), &env).await
}

#[test]
fn what_is_no_command_is_answered_with_what_is_wrong() {
    block_on(async {
        let store = LocalEntities::new(Arc::new(Store::memory().rows(RowKind::Entity)));
        let len = Command::Feed(FeedCommand::Len).to_bytes().unwrap();
        let cases: [(Vec<u8>, &str); 8] = [
            (vec![], "it is empty"),
            (vec![2, 0], "it has version 2, this node knows 1"),
            (vec![1], "can't be decoded"),
            (vec![1, 99], "can't be decoded"),
            (vec![1, 1, 99], "can't be decoded"),
            ([&len[..], &[0]].concat(), "1 bytes are left over"),
            (vec![1, 1, 0, 200], "can't be decoded"),
            (vec![1; COMMAND_BYTES_MAX + 1], "the limit is"),
        ];
        for (bytes, expected) in cases {
            let error = sent(&store, &bytes).await.read::<u64>().unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
        assert_eq!(sent(&store, &len).await.read::<u64>().unwrap(), 0);

        let entry = Bytes(b"no encoded value".to_vec());
        let add = Command::Feed(FeedCommand::Add { entry }).to_bytes().unwrap();
        let error = sent(&store, &add).await.read::<Eid>().unwrap_err().to_string();
        assert!(error.contains("unknown codec tag"), "{error}");
    });
}

#[test]
fn a_command_that_is_too_large_is_not_sent() {
    let entry = Bytes(vec![1; COMMAND_BYTES_MAX]);
    let error = Command::Feed(FeedCommand::Add { entry }).to_bytes().unwrap_err();
    assert!(matches!(error, DbaError::Limit(_)), "{error}");
}

#[test]
fn a_handle_of_another_type_is_refused_everywhere() {
    block_on(async {
        for place in Place::all() {
            let entities = &place.entities;
            entities.feed::<u8>("n").add(&1).await.unwrap();
            let is_wrong = |error: DbaError| matches!(error, DbaError::WrongType { .. });
            assert!(is_wrong(entities.sorted::<u8>("n").insert(&1).await.unwrap_err()));
            assert!(is_wrong(entities.sorted::<u8>("n").len().await.unwrap_err()));
            assert!(is_wrong(entities.leaderboard::<u8>("n").rank(&1).await.unwrap_err()));
            assert!(is_wrong(entities.register::<u8>("n").set(&1).await.unwrap_err()));
            assert!(is_wrong(entities.register::<u8>("n").get().await.unwrap_err()));
            let error = entities.register::<i64>("n").increment(1).await.unwrap_err();
            assert_eq!(error.to_string(), "\"n\" is a feed, not a register");
            let chunks = Arc::new(place.store.rows(RowKind::Chunk));
            let files = entities.files("n", chunks, place.env.clone());
            let error = files.create("f").await.unwrap_err();
            assert_eq!(error.to_string(), "\"n\" is a feed, not a directory");
        }
    });
}

#[test]
fn a_repeated_command_is_applied_once_and_another_one_is_refused() {
    block_on(async {
        for place in Place::all() {
            let feed = || place.entities.feed::<String>("f").with(with_id(1));
            let text = "text".to_owned();
            assert_eq!(feed().add(&text).await.unwrap(), Eid(1));
            assert_eq!(feed().add(&text).await.unwrap(), Eid(1));
            for refused in
                [feed().add(&"other".to_owned()).await.map(drop), feed().clear().await.map(drop)]
            {
                let error = refused.unwrap_err();
                assert!(matches!(error, DbaError::CommandReused { .. }), "{error}");
            }
            assert_eq!(feed().len().await.unwrap(), 1);

            // What was refused stays refused, and wrote nothing.
            let board = || place.entities.leaderboard::<u8>("b").with(with_id(2));
            for _ in 0..2 {
                let error = board().add(&1, f64::INFINITY).await.unwrap_err();
                assert!(error.to_string().contains("has to be finite"), "{error}");
            }
            assert_eq!(place.entities.type_of("b").await.unwrap(), None);
        }
    });
}

#[test]
fn a_counter_neither_overflows_nor_counts_what_is_no_number() {
    block_on(async {
        for place in Place::all() {
            let counter = place.entities.register::<i64>("c");
            assert_eq!(counter.increment(i64::MAX).await.unwrap(), i64::MAX);
            let error = counter.increment(1).await.unwrap_err().to_string();
            assert!(error.contains("9223372036854775807 + 1 passes"), "{error}");
            assert_eq!(counter.get().await.unwrap(), Some(i64::MAX));

            place.entities.register::<String>("t").set(&"seven".to_owned()).await.unwrap();
            let error = place.entities.register::<i64>("t").increment(1).await.unwrap_err();
            assert!(error.to_string().contains("does not hold an integer"), "{error}");

            // A register that is gone leaves its name to any type.
            assert!(counter.delete().await.unwrap());
            assert!(!counter.delete().await.unwrap());
            place.entities.feed::<u8>("c").add(&1).await.unwrap();
        }
    });
}

#[test]
fn no_answer_grows_without_bounds() {
    block_on(async {
        let remote = Place::new(true);
        let board = remote.entities.leaderboard::<u8>("b");
        board.set(&1, 1.0).await.unwrap();
        assert_eq!(board.around(&1, AROUND_MAX).await.unwrap().len(), 1);
        let error = board.around(&1, AROUND_MAX + 1).await.unwrap_err().to_string();
        assert!(error.contains("lines around a member is 4097"), "{error}");
    });
}
