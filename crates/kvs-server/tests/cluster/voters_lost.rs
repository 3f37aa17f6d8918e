//! A majority of the voters is lost for good.

use std::process::{Command, Output};

use crate::client::Client;
use crate::cluster::Cluster;
use crate::load::Load;
use crate::node::Node;
use crate::until;

fn recover(node: &Node, flags: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_kvs"))
        .args(["ring", "recover-voters", "--data-dir"])
        .arg(&node.data)
        .args(flags)
        .output()
        .unwrap()
}

#[test]
fn the_one_that_is_left_goes_on_and_takes_new_ones_in() {
    let mut cluster = Cluster::start(3, &[]);
    let load = Load::start(2, &cluster.doors());
    load.goes_on(100);
    let written = load.stop();
    // All three have it: what two lost disks take with them is not the question here.
    written.is_read_through(&cluster.doors());
    let version = |node: &Node| {
        let ring = Client::new(node.addresses().resp).ring().ok()?;
        ring["layout_version"].as_u64()
    };
    let before = version(&cluster[2]).unwrap();
    let sure = ["--majority-is-lost-for-good"];

    // Not while it runs.
    let refused = recover(&cluster[2], &sure);
    assert_eq!(refused.status.code(), Some(1), "{refused:?}");
    for n in [0, 1, 2] {
        cluster[n].kill();
    }
    for n in [0, 1] {
        cluster[n].wipe();
    }
    // The others are not there any more, and without them it can only wait.
    let joins: Vec<_> = cluster.nodes().iter().map(|node| node.addresses().rpc).collect();
    for n in [0, 1] {
        let join = ["--join".to_owned(), joins[2].to_string()];
        cluster[n].flags.retain(|flag| flag != "--join" && *flag != joins[0].to_string());
        cluster[n].flags.extend(join);
    }
    let asked = recover(&cluster[2], &[]);
    let said = String::from_utf8_lossy(&asked.stderr).into_owned();
    assert_eq!(asked.status.code(), Some(1), "{said}");
    assert!(said.contains("Nothing was changed") && said.contains("lost for good"), "{said}");
    let done = recover(&cluster[2], &sure);
    let said = String::from_utf8_lossy(&done.stdout).into_owned();
    assert_eq!(done.status.code(), Some(0), "{done:?}");
    assert!(said.contains("only voter") && said.contains("Never start the lost voters"), "{said}");

    cluster[2].start();
    for n in [0, 1] {
        cluster[n].spawn();
    }
    for n in [0, 1] {
        cluster[n].served();
    }
    cluster.wait_for_all();
    until(
        || "the layout does not change".to_owned(),
        || (version(&cluster[2])? >= before + 2).then_some(()),
    );
    until(
        || "not all vote again".to_owned(),
        || {
            let ring = Client::new(cluster[0].addresses().resp).ring().ok()?;
            let members = ring["members"].as_array()?;
            members.iter().all(|member| member["role"] != "learner").then_some(())
        },
    );
    written.is_read_through(&cluster.doors());
    cluster.is_unharmed();
    // With their votes they can do without the one that was left.
    let load = Load::start(1, &cluster.doors()[..2]);
    cluster[2].kill();
    cluster.wait_for(&[0, 1]);
    load.goes_on(50);
    let later = load.stop();
    later.is_read_through(&cluster.doors()[..2]);
}

#[test]
fn only_a_node_has_voters() {
    let folder = tempfile::TempDir::new().unwrap();
    let node = Node::new(folder.path(), "nobody", &[]);
    let refused = recover(&node, &["--majority-is-lost-for-good"]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(1), "{said}");
    assert!(said.contains("holds no node"), "{said}");
    assert!(!node.data.exists());
    let refused = recover(&node, &["--connect", "127.0.0.1:1"]);
    assert_eq!(refused.status.code(), Some(2), "{refused:?}");
}
