use proptest::prelude::*;

use super::*;

#[tokio::test(start_paused = true)]
async fn what_is_no_message_is_refused() {
    let cluster = Cluster::new(3, "3,2,2").await;
    let logs = cluster.logs(0).unwrap();
    let from = cluster.ids[1];
    for bytes in [&[][..], &[2, 0], &[1, 0, 0], &[1, 1]] {
        assert!(logs.handle(from, REQUEST, bytes).await.is_err(), "{bytes:?}");
    }
    for bytes in [&[][..], &[2, 0, 0], &[1, 0], &[1, 0, 0, 0]] {
        assert!(logs.handle(from, CALL, bytes).await.is_err(), "{bytes:?}");
    }
    assert!(logs.handle(from, 0x0399, &[1, 0]).await.is_err());
    assert_eq!(logs.handle(from, REQUEST, &[1, 0]).await.unwrap(), [1, 0]);
    assert_eq!(logs.buckets_open(), 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_bytes_may_come(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(async {
            let cluster = Cluster::new(3, "3,2,2").await;
            let body = [&[1], bytes.as_slice()].concat();
            for n in 0..3 {
                let _ = cluster.logs(n).unwrap().handle(cluster.ids[(n + 1) % 3], REQUEST, &body).await;
                let _ = cluster.logs(n).unwrap().handle(cluster.ids[(n + 1) % 3], CALL, &body).await;
            }
            assert_eq!(cluster.add(0, "a").await, 0);
        });
    }
}

struct Echo;

#[async_trait]
impl RegionHandler for Echo {
    async fn call(&self, from: NodeId, body: Vec<u8>) -> Vec<u8> {
        [from.as_bytes().as_slice(), &body].concat()
    }
}

#[tokio::test(start_paused = true)]
async fn regions_are_called_by_name() {
    let cluster = Cluster::new(2, "2,2,1").await;
    let (a, b) = (cluster.logs(0).unwrap().owners(), cluster.logs(1).unwrap().owners());
    b.on_call("echo", Arc::new(Echo));
    let second = Duration::from_secs(1);
    let answer = a.call(cluster.ids[1], "echo", vec![7], second).await.unwrap();
    assert_eq!(answer, [cluster.ids[0].as_bytes().as_slice(), &[7]].concat());
    let missing = a.call(cluster.ids[1], "other", vec![7], second).await.unwrap_err();
    assert!(matches!(missing, OwnerCallError::NoRegion { .. }), "{missing}");
    let large = a.call(cluster.ids[1], "echo", vec![0; BODY_MAX + 1], second).await.unwrap_err();
    assert!(matches!(large, OwnerCallError::Message { sent: false, .. }), "{large}");
    cluster.kill(1, false);
    let gone = a.call(cluster.ids[1], "echo", vec![7], second).await.unwrap_err();
    assert!(matches!(gone, OwnerCallError::Peer(PeerError { sent: false, .. })), "{gone}");
}
