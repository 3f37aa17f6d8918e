//! A process of its own for the tests to lock out, to kill and to listen to.
//!
//! ```text
//! kvs-tests-child open <engine> <folder>                 says how opening went
//! kvs-tests-child write <engine> <folder> <durability>   writes until it is killed
//! ```

use std::env;
use std::io::{self, Write};
use std::path::Path;

use kvs_core::env::Env;
use kvs_core::{Durability, RowKind};
use kvs_tests::{Engine, journal};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["open", engine, folder] => open(engine_named(engine)?, folder.as_ref()),
        ["write", engine, folder, durability] => {
            write(engine_named(engine)?, folder.as_ref(), durability_named(durability)?)
        }
        _ => Err("see the front page of tests/child/main.rs".into()),
    }
}

fn engine_named(name: &str) -> Result<Engine, String> {
    Engine::named(name).ok_or_else(|| format!("no engine is called {name}"))
}

fn durability_named(name: &str) -> Result<Durability, String> {
    [Durability::Always, Durability::Interval, Durability::Os]
        .into_iter()
        .find(|durability| format!("{durability:?}") == name)
        .ok_or_else(|| format!("no durability is called {name}"))
}

/// Says how opening the folder went.
fn open(engine: Engine, folder: &Path) -> Result<(), Box<dyn std::error::Error>> {
    match engine.open(folder) {
        Ok(_) => writeln!(io::stdout(), "opened")?,
        Err(error) => writeln!(io::stdout(), "{error}")?,
    }
    Ok(())
}

/// Goes on with the journal in the folder, and prints the number of each entry once it is
/// acknowledged. Doesn't end by itself.
fn write(
    engine: Engine,
    folder: &Path,
    durability: Durability,
) -> Result<(), Box<dyn std::error::Error>> {
    let rows = engine.open_with(folder, durability, Env::system())?.rows(RowKind::Plain);
    tokio::runtime::Runtime::new()?.block_on(async {
        let mut number = journal::check(&rows).await?;
        loop {
            number += 1;
            journal::write(&rows, number).await?;
            writeln!(io::stdout(), "{number}")?;
        }
    })
}
