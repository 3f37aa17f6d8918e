//! Nodes that come back without their data, or with data of long ago.

use std::fs;
use std::path::Path;

use crate::client::Client;
use crate::cluster::Cluster;
use crate::load::{Load, Written};
use crate::until;

#[test]
fn wiped_nodes_take_their_places_again_and_nothing_is_lost() {
    let mut cluster = Cluster::start(5, &[]);
    let load = Load::start(2, &cluster.doors());
    load.goes_on(200);
    // The founder, too. As all others should be, it is then told whom to join.
    let others: Vec<_> = cluster.nodes()[1..].iter().map(|node| node.addresses().rpc).collect();
    let join = others.iter().flat_map(|other| ["--join".to_owned(), other.to_string()]);
    cluster[0].flags.extend(join);
    for victim in [3, 0, 3] {
        let old = id_of(&cluster, victim);
        cluster[victim].kill();
        cluster[victim].wipe();
        load.goes_on(100);
        cluster[victim].start();
        cluster.wait_for_all();
        load.goes_on(100);
        for node in cluster.nodes() {
            until(
                || format!("{} remembers the old node {old}", node.name),
                || {
                    let ring = Client::new(node.addresses().resp).ring().ok()?;
                    let members = ring["members"].as_array()?;
                    let is_gone = members.iter().all(|member| member["id"] != old.as_str());
                    let votes = members.iter().all(|member| member["role"] != "learner");
                    (members.len() == 5 && is_gone && votes).then_some(())
                },
            );
        }
    }
    let written = load.stop();
    written.is_read_through(&cluster.doors());
    cluster.is_unharmed();
    // Nor does it rest on those who were never away.
    for away in [1, 2] {
        cluster[away].kill();
        let up: Vec<usize> = (0..5).filter(|n| *n != away).collect();
        cluster.wait_for(&up);
        let doors: Vec<_> = up.iter().map(|n| cluster[*n].addresses().resp).collect();
        written.is_read_through(&doors);
        cluster[away].start();
        cluster.wait_for_all();
    }
    // A further node is another matter.
    let mut further = cluster.newcomer("further", &[]);
    further.spawn();
    assert_eq!(further.ended().code(), Some(1));
    assert!(further.log().contains("holds data"), "{}", further.log());
    cluster.is_unharmed();
}

/// The id of a node.
fn id_of(cluster: &Cluster, n: usize) -> String {
    let node = &cluster[n];
    let ring = Client::new(node.addresses().resp).ring().unwrap();
    let members = ring["members"].as_array().unwrap();
    let member = members.iter().find(|member| member["name"] == node.name.as_str()).unwrap();
    member["id"].as_str().unwrap().to_owned()
}

/// A node that was told to join nobody founds a cluster of its own. The one that it was of must not
/// take it for a member.
#[test]
fn a_wiped_founder_is_a_stranger() {
    let mut cluster = Cluster::start(3, &[]);
    let load = Load::start(1, &cluster.doors()[1..]);
    load.goes_on(50);
    cluster[0].kill();
    cluster[0].wipe();
    cluster[0].start();
    let mut stranger = Client::new(cluster[0].addresses().resp);
    until(
        || "the stranger has no ring of its own".to_owned(),
        || {
            let ring = stranger.ring().ok()?;
            (ring["members"].as_array()?.len() == 1).then_some(())
        },
    );
    // Both sides say why they don't talk to each other.
    for node in cluster.nodes() {
        until(
            || format!("{} does not say what is wrong:\n{}", node.name, node.log()),
            || node.log().contains("on an empty folder with nobody to join").then_some(()),
        );
    }
    load.goes_on(50);
    cluster.wait_for(&[1, 2]);
    load.goes_on(50);
    let written = load.stop();
    written.is_read_through(&cluster.doors()[1..]);
    // It has one replica, and a quorum that needs three.
    assert_eq!(stranger.ring().unwrap()["state"], "unsatisfied");
}

/// An old copy of a node's folder does not know what the node did since. If it went on as if nothing
/// had happened, new writes would be taken for old ones, and be lost.
#[test]
fn an_old_copy_of_a_folder_is_found_out() {
    let mut cluster = Cluster::start(3, &[]);
    let before = Written::fill(&mut Client::new(cluster[2].addresses().resp), "before", 20, 100);
    assert_eq!(cluster[2].terminate(), Some(0));
    let copy = cluster.folder().join("copy");
    copy_folder(&cluster[2].data, &copy);
    for life in ["one", "two"] {
        cluster[2].start();
        cluster.wait_for_all();
        let _ = Written::fill(&mut Client::new(cluster[2].addresses().resp), "same", 20, 100);
        let _ = Written::fill(&mut Client::new(cluster[2].addresses().resp), life, 20, 100);
        assert_eq!(cluster[2].terminate(), Some(0));
    }
    let since = Written::fill(&mut Client::new(cluster[0].addresses().resp), "same", 20, 200);

    cluster[2].wipe();
    fs::rename(&copy, &cluster[2].data).unwrap();
    cluster[2].spawn();
    let load = Load::start(1, &cluster.doors()[..2]);
    let mut client = Client::new(cluster[0].addresses().resp);
    until(
        || format!("nobody notices:\n{}", cluster[2].log()),
        || {
            // What others know comes to it with reads and writes.
            let _ = (0..20).map(|n| client.get(&format!("same-{n}"))).collect::<Vec<_>>();
            cluster[2].log().contains("is an old copy").then_some(())
        },
    );
    load.goes_on(100);
    let written = load.stop().and(before).and(since);
    written.is_read_through(&cluster.doors()[..2]);
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let (from, name) = entry.map(|entry| (entry.path(), entry.file_name())).unwrap();
        if from.is_dir() {
            copy_folder(&from, &to.join(name));
        } else {
            fs::copy(&from, to.join(name)).unwrap();
        }
    }
}
