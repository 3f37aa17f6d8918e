//! Names belong to the type that used them first.

use kvs_core::entity::{self, header};
use kvs_core::{CallOptions, Dba, DbaError, EntityStore, Key, Outcome};

use crate::counter;

#[tokio::test]
async fn a_name_belongs_to_one_type() {
    let entities = counter::in_memory();
    let (rows, options) = (entities.rows(), CallOptions::default());
    assert_eq!(header::type_of(&*rows, b"name\xFF").await.unwrap(), None);
    assert_eq!(header::load::<u64>(&*rows, b"name\xFF", "feed", &options).await.unwrap(), None);

    let created = entity::run(&entities, *b"name\xFF", &options, |scope| async move {
        let key = Key::new(b"name\xFF", header::CLUSTERING);
        scope.put(&key, header::encode("feed", &42_u64)?).await?;
        Ok::<_, DbaError>(())
    });
    created.await.unwrap();

    let load = header::load::<u64>(&*rows, b"name\xFF", "feed", &options);
    assert_eq!(load.await.unwrap(), Some(42));
    assert_eq!(header::type_of(&*rows, b"name\xFF").await.unwrap().as_deref(), Some("feed"));
    let error = header::load::<u64>(&*rows, b"name\xFF", "sorted set", &options).await.unwrap_err();
    assert_eq!(error.to_string(), r#""name\\xff" is a feed, not a sorted set"#);
    assert_eq!((error.outcome(), error.is_retryable()), (Outcome::NotApplied, false));
    assert!(matches!(error, DbaError::WrongType { expected: "sorted set", .. }));
}

/// A command writes to its own entity only.
#[tokio::test]
async fn a_command_cannot_reach_other_entities() {
    let entities = counter::in_memory();
    let options = CallOptions::default();
    let reaches = entity::run(&entities, *b"one", &options, |scope| async move {
        scope.put(&Key::from("two"), b"x".to_vec()).await
    });
    assert!(reaches.await.is_err());
    assert_eq!(entities.rows().get(&Key::from("two")).await.unwrap(), None);
}
