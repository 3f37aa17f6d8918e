//! A type whose shape changes: old values are migrated as they are read.
//!
//! ```sh
//! cargo run -p kvs --example schema_migration
//! ```
#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use kvs::{Initial, Kvs, Schema, Versioned};
use serde::{Deserialize, Serialize};

/// What the first release stored.
#[derive(Debug, Serialize, Deserialize)]
struct PlayerV1 {
    name: String,
}

/// What this release stores.
#[derive(Debug, Serialize, Deserialize)]
struct Player {
    name: String,
    level: u32,
}

impl Schema for PlayerV1 {
    const VERSION: u32 = 1;
    type Previous = Initial;

    fn migrate(previous: Initial) -> Self {
        match previous {}
    }
}

impl Schema for Player {
    const VERSION: u32 = 2;
    type Previous = PlayerV1;

    fn migrate(previous: PlayerV1) -> Self {
        Self { name: previous.name, level: 1 }
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let kvs = Kvs::open(folder.path()).await?;

    // The first release, before there was a history: a plain type is version 1.
    kvs.put("player/ann", &PlayerV1 { name: "Ann".to_owned() }).await?;

    // This release reads it, and writes its own version.
    let Some(mut ann) = kvs.get::<Versioned<Player>>("player/ann").await? else {
        return Err("ann is not there".into());
    };
    println!("read and migrated: {ann:?}");
    ann.level += 1;
    kvs.put("player/ann", &ann).await?;

    // The first release meets the newer version: a clear error instead of a wrong value.
    match kvs.get::<PlayerV1>("player/ann").await {
        Ok(player) => println!("unexpected: {player:?}"),
        Err(error) => println!("the old release says: {error}"),
    }
    Ok(())
}
