//! Data of an embedded store and of a node are not mixed.

use kvs::cluster::NodeError;
use kvs::{ClusterConfig, Error, Kvs, Options};

#[tokio::test]
async fn a_nodes_folder_and_an_embedded_one_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let any_port = "127.0.0.1:0".parse().unwrap();

    let node = folder.path().join("node");
    let kvs = Kvs::cluster(ClusterConfig::new(&node, any_port)).await.unwrap();
    kvs.put("greeting", &"hello".to_owned()).await.unwrap();
    kvs.shutdown().await;
    drop(kvs);
    let opened = opened(&node).await;
    assert!(matches!(opened, Err(Error::NodeFolder)), "{:?}", opened.err());

    let embedded = folder.path().join("embedded");
    let kvs = Options::new().open(&embedded).await.unwrap();
    kvs.put("greeting", &"hello".to_owned()).await.unwrap();
    drop(kvs);
    let error = Kvs::cluster(ClusterConfig::new(&embedded, any_port)).await.err().unwrap();
    assert!(matches!(error, Error::Node(NodeError::Embedded)), "{error}");
    // Nothing happened to it.
    let kvs = self::opened(&embedded).await.unwrap();
    assert_eq!(kvs.get::<String>("greeting").await.unwrap().as_deref(), Some("hello"));
}

/// Opens a folder once those who had it before have let go of it.
async fn opened(dir: &std::path::Path) -> Result<Kvs, Error> {
    for _ in 0..600 {
        match Options::new().open(dir).await {
            Err(Error::Dba(_)) => tokio::time::sleep(std::time::Duration::from_millis(50)).await,
            opened => return opened,
        }
    }
    Options::new().open(dir).await
}
