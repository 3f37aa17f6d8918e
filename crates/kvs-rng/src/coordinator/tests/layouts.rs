//! Nodes whose layouts differ.

use super::*;

impl Cluster {
    /// Gives node `n` a layout that is one version newer, with all buckets where they were.
    fn renew(&mut self, n: usize) {
        let renamed = Member { name: format!("node of {}", self.layout.version()), ..member(0) };
        self.layout = self.layout.apply(&Change::Update(renamed)).unwrap();
        let layout = Arc::new(self.layout.clone());
        self.world.layouts.lock().unwrap().insert(self.ids[n], layout);
    }

    fn versions(&self) -> Vec<u64> {
        (0..self.ids.len()).map(|n| self.coordinator(n).layout().unwrap().version()).collect()
    }
}

#[tokio::test(start_paused = true)]
async fn a_coordinator_behind_fetches_and_begins_anew() {
    let mut cluster = Cluster::new(3, "3,2,2").await;
    let old = cluster.layout.version();
    (1..3).for_each(|n| cluster.renew(n));
    cluster.world.layouts.lock().unwrap().clear();
    let newest = Arc::new(cluster.layout.clone());
    for n in [1, 2] {
        cluster.world.layouts.lock().unwrap().insert(cluster.ids[n], newest.clone());
    }
    let error = put(&cluster.rings[0], "a", "1").await.unwrap_err();
    assert!(error.to_string().contains("no layout"), "{error}");
    assert!(error.is_retryable());

    let mut cluster = Cluster::new(3, "3,2,2").await;
    cluster.renew(1);
    let newest = Arc::new(cluster.layout.clone());
    cluster.world.layouts.lock().unwrap().insert(cluster.ids[2], newest);
    assert_eq!(cluster.versions(), [old, old + 1, old + 1]);
    assert_eq!(get(&cluster.rings[0], "a").await, None);
    assert_eq!(cluster.versions(), [old + 1; 3]);
}

#[tokio::test(start_paused = true)]
async fn a_replica_behind_fetches_and_serves() {
    let mut cluster = Cluster::new(3, "3,2,2").await;
    cluster.renew(0);
    put(&cluster.rings[0], "a", "1").await.unwrap();
    cluster.settled(&Key::from("a")).await;
    assert_eq!(cluster.versions(), [cluster.layout.version(); 3]);
}

#[tokio::test(start_paused = true)]
async fn what_was_minted_under_an_old_layout_is_stored() {
    let mut cluster = Cluster::new(3, "3,2,2").await;
    cluster.renew(1);
    cluster.renew(2);
    put(&cluster.rings[0], "a", "1").await.unwrap();
    assert_eq!(cluster.settled(&Key::from("a")).await.siblings().len(), 1);
    assert_eq!(cluster.versions()[0], cluster.layout.version());
}
