//! Any steps, in any order, against a model in memory.

use proptest::prelude::*;

use super::steps::{Model, Step, kind};
use super::*;

fn name() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["a", "b", "c/d"]).prop_map(str::to_owned)
}

/// Lengths that end at, before and behind the ends of chunks and groups.
fn len() -> impl Strategy<Value = usize> {
    prop_oneof![
        4 => 0..5_000_usize,
        2 => (0..4_usize, 0..3_usize).prop_map(|(chunks, more)| (chunks * 1_024 + more).max(1) - 1),
        1 => 65_000..135_000_usize,
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => name().prop_map(Step::Create),
        5 => (name(), any::<u8>(), len()).prop_map(|(name, seed, len)| Step::Append(name, seed, len)),
        2 => (name(), any::<u8>(), len()).prop_map(|(name, seed, len)| Step::Put(name, seed, len)),
        1 => (name(), name()).prop_map(|(from, to)| Step::Copy(from, to)),
        1 => name().prop_map(Step::Delete),
        1 => Just(Step::Cleanup),
    ]
}

/// Reads a part of a file, which lies between two fractions of its length.
async fn check_range(files: &Files, model: &Model, name: &str, ends: (f64, f64)) {
    let Some(content) = model.get(name) else {
        assert_eq!(kind(&files.read(name).await.err().unwrap()), "NotFound");
        return;
    };
    let at = |fraction: f64| (fraction * content.len() as f64) as usize;
    let (start, end) = (at(ends.0.min(ends.1)), at(ends.0.max(ends.1)));
    let read = files.read_range(name, start as u64..end as u64).await.unwrap();
    assert!(all(read).await.unwrap().concat() == content[start..end], "{name} {start}..{end}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn files_do_as_their_model(
        steps in prop::collection::vec((step(), name(), (0.0..=1.0, 0.0..=1.0)), 1..30),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let fixture = Fixture::new();
            let files = &fixture.files;
            let mut model = Model::new();
            for (step, name, ends) in steps {
                let done = step.take(files).await;
                let expected = step.model(&mut model).map(str::to_owned);
                assert_eq!(done.as_ref().err().map(kind), expected, "{step:?}");
                check_range(files, &model, &name, ends).await;
            }

            let listed = all(files.list("").await.unwrap()).await.unwrap();
            let listed: Vec<_> = listed.into_iter().map(|info| (info.name, info.size)).collect();
            let expected: Vec<_> =
                model.iter().map(|(name, content)| (name.clone(), content.len() as u64)).collect();
            assert_eq!(listed, expected);
            for (name, expected) in &model {
                assert!(content(files, name).await.unwrap() == *expected, "{name}");
                files.delete(name).await.unwrap();
            }
            files.cleanup().await.unwrap();
            assert_eq!(fixture.chunk_rows().await, 0);
            // All that is left is the header, if there ever was a file.
            assert!(fixture.directory_rows().await <= 1);
        });
    }
}
