//! Directories of files that may be elsewhere.

use std::sync::Arc;

use async_trait::async_trait;
use kvs_core::CallOptions;
use kvs_core::file::{Directories, DirectoryAnswer, DirectoryCommand, FileError};

use crate::command::Command;
use crate::entity::Entities;

pub(crate) struct RemoteDirectories(pub(crate) Arc<dyn Entities>);

#[async_trait]
impl Directories for RemoteDirectories {
    async fn run(
        &self,
        name: Arc<[u8]>,
        command: DirectoryCommand,
    ) -> Result<DirectoryAnswer, FileError> {
        let command = Command::Directory(command).to_bytes()?;
        let answer = self.0.execute(&name, command, &CallOptions::default()).await?;
        Ok(answer.read()?)
    }
}
