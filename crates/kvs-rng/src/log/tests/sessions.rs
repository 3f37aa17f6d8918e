use kvs_core::session::Reached;
use kvs_core::{Batch, Consistency};

use super::*;

fn of(session: &Session) -> CallOptions {
    CallOptions::default().session(session.clone())
}

async fn view(logs: &Logs, name: &str, options: &CallOptions) -> Option<View> {
    logs.entities().view(name.as_bytes(), options).await.unwrap()
}

async fn count(view: View, name: &str) -> u64 {
    let count = number(view.rows().get(&Key::new(name, [0x10])).await.unwrap());
    assert!(view.end());
    count
}

#[tokio::test(start_paused = true)]
async fn a_replica_shows_what_a_session_has_seen_or_nothing() {
    let cluster = Cluster::new(4, "3,2,2").await;
    let replicas = cluster.replicas("a");
    let owner = cluster.logs(replicas[0]).unwrap();
    let replica = cluster.logs(replicas[1]).unwrap();
    cluster.add(replicas[0], "a").await;
    cluster.settled("a", 1).await;

    // It reads its own write, at another node.
    let session = Session::new();
    assert_eq!(add_at(&owner, "a", &of(&session)).await.unwrap(), 1);
    let before = replica.counters().reads_here;
    assert_eq!(count(cluster.view(replicas[1], "a", &session).await, "a").await, 2);
    assert_eq!(replica.counters().reads_here, before + 1);

    // A replica that is cut off shows old things to who has seen no more.
    let bucket = cluster.layout.bucket_of(b"a").0;
    let old = Session::from_bytes(&session.to_bytes().unwrap()).unwrap();
    cluster.cut(replicas[1]);
    assert_eq!(add_at(&owner, "a", &of(&session)).await.unwrap(), 2);
    assert!(view(&replica, "a", &of(&session)).await.is_none());
    assert_eq!(count(view(&replica, "a", &of(&old)).await.unwrap(), "a").await, 2);
    let eventual = CallOptions::default().consistency(Consistency::Eventual);
    assert_eq!(count(view(&replica, "a", &eventual).await.unwrap(), "a").await, 2);
    assert_ne!(session.reached(bucket), old.reached(bucket));

    // What a command has read, a session has seen.
    let reader = Session::new();
    assert_eq!(look(&owner, "a", &of(&reader)).await.unwrap(), 3);
    assert_eq!(reader.reached(bucket), session.reached(bucket));
    assert!(view(&replica, "a", &of(&reader)).await.is_none());
    cluster.heal();
    cluster.add(replicas[0], "a").await;
    assert_eq!(count(cluster.view(replicas[1], "a", &reader).await, "a").await, 4);

    // Only commands see everything; and only replicas show anything.
    assert!(view(&owner, "a", &CallOptions::default()).await.is_none());
    let outside = (0..4).find(|n| !replicas.contains(n)).unwrap();
    assert!(view(&cluster.logs(outside).unwrap(), "a", &of(&Session::new())).await.is_none());
}

#[tokio::test(start_paused = true)]
async fn what_changes_under_a_view_is_noticed() {
    let cluster = Cluster::new(3, "3,2,2").await;
    let hashing = |name: &String| cluster.layout.bucket_of(name.as_bytes());
    let other = (0..).map(|n| format!("b{n}")).find(|it| hashing(it) == hashing(&"a".to_owned()));
    let other = other.unwrap();
    let owner = cluster.logs(cluster.replicas("a")[0]).unwrap();
    let session = Session::new();
    add_at(&owner, "a", &of(&session)).await.unwrap();

    let seen = session.reached(hashing(&other).0);
    let during = view(&owner, "a", &of(&session)).await.unwrap();
    add_at(&owner, "a", &CallOptions::default()).await.unwrap();
    assert!(!during.end());
    assert_eq!(session.reached(hashing(&other).0), seen, "what counts for nothing was not seen");

    let during = view(&owner, "a", &of(&session)).await.unwrap();
    add_at(&owner, &other, &CallOptions::default()).await.unwrap();
    assert!(during.end(), "another entity of the bucket is none of its business");
}

#[tokio::test(start_paused = true)]
async fn a_node_that_may_have_lost_something_shows_nothing() {
    let cluster = Cluster::new(3, "3,2,2").await;
    cluster.add(0, "a").await;
    cluster.settled("a", 1).await;
    let replica = cluster.replicas("a")[1];
    cluster.kill(replica, true);
    cluster.start(replica, true).await;
    let eventual = CallOptions::default().consistency(Consistency::Eventual);
    assert!(view(&cluster.logs(replica).unwrap(), "a", &eventual).await.is_none());
    cluster.add(0, "a").await;
    cluster.settled("a", 2).await;
}

/// Each command writes the same number to two rows; a view must never see two numbers.
#[tokio::test(start_paused = true)]
async fn a_view_is_of_one_moment() {
    let cluster = Cluster::new(3, "3,2,2").await;
    let replicas = cluster.replicas("a");
    let owner = cluster.logs(replicas[0]).unwrap();
    let writer = kvs_core::env::spawn(async move {
        for n in 0..300_u64 {
            let bytes = n.to_be_bytes().to_vec();
            let batch = Batch::new().put([0x10], bytes.clone()).put([0x11], bytes);
            let (entities, options) = (owner.entities(), CallOptions::default());
            let written = entity::run(&*entities, *b"a", &options, |scope| async move {
                scope.write(b"a", batch).await
            });
            written.await.unwrap();
            sleep(Duration::from_millis(n % 10)).await;
        }
    });
    let session = Session::new();
    let (mut last, mut counted) = (0, 0);
    let mut place = 0;
    while !writer.is_finished() {
        place = (place + 1) % replicas.len();
        let logs = cluster.logs(replicas[place]).unwrap();
        if let Some(view) = view(&logs, "a", &of(&session)).await {
            let one = number(view.rows().get(&Key::new("a", [0x10])).await.unwrap());
            sleep(Duration::from_millis(1)).await;
            let two = number(view.rows().get(&Key::new("a", [0x11])).await.unwrap());
            if view.end() {
                assert_eq!(one, two);
                assert!(last <= one, "{one} after {last}");
                (last, counted) = (one, counted + 1);
            }
        }
    }
    writer.await.unwrap();
    assert!(counted > 20, "{counted} views");
    assert!(matches!(session.reached(cluster.layout.bucket_of(b"a").0), Reached::Position(_)));
}
