//! Saving and loading whole stores.

use std::path::Path;
use std::sync::{Arc, Mutex};

use futures_util::TryStreamExt;
use kvs::archive::{ArchiveError, Progress};
use kvs::{Eid, Error, Kvs};

async fn filled() -> Kvs {
    let kvs = Kvs::memory();
    for n in 0..1_000_u64 {
        kvs.put(format!("record/{n}"), &n).await.unwrap();
        kvs.feed::<u64>("feed").add(&n).await.unwrap();
        kvs.leaderboard::<u64>("board").set(&n, n as f64).await.unwrap();
    }
    kvs.files("files").put_bytes("f", &vec![9; 5_000_000]).await.unwrap();
    kvs
}

/// Everything in a store, as its own archive's rows would be.
async fn contents(kvs: &Kvs) -> (Vec<(u64, u64)>, Vec<(u64, u64)>, Vec<u8>, usize) {
    let entries = kvs.feed::<u64>("feed").all(None);
    let entries = entries.map_ok(|entry| (entry.eid.0, entry.value)).try_collect().await.unwrap();
    let lines = kvs.leaderboard::<u64>("board").standings();
    let lines = lines.map_ok(|line| (line.rank, line.member)).try_collect().await.unwrap();
    let file: Vec<Vec<u8>> =
        kvs.files("files").read("f").await.unwrap().try_collect().await.unwrap();
    let keys: Vec<_> = kvs.keys("record/").try_collect().await.unwrap();
    (entries, lines, file.concat(), keys.len())
}

fn ignore(_: Progress) {}

#[tokio::test]
async fn a_store_is_saved_and_loaded_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.zip");
    let kvs = filled().await;
    let mut seen = 0;
    let saved = kvs.save(&path, |progress| seen = progress.rows).await.unwrap();
    assert_eq!(seen, saved);

    let copy = Kvs::memory();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let progress = {
        let seen = seen.clone();
        move |progress| seen.lock().unwrap().push(progress)
    };
    assert_eq!(copy.load(&path, progress).await.unwrap(), saved);
    assert_eq!(contents(&copy).await, contents(&kvs).await);
    let last = seen.lock().unwrap().last().copied();
    assert_eq!(last, Some(Progress { rows: saved, total: Some(saved) }));

    let files: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(files.len(), 1, "no draft is left: {files:?}");
}

/// Also where one thread does everything: a writer that waited for the archive would wait for itself.
#[test]
fn writers_go_on_while_a_store_is_saved() {
    let (done, result) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("store.zip");
            let kvs = filled().await;
            let mut written = 0_u64;
            let writing = async {
                loop {
                    written += 1;
                    kvs.put(format!("record/{written}"), &u64::MAX).await.unwrap();
                    tokio::task::yield_now().await;
                }
            };
            tokio::select! {
                saved = kvs.save(&path, ignore) => saved.unwrap(),
                () = writing => unreachable!("it never ends"),
            };
            let copy = Kvs::memory();
            copy.load(&path, ignore).await.unwrap();
            assert_eq!(copy.feed::<u64>("feed").len().await.unwrap(), 1_000);
            assert_eq!(kvs.get::<u64>("record/1").await.unwrap(), Some(u64::MAX));
            done.send(written).unwrap();
        });
    });
    assert!(result.recv_timeout(std::time::Duration::from_secs(60)).unwrap() > 0);
}

#[tokio::test]
async fn an_empty_store_is_saved_and_loaded() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("empty.zip");
    assert_eq!(Kvs::memory().save(&path, ignore).await.unwrap(), 0);
    assert_eq!(Kvs::memory().load(&path, ignore).await.unwrap(), 0);
}

#[tokio::test]
async fn loaded_data_takes_priority_and_the_rest_stays() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.zip");
    let kvs = Kvs::memory();
    kvs.put("both", &"archived".to_owned()).await.unwrap();
    kvs.feed::<String>("both").add(&"archived".to_owned()).await.unwrap();
    kvs.save(&path, ignore).await.unwrap();

    let kvs = Kvs::memory();
    kvs.put("both", &"stored".to_owned()).await.unwrap();
    kvs.put("stored", &"stays".to_owned()).await.unwrap();
    let both = kvs.feed::<String>("both");
    for _ in 0..1_500 {
        both.add(&"stored".to_owned()).await.unwrap();
    }
    kvs.load(&path, ignore).await.unwrap();

    assert_eq!(kvs.get("both").await.unwrap(), Some("archived".to_owned()));
    assert_eq!(kvs.get("stored").await.unwrap(), Some("stays".to_owned()));
    let entries: Vec<_> = both.all(None).try_collect().await.unwrap();
    assert_eq!(entries.len(), 1, "an entity is replaced, not mixed");
    assert_eq!((entries[0].eid, entries[0].value.as_str()), (Eid(1), "archived"));
    assert_eq!(both.add(&"next".to_owned()).await.unwrap(), Eid(2));
}

/// Loads into a store that has a record, and checks that it is refused and nothing changed.
async fn assert_refused(path: &Path, why: &str) {
    let kvs = Kvs::memory();
    kvs.put("here", &1).await.unwrap();
    let error = kvs.load(path, ignore).await.expect_err(why);
    assert!(matches!(error, Error::Archive(_)), "{why}: {error}");
    let keys: Vec<_> = kvs.keys("").try_collect().await.unwrap();
    assert_eq!(keys.len(), 1, "{why}");
    assert_eq!(kvs.type_of("feed").await.unwrap(), None, "{why}");
}

#[tokio::test]
async fn a_truncated_or_altered_archive_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.zip");
    let kvs = Kvs::memory();
    for n in 0..20_u8 {
        kvs.feed::<u8>("feed").add(&n).await.unwrap();
    }
    kvs.save(&path, ignore).await.unwrap();
    let whole = std::fs::read(&path).unwrap();

    for at in 0..whole.len() {
        let mut altered = whole.clone();
        altered[at] ^= 0x01;
        std::fs::write(&path, &altered).unwrap();
        assert_refused(&path, &format!("byte {at} altered")).await;
    }
    for length in 0..whole.len() {
        std::fs::write(&path, &whole[..length]).unwrap();
        assert_refused(&path, &format!("cut off after {length}")).await;
    }
    std::fs::write(&path, [whole.as_slice(), b"x"].concat()).unwrap();
    assert_refused(&path, "a byte too many").await;
    std::fs::write(&path, &whole).unwrap();
    Kvs::memory().load(&path, ignore).await.unwrap();
}

#[tokio::test]
async fn what_is_no_archive_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    assert_refused(&folder.path().join("missing.zip"), "no such file").await;
    assert_refused(folder.path(), "a folder").await;
    let path = folder.path().join("text.zip");
    std::fs::write(&path, "not a zip file").unwrap();
    assert_refused(&path, "text").await;
}

#[tokio::test]
async fn a_file_that_cannot_be_written_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("no/such/folder/store.zip");
    let error = Kvs::memory().save(&path, ignore).await.unwrap_err();
    assert!(matches!(error, Error::Archive(ArchiveError::Io { .. })), "{error}");
    assert!(error.to_string().contains("store.zip"), "{error}");
}
