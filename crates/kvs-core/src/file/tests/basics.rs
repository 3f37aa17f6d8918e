//! Every operation, its limits and its errors.

use super::steps::kind;
use super::*;
use crate::DbaError;
use crate::entity::header;

#[tokio::test]
async fn a_file_reads_as_it_was_put() {
    for size in [0, 1, 1_023, 1_024, 1_025, 2_048, 64 * 1_024, 64 * 1_024 + 1, 200_000] {
        let fixture = Fixture::new();
        let bytes = data(0, size);
        assert_eq!(fixture.files.put_bytes("f", &bytes).await.unwrap(), size as u64);
        assert_eq!(fixture.files.size("f").await.unwrap(), size as u64);
        assert!(content(&fixture.files, "f").await.unwrap() == bytes, "{size} bytes");
        assert_eq!(fixture.chunk_rows().await, size.div_ceil(1_024));
    }
}

#[tokio::test]
async fn pieces_of_any_size_make_full_chunks() {
    let fixture = Fixture::new();
    let sizes = [0, 1, 1_000, 23, 5_000, 0, 0, 1_024, 77];
    let source = pieces(sizes.iter().map(|size| Ok(data(1, *size))).collect());
    fixture.files.put("f", source).await.unwrap();
    let expected: Vec<u8> = sizes.iter().flat_map(|size| data(1, *size)).collect();
    assert!(content(&fixture.files, "f").await.unwrap() == expected);
    assert_eq!(fixture.chunk_rows().await, expected.len().div_ceil(1_024));
}

#[tokio::test]
async fn a_reader_is_read_to_its_end() {
    let fixture = Fixture::new();
    let bytes = data(9, 700_000);
    let source = source::reader(std::io::Cursor::new(bytes.clone()));
    assert_eq!(fixture.files.put("f", source).await.unwrap(), 700_000);
    assert!(content(&fixture.files, "f").await.unwrap() == bytes);
}

#[tokio::test]
async fn appends_say_where_they_went() {
    let fixture = Fixture::new();
    fixture.files.create("f").await.unwrap();
    assert_eq!(fixture.files.append_bytes("f", &data(1, 1_500)).await.unwrap(), 0..1_500);
    assert_eq!(fixture.files.append_bytes("f", b"").await.unwrap(), 1_500..1_500);
    assert_eq!(fixture.files.append_bytes("f", &data(2, 10)).await.unwrap(), 1_500..1_510);
    assert_eq!(content(&fixture.files, "f").await.unwrap(), [data(1, 1_500), data(2, 10)].concat());
    // The header, the file, two extents: nothing of the uploads is left.
    assert_eq!(fixture.directory_rows().await, 4);
}

#[tokio::test]
async fn ranges_are_cut_at_the_end_and_refused_behind_it() {
    let fixture = Fixture::new();
    fixture.files.create("f").await.unwrap();
    for size in [1_500, 10, 2_048] {
        fixture.files.append_bytes("f", &data(3, size)).await.unwrap();
    }
    let whole = content(&fixture.files, "f").await.unwrap();
    let file = fixture.files.open("f").await.unwrap();
    let edges = [0, 1, 1_023, 1_024, 1_025, 1_499, 1_500, 1_509, 1_510, 2_534, 3_557, 3_558];
    for start in edges {
        for end in edges.into_iter().filter(|end| *end >= start) {
            let read = all(file.read(start..end).unwrap()).await.unwrap().concat();
            assert!(read == whole[start as usize..end as usize], "{start}..{end}");
        }
        let rest = all(file.read(start..).unwrap()).await.unwrap().concat();
        assert!(rest == whole[start as usize..], "{start}..");
        let beyond = all(file.read(start..u64::MAX).unwrap()).await.unwrap().concat();
        assert!(beyond == rest, "{start}..u64::MAX");
    }
    let last = all(file.read(3_557..=u64::MAX).unwrap()).await.unwrap().concat();
    assert_eq!(last, whole[3_557..]);
    #[expect(clippy::reversed_empty_ranges, reason = "a mistake to be refused")]
    for range in [3_559..4_000, u64::MAX..u64::MAX, 5..3] {
        let error = file.read(range.clone()).err().unwrap();
        assert_eq!(kind(&error), "Range", "{range:?}");
        assert!(error.to_string().contains("3558"), "{error}");
    }
}

#[tokio::test]
async fn an_open_file_does_not_grow() {
    let fixture = Fixture::new();
    fixture.files.put_bytes("f", b"before").await.unwrap();
    let file = fixture.files.open("f").await.unwrap();
    fixture.files.append_bytes("f", b" and after").await.unwrap();
    assert_eq!(file.info().size, 6);
    assert_eq!(all(file.read(..).unwrap()).await.unwrap(), [b"before"]);
}

#[tokio::test]
async fn what_is_asked_of_the_wrong_name_is_refused() {
    let fixture = Fixture::new();
    let files = &fixture.files;
    // Before the directory exists, and after.
    for _ in 0..2 {
        let errors = [
            files.append_bytes("none", b"x").await.unwrap_err(),
            files.copy("none", "to").await.unwrap_err(),
            files.size("none").await.unwrap_err(),
            files.read("none").await.err().unwrap(),
        ];
        for error in errors {
            assert_eq!(error.to_string(), "there is no file \"none\"");
        }
        assert!(!files.delete("none").await.unwrap());
        files.put_bytes("some", b"content").await.unwrap();
    }
    files.put_bytes("other", b"").await.unwrap();
    for error in
        [files.create("some").await.unwrap_err(), files.copy("other", "some").await.unwrap_err()]
    {
        assert_eq!(error.to_string(), "there is a file \"some\" already");
        assert_eq!((error.outcome(), error.is_retryable()), (crate::Outcome::NotApplied, false));
    }
    assert_eq!(content(files, "some").await.unwrap(), b"content");
}

#[tokio::test]
async fn names_have_limits() {
    let fixture = Fixture::new();
    let (longest, longer) = ("x".repeat(512), "x".repeat(513));
    fixture.files.create(&longest).await.unwrap();
    for (name, problem) in
        [("", "empty"), (&longer, "513 bytes, the limit is 512"), ("a\0b", "NUL")]
    {
        let errors = [
            fixture.files.create(name).await.unwrap_err(),
            fixture.files.put_bytes(name, b"x").await.unwrap_err(),
            fixture.files.copy(&longest, name).await.unwrap_err(),
            fixture.files.stat(name).await.unwrap_err(),
            fixture.files.delete(name).await.unwrap_err(),
        ];
        for error in errors {
            assert_eq!(kind(&error), "Name");
            assert!(error.to_string().contains(problem), "{error}");
        }
    }
    assert_eq!(all(fixture.files.list("").await.unwrap()).await.unwrap().len(), 1);
}

#[tokio::test]
async fn chunk_sizes_have_limits() {
    for (bytes, is_allowed) in
        [(0, false), (1_023, false), (1_024, true), (8 << 20, true), ((8 << 20) + 1, false)]
    {
        assert_eq!(Fixture::new().files.chunk_bytes(bytes).is_ok(), is_allowed, "{bytes}");
    }
}

#[tokio::test]
async fn a_file_keeps_chunks_of_several_sizes() {
    let fixture = Fixture::new();
    fixture.files.put_bytes("f", &data(1, 5_000)).await.unwrap();
    let larger = fixture.files.clone().chunk_bytes(4_096).unwrap();
    larger.append_bytes("f", &data(2, 5_000)).await.unwrap();
    let expected = [data(1, 5_000), data(2, 5_000)].concat();
    assert!(content(&fixture.files, "f").await.unwrap() == expected);
    assert_eq!(fixture.chunk_rows().await, 5 + 2);
}

#[tokio::test]
async fn files_are_listed_by_prefix_in_name_order() {
    let fixture = Fixture::new();
    assert!(all(fixture.files.list("").await.unwrap()).await.unwrap().is_empty());
    // More than a page.
    let mut names: Vec<String> = (0..300).map(|n| format!("many/{n}")).collect();
    names.extend(["many", "ma", "ny", "ä", "many0"].map(str::to_owned));
    for name in &names {
        fixture.files.create(name).await.unwrap();
    }
    names.sort();
    for prefix in ["", "m", "many", "many/", "many/29", "ä", "\u{10FFFF}", "many\0"] {
        let listed = all(fixture.files.list(prefix).await.unwrap()).await.unwrap();
        let listed: Vec<&str> = listed.iter().map(|info| info.name.as_str()).collect();
        let expected: Vec<&String> = names.iter().filter(|name| name.starts_with(prefix)).collect();
        assert_eq!(listed, expected, "{prefix:?}");
    }
}

#[tokio::test]
async fn a_file_knows_its_times() {
    let fixture = Fixture::new();
    let mut times = Vec::new();
    fixture.files.create("f").await.unwrap();
    for step in 0..3 {
        let info = fixture.files.stat("f").await.unwrap();
        times.push((info.created_ms - 1_000_000_000, info.modified_ms - 1_000_000_000));
        fixture.clock.advance(Duration::from_millis(5));
        match step {
            0 => drop(fixture.files.append_bytes("f", b"x").await.unwrap()),
            _ => drop(fixture.files.put_bytes("f", b"y").await.unwrap()),
        }
    }
    assert_eq!(times, [(0, 0), (0, 5), (10, 10)]);
}

#[tokio::test]
async fn what_is_deleted_or_replaced_is_cleaned_up() {
    let fixture = Fixture::new();
    let files = &fixture.files;
    files.put_bytes("a", &data(1, 100_000)).await.unwrap();
    files.append_bytes("a", &data(2, 1)).await.unwrap();
    files.copy("a", "b").await.unwrap();
    files.put_bytes("a", b"new").await.unwrap();
    assert!(files.delete("b").await.unwrap());
    assert!(!files.delete("b").await.unwrap());

    // Runs: of the old `a` a put and an append, and the copy.
    assert_eq!(files.cleanup().await.unwrap(), Cleaned { runs: 3, chunks: 98 + 1 + 98 });
    assert_eq!(files.cleanup().await.unwrap(), Cleaned::default());
    assert_eq!(content(files, "a").await.unwrap(), b"new");
    assert_eq!((fixture.chunk_rows().await, fixture.directory_rows().await), (1, 3));
}

#[tokio::test]
async fn a_file_of_many_appends_is_deleted_in_one_batch() {
    let fixture = Fixture::new();
    fixture.files.create("log").await.unwrap();
    for n in 0..600_u16 {
        fixture.files.append_bytes("log", &n.to_be_bytes()).await.unwrap();
    }
    let expected: Vec<u8> = (0..600_u16).flat_map(u16::to_be_bytes).collect();
    assert!(content(&fixture.files, "log").await.unwrap() == expected);
    assert!(fixture.files.delete("log").await.unwrap());
    assert_eq!(fixture.files.cleanup().await.unwrap(), Cleaned { runs: 600, chunks: 600 });
    assert_eq!((fixture.chunk_rows().await, fixture.directory_rows().await), (0, 1));
}

#[tokio::test]
async fn a_name_that_is_something_else_is_refused() {
    let fixture = Fixture::new();
    let files = &fixture.files;
    let header = header::encode("feed", &()).unwrap();
    let key = crate::Key::new("dir", header::CLUSTERING);
    fixture.store.rows(RowKind::Entity).put(&key, header).await.unwrap();
    let errors = [
        files.create("f").await.unwrap_err(),
        files.append_bytes("f", b"x").await.unwrap_err(),
        files.put_bytes("f", b"x").await.unwrap_err(),
        files.read("f").await.err().unwrap(),
        files.stat("f").await.unwrap_err(),
        files.list("").await.err().unwrap(),
        files.copy("f", "g").await.unwrap_err(),
        files.delete("f").await.unwrap_err(),
        files.cleanup().await.unwrap_err(),
    ];
    for error in errors {
        match error {
            FileError::Dba(error) | FileError::Upload(error) => {
                assert!(matches!(error, DbaError::WrongType { .. }), "{error}");
                assert_eq!(error.to_string(), "\"dir\" is a feed, not a directory");
            }
            error => panic!("{error}"),
        }
    }
    assert_eq!((fixture.chunk_rows().await, fixture.directory_rows().await), (0, 1));
}
