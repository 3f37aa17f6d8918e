use crate::store::Store;

#[test]
fn entries_are_numbered_and_read_newest_first() {
    Store::new().play(
        r#"
> feed add goals one
1
> feed add goals -2
2
> feed add goals 'number three'
3
> feed all goals
3	number three
2	-2
1	one
> feed all goals --from 2
2	-2
1	one
> feed all goals --limit 1
3	number three
> feed all goals --from 2 --limit 1
2	-2
> feed all goals --limit 0
> feed all nothing
> feed len goals
3
> feed len nothing
0
> feed head goals
3	number three
> feed get goals 2
2	-2
> feed next goals 2
1	one
> feed prev goals 2
3	number three
> feed next goals 1
! 3 kvs: feed "goals" has no entry older than 1
> feed prev goals 3
! 3 kvs: feed "goals" has no entry newer than 3
> feed get goals 4
! 3 kvs: feed "goals" has no entry 4
> feed head nothing
! 3 kvs: feed "nothing" has no entries
"#,
    );
}

#[test]
fn entries_are_removed_and_numbers_never_used_again() {
    Store::new().play(
        r#"
> feed add f a
1
> feed add f b
2
> feed add f c
3
> feed remove f 3
> feed remove f 3
! 3 kvs: feed "f" has no entry 3
> feed cleanup f
1
> feed cleanup f
0
> feed add f d
4
> feed remove-after f 2
1
> feed all f
4	d
2	b
> feed clear f
2
> feed all f
> feed add f e
5
"#,
    );
}

#[test]
fn feeds_as_json() {
    Store::new().play(
        r#"
> --json feed add f 'a	"b"'
{"eid":1}
> --json feed add f c
{"eid":2}
> --json feed all f
{"eid":2,"value":"c"}
{"eid":1,"value":"a\t\"b\""}
> --json feed head f
{"eid":2,"value":"c"}
> --json feed get f 1
{"eid":1,"value":"a\t\"b\""}
> --json feed len f
{"len":2}
> --json feed get f 9
! 3 {"error":"feed \"f\" has no entry 9","retryable":false,"applied":"no"}
> --json feed remove f 2
{"removed":2}
> --json feed cleanup f
{"entries":1}
> --json feed remove-after f 1
{"entries":0}
> --json feed clear f
{"entries":1}
"#,
    );
}

#[test]
fn an_entry_can_come_from_the_standard_input() {
    let store = Store::new();
    assert_eq!(store.run_with(&["feed", "add", "f", "-"], b"from outside").done().text(), "1\n");
    store.play("> feed all f\n1\tfrom outside\n");
}
