//! `kvs file`: files of any size, in directories.

use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::path::Path;

use futures_util::TryStreamExt;
use indicatif::ProgressBar;
use kvs::file::source::{self, Source};
use kvs::file::{FileInfo, OpenFile};
use serde_json::{Value, json};

use crate::cli::FileCommand;
use crate::error::{Failure, Result};
use crate::input;
use crate::output::Output;
use crate::progress::{self, Unit};
use crate::store::StoreArgs;

pub(crate) async fn run(command: FileCommand, store: &StoreArgs, out: &mut Output) -> Result {
    match command {
        FileCommand::Put { dir, name, path } => {
            let bytes = upload(&path, out)?;
            let size = store.open_or_create().await?.files(dir).put(&name, bytes).await?;
            out.quiet(&json!({ "name": name, "size": size }))
        }
        FileCommand::Append { dir, name, path } => {
            let bytes = upload(&path, out)?;
            let range = store.open().await?.files(dir).append(&name, bytes).await?;
            out.quiet(&json!({ "name": name, "size": range.end }))
        }
        FileCommand::Get { dir, name, output } => {
            let file = store.open().await?.files(dir).open(&name).await?;
            match output.filter(|path| path != Path::new("-")) {
                Some(path) => download(&file, &path, out).await,
                None => print(&file, out).await,
            }
        }
        FileCommand::Ls { dir, prefix } => {
            let mut files = store.open().await?.files(dir).list(&prefix).await?;
            while let Some(file) = files.try_next().await? {
                out.line(format_args!("{}\t{}", file.size, file.name), &to_json(&file))?;
            }
            Ok(())
        }
        FileCommand::Stat { dir, name } => {
            let file = store.open().await?.files(dir).stat(&name).await?;
            let FileInfo { name, size, created_ms, modified_ms, .. } = &file;
            out.line(
                format_args!(
                    "name\t{name}\nsize\t{size}\ncreated_ms\t{created_ms}\nmodified_ms\t\
                     {modified_ms}"
                ),
                &to_json(&file),
            )
        }
        FileCommand::Rm { dir, name } => {
            let files = store.open().await?.files(dir);
            if !files.delete(&name).await? {
                return Err(Failure::not_found(format!("there is no file {name:?}")));
            }
            files.cleanup().await?;
            out.quiet(&json!({ "removed": name }))
        }
        FileCommand::Cleanup { dir } => {
            let cleaned = store.open().await?.files(dir).cleanup().await?;
            out.line(cleaned.chunks, &json!({ "chunks": cleaned.chunks }))
        }
    }
}

fn to_json(file: &FileInfo) -> Value {
    json!({
        "name": file.name,
        "size": file.size,
        "created_ms": file.created_ms,
        "modified_ms": file.modified_ms,
    })
}

/// The bytes of a file outside, with a bar that shows how far they are read.
fn upload(path: &Path, out: &Output) -> Result<Source<'static>> {
    let (bytes, length) = input::open(path)?;
    let bar = progress::bar(out.is_json(), "storing", Unit::Bytes, length);
    Ok(source::reader(bar.wrap_read(bytes)))
}

/// Writes a file to a path outside.
async fn download(file: &OpenFile, path: &Path, out: &mut Output) -> Result {
    let failed = |source| Failure::input(path.display().to_string(), source);
    let mut copy = File::create(path).map_err(failed)?;
    let bar = bar(file, out.is_json());
    let mut pieces = file.read(..)?;
    while let Some(piece) = pieces.try_next().await? {
        copy.write_all(&piece).map_err(failed)?;
        bar.inc(piece.len() as u64);
    }
    out.quiet(&json!({ "path": path.display().to_string(), "size": file.info().size }))
}

/// Writes a file to the standard output.
async fn print(file: &OpenFile, out: &mut Output) -> Result {
    let bar = bar(file, out.is_json() || io::stdout().is_terminal());
    let mut pieces = file.read(..)?;
    while let Some(piece) = pieces.try_next().await? {
        out.bytes(&piece)?;
        bar.inc(piece.len() as u64);
    }
    Ok(())
}

fn bar(file: &OpenFile, hidden: bool) -> ProgressBar {
    progress::bar(hidden, "reading", Unit::Bytes, Some(file.info().size))
}
