//! What comes from outside.

use proptest::prelude::*;

use super::super::message::*;
use super::*;
use crate::hash::Bucket;
use crate::replica::{Item, Write};

const METHODS: [u16; 7] = [WRITE, STORE, READ, SCAN, PAGE, DIGESTS, PROBE];

fn block_on<T>(work: impl Future<Output = T>) -> T {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_time().start_paused(true).build().unwrap().block_on(work)
}

/// One request of each kind, all of which can be served.
fn requests(layout: &Layout) -> Vec<(u16, Vec<u8>)> {
    let (version, bucket) = (layout.version(), layout.bucket_of(b"p").0);
    let item = Item { key: Key::new("p", "c"), versions: Versions::default() };
    let all = (std::ops::Bound::Unbounded, std::ops::Bound::Unbounded);
    let write = WriteRequest {
        layout: version,
        partition: Bytes(b"p".to_vec()),
        rows: vec![RowMessage::from(&Write::put("c", "value"))],
        deadline_ms: 1000,
    };
    let items = vec![ItemMessage::from(&item)];
    let scan = ScanRequest {
        layout: version,
        partition: Bytes(b"p".to_vec()),
        range: all,
        descending: true,
        rows: 10,
        bytes: 1000,
    };
    let page =
        PageRequest { layout: version, bucket, after: Some((&item.key).into()), rows: 1, bytes: 1 };
    let of_bucket = BucketRequest { layout: version, bucket };
    vec![
        (WRITE, encode(&write).unwrap()),
        (STORE, encode(&StoreRequest { layout: version, bucket, items }).unwrap()),
        (READ, encode(&ReadRequest { layout: version, key: (&item.key).into() }).unwrap()),
        (SCAN, encode(&scan).unwrap()),
        (PAGE, encode(&page).unwrap()),
        (DIGESTS, encode(&of_bucket).unwrap()),
        (PROBE, encode(&of_bucket).unwrap()),
    ]
}

#[tokio::test(start_paused = true)]
async fn every_request_is_served_and_read_exactly() {
    let cluster = Cluster::new(3, "3,2,2").await;
    let (node, from) = (cluster.coordinator(0), cluster.ids[1]);
    for (method, body) in requests(&cluster.layout) {
        let answer = node.handle(from, method, &body).await.unwrap();
        assert_eq!(answer[..2], [1, 0], "method {method:#x} is done");
        for cut in 0..body.len() {
            let cut = node.handle(from, method, &body[..cut]).await;
            assert!(matches!(cut, Err(HandleError::Message(_))), "method {method:#x}");
        }
        let longer = [&body[..], &[0]].concat();
        let error = node.handle(from, method, &longer).await.unwrap_err().to_string();
        assert!(error.contains("left over"), "{error}");
        let other = [&[9], &body[1..]].concat();
        let error = node.handle(from, method, &other).await.unwrap_err().to_string();
        assert!(error.contains("version 9") && error.contains("nothing was done"), "{error}");
    }
    assert!(matches!(node.handle(from, 1, &[]).await, Err(HandleError::Method { method: 1 })));
}

#[tokio::test(start_paused = true)]
async fn requests_that_make_no_sense_are_refused() {
    let cluster = Cluster::new(5, "3,2,2").await;
    let (layout, from) = (cluster.layout.version(), cluster.ids[0]);
    let stranger = cluster.coordinator(cluster.stranger("p"));
    let bucket = cluster.layout.bucket_of(b"p");
    for (method, body) in requests(&cluster.layout).into_iter().take(4) {
        let answer = stranger.handle(from, method, &body).await.unwrap();
        assert_eq!(answer[..2], [1, 2], "method {method:#x} is refused");
    }
    assert!(stranger.replica().is_empty().await.unwrap());

    let replica = cluster.coordinator(cluster.replicas("p")[0]);
    let item = Item { key: Key::from("p"), versions: Versions::default() };
    let items = vec![ItemMessage::from(&item)];
    let wrong = Bucket((bucket.0 + 1) % 16).0;
    let request = StoreRequest { layout, bucket: wrong, items };
    let error = replica.handle(from, STORE, &encode(&request).unwrap()).await.unwrap_err();
    assert!(error.to_string().contains("not of the bucket"), "{error}");
    let request = BucketRequest { layout, bucket: 16 };
    let error = replica.handle(from, DIGESTS, &encode(&request).unwrap()).await.unwrap_err();
    assert!(error.to_string().contains("no such bucket"), "{error}");

    // Another layout: nothing is done, and it is said which one is here.
    let request = BucketRequest { layout: layout - 1, bucket: 0 };
    let answer = replica.handle(from, PROBE, &encode(&request).unwrap()).await.unwrap();
    assert_eq!(decode::<Answer<()>>(&answer).unwrap(), Answer::Layout { mine: layout });
    let request = BucketRequest { layout: u64::MAX, bucket: 0 };
    let answer = replica.handle(from, PROBE, &encode(&request).unwrap()).await.unwrap();
    assert_eq!(decode::<Answer<()>>(&answer).unwrap(), Answer::Layout { mine: layout });
}

#[test]
fn the_format_is_held_still() {
    let request = ReadRequest { layout: 300, key: (&Key::new("pa", "c")).into() };
    assert_eq!(encode(&request).unwrap(), [1, 0xAC, 0x02, 2, b'p', b'a', 1, b'c']);
    let row = RowMessage::from(&Write::put("c", "v"));
    let request =
        WriteRequest { layout: 1, partition: Bytes(vec![7]), rows: vec![row], deadline_ms: 9 };
    let expected = [1, 1, 1, 7, 1, 1, b'c', 1, 1, b'v', 0, 0, 9];
    assert_eq!(encode(&request).unwrap(), expected);
    assert_eq!(encode(&Answer::<()>::Layout { mine: 5 }).unwrap(), [1, 1, 5]);
}

/// A peer whose answers are what somebody made up.
struct Babbler(Vec<u8>);

#[async_trait]
impl Peers for Babbler {
    async fn call(&self, _: NodeId, _: u16, _: Vec<u8>, _: Duration) -> Result<Vec<u8>, PeerError> {
        Ok(self.0.clone())
    }

    fn is_up(&self, _: NodeId) -> bool {
        true
    }
}

async fn among_babblers(answer: Vec<u8>) {
    let cluster = Cluster::new(3, "3,2,2").await;
    let store = Store::memory();
    let id = cluster.ids[0];
    let replica = Replica::open(&store, id, cluster.stamps.clone(), None, true).await.unwrap();
    let layouts = Arc::new(Router { me: id, world: cluster.world.clone() });
    let hints = Hints::open(&store).await.unwrap();
    let (peers, env) = (Arc::new(Babbler(answer)), cluster.env.clone());
    let node = Coordinator::new(id, replica, peers, layouts, hints, env, GATHER_TIMEOUT);
    let ring = Ring::new(node.clone(), Arc::new(LastWriteWins));
    let _ = ring.get(&Key::from("a")).await;
    let _ = ring.put(&Key::from("a"), b"1".into()).await;
    let _ = ring.scan(b"a", &kvs_core::Scan::all()).await;
    let _ = node.digests_at(cluster.ids[1], Bucket(0)).await;
    let _ = node.page_at(cluster.ids[1], Bucket(0), None, 1, 1).await;
    let _ = node.replay_to(cluster.ids[1]).await;
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn garbage_is_answered_or_refused(bodies in prop::collection::vec(any::<Vec<u8>>(), 1..20)) {
        block_on(async {
            let cluster = Cluster::new(1, "1,1,1").await;
            for body in bodies {
                for method in METHODS {
                    for body in [body.clone(), [&[1], &body[..]].concat()] {
                        let _ = cluster.coordinator(0).handle(cluster.ids[0], method, &body).await;
                    }
                }
            }
        });
    }

    #[test]
    fn damaged_requests_are_answered_or_refused(
        damages in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..40),
    ) {
        block_on(async {
            let cluster = Cluster::new(1, "1,1,1").await;
            for (at, byte) in damages {
                for (method, mut body) in requests(&cluster.layout) {
                    let at = at.index(body.len());
                    body[at] = byte;
                    let _ = cluster.coordinator(0).handle(cluster.ids[0], method, &body).await;
                }
            }
            let ring = &cluster.rings[0];
            put(ring, "fine", "1").await.unwrap();
            assert_eq!(get(ring, "fine").await.as_deref(), Some("1"));
        });
    }

    #[test]
    fn garbage_for_an_answer_is_an_error(answer: Vec<u8>, tag in 0..5_u8) {
        block_on(async {
            among_babblers(answer.clone()).await;
            among_babblers([&[1, tag], &answer[..]].concat()).await;
        });
    }
}
