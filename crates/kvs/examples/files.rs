//! Files in directories: append, ranges, replace.
//!
//! ```sh
//! cargo run -p kvs --example files
//! ```
#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use futures_util::TryStreamExt;
use kvs::Kvs;
use kvs::file::source;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let kvs = Kvs::open(folder.path()).await?;
    let replays = kvs.files("replays");

    // From any reader, a chunk at a time: a file on disk, standard input, a buffer.
    let video = vec![7; 3_000_000];
    replays.put("final.mp4", source::reader(std::io::Cursor::new(video))).await?;
    replays.append_bytes("final.mp4", b"the end").await?;

    // A range costs the chunks that it touches.
    let size = replays.size("final.mp4").await?;
    let end: Vec<Vec<u8>> =
        replays.read_range("final.mp4", size - 7..).await?.try_collect().await?;
    println!("{size} bytes, ending in {:?}", String::from_utf8(end.concat())?);

    replays.copy("final.mp4", "backup.mp4").await?;
    let files: Vec<_> = replays.list("").await?.try_collect().await?;
    for file in files {
        println!("{:<12} {:>9} bytes", file.name, file.size);
    }
    replays.delete("final.mp4").await?;
    println!("cleaned up: {:?}", replays.cleanup().await?);
    Ok(())
}
