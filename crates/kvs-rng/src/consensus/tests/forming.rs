//! Clusters are founded, grow and shrink.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_node_founds_a_cluster_once() {
    let mut cluster = Cluster::new(1);
    cluster.start(1).await;
    assert!(cluster.node(1).layout().borrow().is_none());

    let founded = cluster.node(1).found(first_layout(1, 1)).await.unwrap();
    assert_eq!(*founded, first_layout(1, 1));
    assert_eq!(cluster.layout(1), founded);
    assert_eq!(cluster.status(1).voters, ids([1]));

    let again = cluster.node(1).found(first_layout(2, 1)).await;
    assert!(matches!(again, Err(FoundError::Exists)), "{again:?}");
    assert_eq!(cluster.layout(1), founded);
}

#[tokio::test(start_paused = true)]
async fn a_first_layout_is_of_the_founder_alone() {
    let mut cluster = Cluster::new(1);
    cluster.start(1).await;
    let two = first_layout(1, 1).apply(&Change::Join(member(2))).unwrap();
    for layout in [first_layout(1, 2), two] {
        let refused = cluster.node(1).found(layout).await;
        assert!(matches!(refused, Err(FoundError::Members { .. })), "{refused:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn members_come_and_go_and_votes_follow() {
    let mut cluster = Cluster::of(1).await;
    for n in 2..=6 {
        cluster.start(n).await;
        // Through any member.
        let joined = cluster.node(n).join(&member(n), &[address(n - 1)], LONG).await.unwrap();
        assert!(joined.member(id(n)).is_some());
        assert_eq!(joined.version(), u64::from(n));
        cluster.settled(1..=n).await;
    }
    for n in (2..=6).rev() {
        let left = cluster.node(n).propose(&Change::Leave(id(n)), LONG).await.unwrap();
        assert!(left.member(id(n)).is_none());
        cluster.settled(1..n).await;
        // The last it heard is that it left.
        until("the news of leaving", || cluster.layout(n).member(id(n)).is_none()).await;
        cluster.stop(n).await;
    }
    assert_eq!(cluster.layout(1).version(), 11);
}

#[tokio::test(start_paused = true)]
async fn the_leader_itself_may_leave() {
    let cluster = Cluster::of(3).await;
    let leader = cluster.new_leader(1..=3).await;
    cluster.node(leader).propose(&Change::Leave(id(leader)), LONG).await.unwrap();
    let rest: Vec<_> = (1..=3).filter(|n| *n != leader).collect();
    cluster.settled(rest.clone()).await;
    cluster.new_leader(rest).await;
}

#[tokio::test(start_paused = true)]
async fn joining_again_is_harmless() {
    let cluster = Cluster::of(2).await;
    let version = cluster.layout(2).version();
    let again = cluster.node(2).join(&member(2), &[address(1)], LONG).await.unwrap();
    assert_eq!(again.version(), version);
}

#[tokio::test(start_paused = true)]
async fn joining_says_why_it_fails() {
    let mut cluster = Cluster::of(1).await;
    cluster.start(2).await;
    let nobody = cluster.node(2).join(&member(2), &[address(9)], LONG).await;
    assert!(matches!(nobody, Err(ProposeError::Unreachable(_))), "{nobody:?}");

    let taken = Member { address: address(1), ..member(2) };
    let refused = cluster.node(2).join(&taken, &[address(1)], LONG).await.unwrap_err();
    assert!(matches!(&refused, ProposeError::Refused { .. }), "{refused:?}");
    assert!(refused.to_string().contains("10.0.0.1:7000"), "{refused}");
    assert_eq!(cluster.layout(1).version(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_change_that_is_not_wanted_is_refused() {
    struct Full;
    #[async_trait]
    impl Admission for Full {
        async fn admit(&self, _layout: &Layout, change: &Change) -> Result<(), Denial> {
            match change {
                Change::Join(_) => Err(Denial::Refused("the ring holds data".to_owned())),
                _ => Ok(()),
            }
        }
    }
    let link = Arc::new(NetLink { net: Arc::default(), me: id(1) });
    let (env, _) = Env::manual(0, 1);
    let config = ConsensusConfig::default();
    let node = Consensus::start(id(1), &Store::memory(), link, Arc::new(Full), &env, config).await;
    let node = node.unwrap();
    node.found(first_layout(1, 1)).await.unwrap();
    let refused = node.propose(&Change::Join(member(2)), LONG).await.unwrap_err();
    assert!(refused.to_string().contains("the ring holds data"), "{refused}");
    let quorum = Change::SetQuorum(Quorum { n: 3, w: 2, r: 2 });
    assert_eq!(node.propose(&quorum, LONG).await.unwrap().version(), 2);
}

#[tokio::test(start_paused = true)]
async fn clusters_keep_apart() {
    let mut cluster = Cluster::of(1).await;
    cluster.start(2).await;
    cluster.node(2).found(first_layout(2, 2)).await.unwrap();
    let fetched = cluster.node(2).fetch(Some(id(1)), address(1), LONG).await.unwrap_err();
    assert!(fetched.to_string().contains("belongs to the cluster"), "{fetched}");
    assert_eq!(cluster.layout(2).cluster(), ClusterId::from_bytes([2; 16]));
}

#[tokio::test(start_paused = true)]
async fn a_newer_layout_can_be_fetched() {
    let cluster = Cluster::of(3).await;
    let leader = cluster.new_leader(1..=3).await;
    let behind = (1..=3).find(|n| *n != leader).unwrap();
    let others: Vec<_> = (1..=3).filter(|n| *n != behind).collect();
    cluster.part(&[behind], &others);
    let change = Change::SetQuorum(Quorum { n: 3, w: 2, r: 2 });
    let newer = cluster.node(leader).propose(&change, LONG).await.unwrap();
    assert_eq!(cluster.layout(behind).version() + 1, newer.version());
    cluster.heal();
    let to = (Some(id(leader)), address(leader));
    cluster.node(behind).fetch(to.0, to.1, LONG).await.unwrap();
    assert_eq!(cluster.layout(behind), newer);
}

#[tokio::test(start_paused = true)]
async fn a_member_that_moved_is_reached_at_its_new_address() {
    let mut cluster = Cluster::of(4).await;
    // The voters, and the one that only learns.
    for n in (1..=4).rev() {
        let new = address(100 + n);
        cluster.stop(n).await;
        cluster.start_at(n, new).await;
        let moved = Member { address: new, ..member(n) };
        let layout = cluster.node(n).propose(&Change::Update(moved), LONG).await.unwrap();
        assert_eq!(layout.member(id(n)).unwrap().address, new);
        cluster.settled(1..=4).await;
    }
}
