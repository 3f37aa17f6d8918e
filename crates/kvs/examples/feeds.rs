//! Feeds: what happened, newest first.
//!
//! ```sh
//! cargo run -p kvs --example feeds
//! ```
#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use futures_util::TryStreamExt;
use kvs::{CallOptions, Eid, Kvs};
use serde::{Deserialize, Serialize};

#[derive(Debug, Serialize, Deserialize)]
struct Post {
    by: String,
    text: String,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let kvs = Kvs::open(folder.path()).await?;
    let posts = kvs.feed::<Post>("match/7/posts");

    // Many tasks may add at once; each entry gets the next number.
    let add = |by: &str, text: &str| {
        let (posts, post) = (&posts, Post { by: by.to_owned(), text: text.to_owned() });
        async move { posts.add(&post).await }
    };
    tokio::try_join!(add("ann", "kick-off!"), add("bob", "what a save"), add("cid", "1:0"))?;

    // Pages: two at a time, going on after the last one seen.
    let mut from = None;
    loop {
        let page: Vec<_> = posts.all(from).try_collect::<Vec<_>>().await?;
        for entry in page.iter().take(2) {
            println!("{:>3} {}: {}", entry.eid, entry.value.by, entry.value.text);
        }
        match page.get(2) {
            Some(next) => from = Some(next.eid),
            None => break,
        }
        println!("  --- next page");
    }

    // A command that may have to be repeated carries an id, and is applied once.
    let once = CallOptions::default().command(kvs.command_id());
    for _try in 0..3 {
        let feed = kvs.feed::<Post>("match/7/posts").with(once.clone());
        let eid = feed.add(&Post { by: "dan".to_owned(), text: "full time".to_owned() }).await?;
        println!("full time is entry {eid}");
    }

    // Removing is quick and final; the number is not used again.
    posts.remove(Eid(2)).await?;
    println!(
        "{} entries are left; {} rows were cleaned up",
        posts.len().await?,
        posts.cleanup().await?
    );
    Ok(())
}
