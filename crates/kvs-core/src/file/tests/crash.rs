//! A failure at every single write: nothing is half done, and nothing stays behind.

use super::probe::{Failure, Power};
use super::steps::{Model, Step};
use super::*;

fn script() -> Vec<Step> {
    let name = str::to_owned;
    vec![
        Step::Create(name("a")),
        Step::Append(name("a"), 1, 3_000),
        Step::Put(name("b"), 2, 66_000),
        Step::Append(name("a"), 3, 500),
        Step::Copy(name("a"), name("c")),
        Step::Put(name("b"), 4, 100),
        Step::Delete(name("a")),
        Step::Cleanup,
        Step::Append(name("c"), 5, 10),
        Step::Put(name("c"), 6, 0),
        Step::Cleanup,
    ]
}

/// Runs the script until the power fails; what the files were before and after the step that was
/// cut off, or `None` if the script came to its end.
async fn run(files: &Files) -> Option<[Model; 2]> {
    let mut model = Model::new();
    for step in script() {
        let before = model.clone();
        assert_eq!(step.model(&mut model), None);
        if let Err(error) = step.take(files).await {
            let is_known = error.outcome() == crate::Outcome::NotApplied;
            return Some([before.clone(), if is_known { before } else { model }]);
        }
    }
    None
}

/// All files, and how many chunks they have.
async fn read_all(files: &Files) -> (Model, usize) {
    let (mut model, mut chunks) = (Model::new(), 0);
    for info in all(files.list("").await.unwrap()).await.unwrap() {
        let pieces = all(files.read(&info.name).await.unwrap()).await.unwrap();
        chunks += pieces.len();
        model.insert(info.name, pieces.concat());
    }
    (model, chunks)
}

/// Whether the script got as far as this write.
async fn fail_at(write: u64, failure: Failure) -> bool {
    let failing = Fixture::over(Store::memory(), Power::failing_at(write, failure));
    let Some(allowed) = run(&failing.files).await else { return false };
    let case = format!("{failure:?} at write {write}");

    let fixture = Fixture::over(failing.store, Power::unlimited());
    let (found, _) = read_all(&fixture.files).await;
    assert!(allowed.contains(&found), "{case}");
    fixture.clock.advance(2 * HOUR);
    fixture.files.cleanup().await.unwrap();
    assert_eq!(fixture.files.cleanup().await.unwrap(), Cleaned::default());
    let (cleaned, chunks) = read_all(&fixture.files).await;
    assert!(cleaned == found, "{case}, and a cleanup");
    assert_eq!(fixture.chunk_rows().await, chunks, "{case}");
    true
}

#[tokio::test]
async fn a_failure_at_any_write_leaves_whole_files_and_nothing_for_good() {
    for (write_happens, is_short) in [(false, false), (false, true), (true, false), (true, true)] {
        let failure = Failure { write_happens, is_short };
        let mut write = 1;
        while fail_at(write, failure).await {
            write += 1;
        }
        assert!(write > 100, "the script came to its end after {write} writes");
    }
}

#[tokio::test]
async fn a_cleanup_that_is_cut_off_goes_on() {
    for write in 1.. {
        let full = Fixture::new();
        full.files.put_bytes("a", &data(1, 200_000)).await.unwrap();
        full.files.append_bytes("a", &data(1, 2_000)).await.unwrap();
        full.files.delete("a").await.unwrap();
        let torn = pieces(vec![Ok(data(1, 200_000)), Err(std::io::Error::other("torn"))]);
        full.files.put("b", torn).await.unwrap_err();

        let crash = Failure { write_happens: false, is_short: false };
        let cut_off = Fixture::over(full.store, Power::failing_at(write, crash));
        let is_done = cut_off.files.cleanup().await.is_ok();
        let fixture = Fixture::over(cut_off.store, Power::unlimited());
        fixture.files.cleanup().await.unwrap();
        assert_eq!((fixture.chunk_rows().await, fixture.directory_rows().await), (0, 1));
        if is_done {
            assert!(write > 8, "done before write {write}");
            break;
        }
    }
}
