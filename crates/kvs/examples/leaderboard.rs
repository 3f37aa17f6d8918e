//! A leaderboard: scores, ranks and neighbours.
//!
//! ```sh
//! cargo run -p kvs --example leaderboard
//! ```
#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use kvs::Kvs;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let kvs = Kvs::open(folder.path()).await?;
    let cup = kvs.leaderboard::<String>("cup/2026");

    for (n, name) in ["ann", "bob", "cid", "dan", "eve", "fay", "gus"].into_iter().enumerate() {
        cup.set(&name.to_owned(), 100.0 - 10.0 * n as f64).await?;
    }
    println!("gus scores: {}", cup.add(&"gus".to_owned(), 35.0).await?);

    println!("the best three:");
    for line in cup.top(3).await? {
        println!("{:>3}. {:<5} {:>5}", line.rank, line.member, line.score);
    }
    println!("around gus, who is number {:?}:", cup.rank(&"gus".to_owned()).await?);
    for line in cup.around(&"gus".to_owned(), 1).await? {
        println!("{:>3}. {:<5} {:>5}", line.rank, line.member, line.score);
    }
    Ok(())
}
