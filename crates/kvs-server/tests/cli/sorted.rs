use crate::store::Store;

#[test]
fn values_are_in_order_and_each_there_once() {
    Store::new().play(
        r#"
> sorted insert s banana
> sorted insert s apple
> sorted insert s -1
> sorted insert s apple
> sorted insert s ''
> sorted len s
4
> sorted flatten s

-1
apple
banana
> sorted flatten s --descending --limit 2
banana
apple
> sorted flatten s --limit 0
> sorted remove s apple
> sorted remove s apple
! 3 kvs: sorted set "s" has no such value
> sorted remove s -1
> sorted flatten s --descending
banana

> sorted flatten nothing
> sorted len nothing
0
> sorted remove nothing x
! 3 kvs: sorted set "nothing" has no such value
"#,
    );
}

#[test]
fn sorted_sets_as_json() {
    Store::new().play(
        r#"
> --json sorted insert s b
{"inserted":true}
> --json sorted insert s b
{"inserted":false}
> --json sorted insert s a
{"inserted":true}
> --json sorted flatten s
{"value":"a"}
{"value":"b"}
> --json sorted len s
{"len":2}
> --json sorted remove s a
{"removed":true}
> --json sorted remove s a
! 3 {"error":"sorted set \"s\" has no such value","retryable":false,"applied":"no"}
"#,
    );
}

#[test]
fn a_value_can_come_from_the_standard_input() {
    let store = Store::new();
    store.run_with(&["sorted", "insert", "s", "-"], b"a b").done();
    store.play("> sorted flatten s\na b\n");
    store.run_with(&["sorted", "remove", "s", "-"], b"a b").done();
    store.play("> sorted flatten s\n");
}
