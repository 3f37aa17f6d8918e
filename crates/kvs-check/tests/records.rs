//! Histories as lines of JSON.

use kvs_check::record::{self, RecordError};
use kvs_check::{Limits, check};

const LINES: &str = r#"{"entity":"cup","client":1,"invoked":12,"returned":40,"call":{"feed":{"command":{"add":{"value":"a"}},"outcome":{"ok":{"number":1}}}}}
{"entity":"cup","client":2,"invoked":15,"call":{"feed":{"command":{"add":{"value":"b"}},"outcome":"unknown"}}}
{"entity":"cup","client":1,"invoked":41,"returned":50,"call":{"feed":{"command":{"all":{"from":null,"limit":null}},"outcome":{"ok":{"entries":[[2,"b"],[1,"a"]]}}}}}
{"entity":"n","client":2,"invoked":50,"returned":61,"call":{"counter":{"command":{"add":{"by":1}},"outcome":{"ok":1}}}}
{"entity":"n","client":2,"invoked":62,"returned":63,"call":{"counter":{"command":"get","outcome":{"ok":1}}}}
{"entity":"r","client":1,"invoked":70,"returned":72,"call":{"register":{"command":{"set":{"value":"x","when":"absent"}},"outcome":{"ok":{"done":true}}}}}
{"entity":"r","client":1,"invoked":73,"returned":74,"call":{"register":{"command":"get","outcome":{"ok":{"value":"x"}}}}}
{"entity":"r","client":1,"invoked":75,"returned":76,"call":{"register":{"command":"delete","outcome":"not_applied"}}}
"#;

#[test]
fn lines_are_read_written_and_checked() {
    let records = record::read(LINES.as_bytes()).unwrap();
    let mut written = Vec::new();
    records.iter().for_each(|record| record::write(record, &mut written).unwrap());
    assert_eq!(String::from_utf8(written).unwrap(), LINES);
    let reports = check(&records, Limits::default()).unwrap();
    let told: Vec<_> = reports.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "cup: 3 operations, linearizable",
            "n: 2 operations, linearizable",
            "r: 3 operations, linearizable",
        ]
    );
}

#[test]
fn a_report_shows_where_it_ended() {
    let wrong = LINES.replace(r#"[[2,"b"],[1,"a"]]"#, r#"[[2,"b"]]"#);
    let records = record::read(wrong.as_bytes()).unwrap();
    let reports = check(&records, Limits::default()).unwrap();
    let told = reports[0].to_string();
    assert!(told.starts_with("cup: not linearizable. The best order ends after 1 of 3"), "{told}");
    assert!(told.contains("placed     client 1 at 12..40: Add { value: \"a\" } -> Ok"), "{told}");
    assert!(told.contains("can't come client 1 at 41..50: All"), "{told}");
    assert!(reports[1].verdict.holds());
}

#[test]
fn lines_that_are_no_operations_are_errors() {
    let first = LINES.lines().next().unwrap();
    for (from, to) in [
        ("\"feed\"", "\"heap\""),
        ("\"client\":1", "\"client\":-1"),
        ("\"client\":1", "\"client\":1,\"color\":1"),
        ("\"add\"", "\"put\""),
        ("\"number\"", "\"digit\""),
        ("}}}}}", "}}}}"),
    ] {
        let wrong = format!("\n{}", first.replacen(from, to, 1));
        let error = record::read(wrong.as_bytes()).unwrap_err();
        assert!(matches!(error, RecordError::Malformed { line: 2, .. }), "{wrong}: {error:?}");
    }
    for times in ["\"returned\":11,", ""] {
        let wrong = first.replace("\"returned\":40,", times);
        let error = record::read(wrong.as_bytes()).unwrap_err();
        assert!(matches!(error, RecordError::Times { line: 1 }), "{error:?}");
    }
    let mixed = LINES.replace("\"entity\":\"n\"", "\"entity\":\"cup\"");
    let records = record::read(mixed.as_bytes()).unwrap();
    let error = check(&records, Limits::default()).unwrap_err();
    assert_eq!(error.to_string(), "the operations of \"cup\" are of more than one model");
}
