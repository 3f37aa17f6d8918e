//! Which store, and opening it.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use kvs::{Backend, Kvs, Options};
use serde::{Deserialize, Serialize};

use crate::error::{Failure, Result};

/// Where the data is when nothing else is said.
pub(crate) const DATA_DIR: &str = "data";

/// The environment's say in that.
const DATA_DIR_ENV: &str = "KVS_DATA_DIR";

/// The store of a command.
#[derive(Clone, Debug, Args)]
pub(crate) struct StoreArgs {
    /// The folder of the store [default: data, or data/demo-<backend> for the demo]
    #[arg(long, global = true, env = DATA_DIR_ENV, hide_env_values = true, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,

    /// rocksdb, fjall, leveldb or fs, as built in [default: what the folder holds, or the first]
    #[arg(long, global = true)]
    pub(crate) backend: Option<Backend>,

    /// When writes are safe from a loss of power: always (at once), interval (after a second), os
    /// (at some time) [default: interval]
    #[arg(long, global = true, value_enum, hide_possible_values = true)]
    pub(crate) durability: Option<Durability>,
}

/// When writes reach the disk for good.
#[derive(Clone, Copy, Debug, Default, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Durability {
    Always,
    #[default]
    Interval,
    Os,
}

impl StoreArgs {
    /// Opens the store, and makes it if it isn't there: for commands that write.
    pub(crate) async fn open_or_create(&self) -> Result<Kvs> {
        self.open_in(self.dir()).await
    }

    /// Opens the store that is there: for commands that read or remove.
    pub(crate) async fn open(&self) -> Result<Kvs> {
        let dir = self.dir();
        if !Options::exists(dir)? {
            let dir = dir.display();
            return Err(Failure::Refused(format!("there is no store in {dir} (--data-dir)")));
        }
        self.open_in(dir).await
    }

    /// The same, but with a folder of its own for each backend unless the folder was said.
    pub(crate) fn for_demo(self) -> Self {
        let built_in = || Backend::ALL.into_iter().find(|backend| backend.is_built_in());
        let backend = self.backend.or_else(built_in).map_or("none", Backend::name);
        let own = || Path::new(DATA_DIR).join(format!("demo-{backend}"));
        Self { data_dir: Some(self.data_dir.unwrap_or_else(own)), ..self }
    }

    /// A flag that says which store, if there is one. The environment is not asked.
    pub(crate) fn said(&self) -> Option<&'static str> {
        let from_env = std::env::var_os(DATA_DIR_ENV).map(PathBuf::from);
        if self.data_dir.is_some() && self.data_dir != from_env {
            Some("--data-dir")
        } else if self.backend.is_some() {
            Some("--backend")
        } else {
            self.durability.map(|_| "--durability")
        }
    }

    /// The store's folder.
    pub(crate) fn dir(&self) -> &Path {
        self.data_dir.as_deref().unwrap_or(Path::new(DATA_DIR))
    }

    async fn open_in(&self, dir: &Path) -> Result<Kvs> {
        Ok(self.options().open(dir).await?)
    }

    /// How it is opened.
    pub(crate) fn options(&self) -> Options {
        let durability = match self.durability.unwrap_or_default() {
            Durability::Always => kvs::Durability::Always,
            Durability::Interval => kvs::Durability::Interval,
            Durability::Os => kvs::Durability::Os,
        };
        let options = Options::new().durability(durability);
        match self.backend {
            Some(backend) => options.backend(backend),
            None => options,
        }
    }
}
