//! No room left on the disk of one replica.
//!
//! The test mounts a small file system of its own, in memory. Where that is not permitted it says so
//! and is skipped.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::client::Client;
use crate::cluster::Cluster;
use crate::load::{Load, Written};

/// A small file system at a path, gone when this is dropped.
struct Disk(PathBuf);

impl Disk {
    /// Mounts one of so many MiB; `None`, with a word on stderr, if that is not permitted.
    fn mount(at: &Path, mib: u64) -> Option<Self> {
        std::fs::create_dir(at).unwrap();
        let mount = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={mib}m"), "kvs-tests"])
            .arg(at)
            .output();
        let why_not = match mount {
            Ok(output) if output.status.success() => return Some(Self(at.to_owned())),
            Ok(output) => String::from_utf8_lossy(&output.stderr).trim().to_owned(),
            Err(error) => error.to_string(),
        };
        // Not through `eprintln`, whose output the test harness keeps to itself.
        let mut stderr = io::stderr();
        writeln!(stderr, "skipped: no small disk to fill can be mounted: {why_not}").unwrap();
        None
    }

    /// Takes all the room that is left.
    fn fill(&self) -> PathBuf {
        let ballast = self.0.join("ballast");
        let mut file = File::create(&ballast).unwrap();
        while file.write_all(&[0; 4096]).is_ok() {}
        ballast
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Lazily: a test that failed may still hold files open.
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[test]
fn one_replica_without_room_harms_nobody() {
    let folder = TempDir::new().unwrap();
    let Some(disk) = Disk::mount(&folder.path().join("n2"), 128) else { return };
    let mut cluster = Cluster::start_with(folder, 3, |_, _| vec![]);
    let mut client = Client::new(cluster.doors()[0]);
    let before = Written::fill(&mut client, "before", 50, 1000);

    let ballast = disk.fill();
    let load = Load::start(2, &cluster.doors());
    load.goes_on(100);
    // Larger than whatever room the engine has set aside.
    let during = Written::fill(&mut client, "during", 200, 60_000);
    load.goes_on(100);
    let full = cluster[2].log();
    assert!(full.contains("this replica takes no writes"), "nothing of it in the log:\n{full}");
    let written = load.stop().and(before).and(during);
    written.is_read_through(&cluster.doors()[..2]);

    std::fs::remove_file(ballast).unwrap();
    if cluster[2].runs() {
        cluster[2].kill();
    }
    cluster[2].start();
    cluster.wait_for_all();
    written.is_read_through(&cluster.doors());
    let load = Load::start(2, &cluster.doors());
    load.goes_on(100);
    written.and(load.stop()).is_read_through(&cluster.doors());
    cluster.is_unharmed();
    drop((cluster, disk));
}
