use crate::store::Store;

#[test]
fn members_are_ranked_by_score() {
    Store::new().play(
        r#"
> leaderboard set cup ann 30
> leaderboard set cup bob -5
> leaderboard set cup 'cid the third' -- -.5
> leaderboard add cup bob 40.25
35.25
> leaderboard add cup dan -1e2
-100
> leaderboard top cup
1  bob            35.25
2  ann               30
3  cid the third   -0.5
4  dan             -100
> leaderboard top cup -n 2
1  bob  35.25
2  ann     30
> leaderboard top cup -n 0
> leaderboard rank cup ann
2
> leaderboard around cup dan -n 1
3  cid the third  -0.5
4  dan            -100
> leaderboard around cup ann -n 0
2  ann  30
> leaderboard remove cup bob
> leaderboard rank cup ann
1
> leaderboard remove cup bob
! 3 kvs: leaderboard "cup" has no member "bob"
> leaderboard rank cup bob
! 3 kvs: leaderboard "cup" has no member "bob"
> leaderboard around cup bob
! 3 kvs: leaderboard "cup" has no member "bob"
> leaderboard top nothing
"#,
    );
}

#[test]
fn leaderboards_as_json() {
    Store::new().play(
        r#"
> --json leaderboard set cup ann 30
{"before":null,"member":"ann","score":30.0}
> --json leaderboard set cup ann 31.5
{"before":30.0,"member":"ann","score":31.5}
> --json leaderboard add cup bob 7
{"member":"bob","score":7.0}
> --json leaderboard top cup
{"rank":1,"member":"ann","score":31.5}
{"rank":2,"member":"bob","score":7.0}
> --json leaderboard rank cup bob
{"rank":2,"member":"bob","score":7.0}
> --json leaderboard around cup bob -n 1
{"rank":1,"member":"ann","score":31.5}
{"rank":2,"member":"bob","score":7.0}
> --json leaderboard remove cup bob
{"removed":"bob","score":7.0}
> --json leaderboard rank cup bob
! 3 {"error":"leaderboard \"cup\" has no member \"bob\"","retryable":false,"applied":"no"}
"#,
    );
}

#[test]
fn a_score_has_to_be_a_finite_number() {
    let store = Store::new();
    store.run(["leaderboard", "set", "cup", "ann", "1e308"]).done();
    for score in ["much", "", "1,5", "0x10"] {
        let refused = store.run(["leaderboard", "set", "cup", "ann", score]);
        refused.failed(2, &format!("invalid value '{score}' for '<SCORE>'"));
    }
    for (command, score) in [("set", "inf"), ("set", "NaN"), ("add", "1e308")] {
        let refused = store.run(["leaderboard", command, "cup", "ann", score]);
        refused.failed(1, "kvs: leaderboard \"cup\": the score of \"ann").failed(1, "finite");
    }
    store.play("> leaderboard add cup ann -1e308\n0\n");
}
