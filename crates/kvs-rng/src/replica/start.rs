//! How the node last ended, and what that means for what it holds.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use kvs_core::engine::WriteSet;
use kvs_core::store::Raw;
use kvs_core::{DbaError, Result, RowKind};

use super::error::ReplicaError;
use crate::hash::Bucket;
use crate::identity::NodeId;

const WHAT: &str = "mark of a running node";
const NAME: &[u8] = b"replica/running";
const VERSION: u8 = 1;
const FLAG_DURABLE: u8 = 0x01;
const FLAG_RECOVERING: u8 = 0x02;
const FLAG_OLD_FOLDER: u8 = 0x04;
const FLAG_CATCHING_UP: u8 = 0x08;

/// What a replica may be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// It holds all that it ever acknowledged.
    Clean,
    /// It may lack what it, or the node whose place it took, has acknowledged: the last writes before
    /// a loss of power, or all of a disk that is lost. Buckets that are not repaired yet take what
    /// others send, and nothing else.
    Recovering,
    /// It holds all that it ever acknowledged, but lost power before the last writes that it had
    /// minted were synced. Others may have acknowledged these: where that is not repaired yet it does
    /// everything but mint, or its next write would seem to replace what it lost.
    CatchingUp,
    /// Its data folder is an old copy. It takes what others send, and nothing else.
    OldFolder,
}

/// What tells one run of the operating system from the next; `None` where it doesn't say.
pub fn boot_id() -> Option<String> {
    let id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    Some(id.trim().to_owned()).filter(|id| !id.is_empty())
}

/// The mark that is on disk while a node runs, and stays if it doesn't end cleanly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) boot_id: Option<String>,
    /// Each write was synced before it was acknowledged.
    pub(super) durable: bool,
    pub(super) recovering: bool,
    pub(super) catching_up: bool,
    pub(super) old_folder: bool,
}

impl Mark {
    pub(super) fn encode(&self) -> Vec<u8> {
        let flag = |is: bool, flag: u8| if is { flag } else { 0 };
        let flags = flag(self.durable, FLAG_DURABLE)
            | flag(self.recovering, FLAG_RECOVERING)
            | flag(self.catching_up, FLAG_CATCHING_UP)
            | flag(self.old_folder, FLAG_OLD_FOLDER);
        let boot_id = self.boot_id.as_deref().unwrap_or_default();
        [&[VERSION, flags], boot_id.as_bytes()].concat()
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self> {
        const FLAGS: u8 = FLAG_DURABLE | FLAG_RECOVERING | FLAG_OLD_FOLDER | FLAG_CATCHING_UP;
        let problem = match bytes {
            [VERSION, flags, boot_id @ ..] if flags & !FLAGS == 0 => {
                let boot_id = str::from_utf8(boot_id)
                    .map_err(|error| DbaError::decode(WHAT, error))?
                    .to_owned();
                return Ok(Self {
                    boot_id: Some(boot_id).filter(|id| !id.is_empty()),
                    durable: flags & FLAG_DURABLE != 0,
                    recovering: flags & FLAG_RECOVERING != 0,
                    catching_up: flags & FLAG_CATCHING_UP != 0,
                    old_folder: flags & FLAG_OLD_FOLDER != 0,
                });
            }
            [VERSION, flags, ..] => format!("unknown flags {flags:#04x}"),
            [VERSION] | [] => "it is cut off".to_owned(),
            [version, ..] => {
                format!("it has format version {version}, this release knows {VERSION}")
            }
        };
        Err(DbaError::decode(WHAT, problem))
    }

    /// Whether the system has gone down since, as far as can be told, if its run is now `boot_id`.
    fn is_of_another_run(&self, boot_id: Option<&str>) -> bool {
        boot_id.is_none() || self.boot_id.as_deref() != boot_id
    }

    /// Whether a node that is started in the run `boot_id` of its system, and finds this mark, may
    /// have lost what it had acknowledged.
    fn may_have_lost(&self, boot_id: Option<&str>) -> bool {
        self.recovering || (!self.durable && self.is_of_another_run(boot_id))
    }

    /// Whether it may have lost what it had minted.
    fn may_have_lost_mints(&self, boot_id: Option<&str>) -> bool {
        self.catching_up || self.is_of_another_run(boot_id)
    }
}

/// How a node started, and what has been repaired since.
pub(super) struct Start {
    node: NodeId,
    /// Its writes are synced.
    raw: Raw,
    /// As it is on disk.
    mark: tokio::sync::Mutex<Mark>,
    recovering: AtomicBool,
    catching_up: AtomicBool,
    /// It was one of these in this run, and is no more.
    recovered: AtomicBool,
    /// It turned out in this run that it has lost writes without noticing.
    found_loss: AtomicBool,
    /// Buckets that are as good as if nothing had happened.
    repaired: Mutex<BTreeSet<Bucket>>,
    old_folder: AtomicBool,
    closed: AtomicBool,
}

impl Start {
    /// Reads how the node ended; adds to `writes` that it runs again.
    pub(super) async fn open(
        node: NodeId,
        raw: Raw,
        boot_id: Option<String>,
        durable: bool,
        writes: &mut WriteSet,
    ) -> Result<Self> {
        let found = raw.get(key()).await?.map(|bytes| Mark::decode(&bytes)).transpose()?;
        let found = found.as_ref();
        let recovering = found.is_some_and(|found| found.may_have_lost(boot_id.as_deref()));
        let catching_up =
            !recovering && found.is_some_and(|found| found.may_have_lost_mints(boot_id.as_deref()));
        // A run after one that was killed is as durable as both: what the first one wrote may still
        // be on its way to the disk.
        let durable = durable && found.is_none_or(|found| found.durable);
        let old_folder = found.is_some_and(|found| found.old_folder);
        let mark = Mark { boot_id, durable, recovering, catching_up, old_folder };
        writes.stored(&key(), Some(&mark.encode()));
        Ok(Self {
            node,
            raw,
            mark: tokio::sync::Mutex::new(mark),
            recovering: AtomicBool::new(recovering),
            catching_up: AtomicBool::new(catching_up),
            recovered: AtomicBool::new(false),
            found_loss: AtomicBool::new(false),
            repaired: Mutex::default(),
            old_folder: AtomicBool::new(old_folder),
            closed: AtomicBool::new(false),
        })
    }

    pub(super) fn condition(&self) -> Condition {
        if self.old_folder.load(Ordering::Acquire) {
            Condition::OldFolder
        } else if self.recovering.load(Ordering::Acquire) {
            Condition::Recovering
        } else if self.catching_up.load(Ordering::Acquire) {
            Condition::CatchingUp
        } else {
            Condition::Clean
        }
    }

    /// Refuses what rests on having all that was acknowledged.
    pub(super) fn check(&self, bucket: Bucket) -> Result<(), ReplicaError> {
        self.check_open()?;
        match self.condition() {
            Condition::Clean | Condition::CatchingUp => Ok(()),
            Condition::OldFolder => Err(ReplicaError::OldFolder { node: self.node }),
            Condition::Recovering if self.is_repaired(bucket) => Ok(()),
            Condition::Recovering => Err(ReplicaError::Recovering { bucket }),
        }
    }

    /// Refuses what rests on having also all that was minted here.
    pub(super) fn check_mint(&self, bucket: Bucket) -> Result<(), ReplicaError> {
        self.check(bucket)?;
        if self.condition() == Condition::CatchingUp && !self.is_repaired(bucket) {
            return Err(ReplicaError::Recovering { bucket });
        }
        Ok(())
    }

    pub(super) fn check_open(&self) -> Result<(), ReplicaError> {
        if self.closed.load(Ordering::Acquire) { Err(ReplicaError::Closed) } else { Ok(()) }
    }

    fn is_repaired(&self, bucket: Bucket) -> bool {
        self.repaired.lock().unwrap_or_else(PoisonError::into_inner).contains(&bucket)
    }

    pub(super) fn repaired(&self, bucket: Bucket) {
        self.repaired.lock().unwrap_or_else(PoisonError::into_inner).insert(bucket);
    }

    pub(super) async fn all_repaired(&self) -> Result<()> {
        let mut mark = self.mark.lock().await;
        self.write(&mut mark, |mark| {
            mark.recovering = false;
            mark.catching_up = false;
        })
        .await?;
        self.recovered.store(true, Ordering::Release);
        self.recovering.store(false, Ordering::Release);
        self.catching_up.store(false, Ordering::Release);
        Ok(())
    }

    /// This node is to hold what it has nothing of.
    pub(super) async fn begin_with_nothing(&self) -> Result<()> {
        let mut mark = self.mark.lock().await;
        self.write(&mut mark, |mark| mark.recovering = true).await?;
        self.repaired.lock().unwrap_or_else(PoisonError::into_inner).clear();
        self.recovered.store(false, Ordering::Release);
        self.recovering.store(true, Ordering::Release);
        Ok(())
    }

    /// Others know a write `counter` of this node that it can't have made.
    pub(super) async fn found_stray(&self, counter: u64) -> Result<()> {
        if !self.old_folder.swap(true, Ordering::AcqRel) {
            let node = self.node;
            tracing::error!(%node, counter, "others know a write that this node has not made: its \
                data folder is an old copy; it neither mints nor reads any more");
        }
        let mut mark = self.mark.lock().await;
        self.write(&mut mark, |mark| mark.old_folder = true).await
    }

    /// Others know of later runs of this node than those that this data folder has seen.
    pub(super) async fn found_old_folder(&self, reason: &str) -> Result<()> {
        if !self.old_folder.swap(true, Ordering::AcqRel) {
            let node = self.node;
            tracing::error!(%node, reason, "others say that this node's data folder is an old copy; \
                it neither mints nor reads any more");
        }
        let mut mark = self.mark.lock().await;
        self.write(&mut mark, |mark| mark.old_folder = true).await
    }

    /// Others have a write that this node once made, and it has it no more: it has lost writes without
    /// noticing, as when its data folder was put back from a copy. It recovers, once in a run: what is
    /// found after that was never acknowledged. What a node lacks that is catching up it had minted, and
    /// not acknowledged.
    pub(super) async fn found_loss(&self, bucket: Bucket) -> Result<()> {
        if self.recovered.load(Ordering::Acquire)
            || self.catching_up.load(Ordering::Acquire)
            || self.check(bucket).is_err()
            || self.recovering.swap(true, Ordering::AcqRel)
        {
            return Ok(());
        }
        self.found_loss.store(true, Ordering::Release);
        tracing::error!(
            node = %self.node, %bucket,
            "others have a write of this node that its data folder lacks: the folder may be an old \
             copy; all buckets are repaired from the others before they are read here"
        );
        let mut mark = self.mark.lock().await;
        self.write(&mut mark, |mark| mark.recovering = true).await
    }

    pub(super) fn has_found_loss(&self) -> bool {
        self.found_loss.load(Ordering::Acquire)
    }

    /// Lets nothing in any more.
    pub(super) fn close(&self) {
        self.closed.store(true, Ordering::Release);
    }

    /// Takes the mark away, if nothing is left to be mended.
    pub(super) async fn ended(&self) -> Result<()> {
        let mark = self.mark.lock().await;
        if mark.recovering || mark.catching_up || mark.old_folder {
            return Ok(());
        }
        let mut writes = WriteSet::default();
        writes.stored(&key(), None);
        self.raw.write(writes).await
    }

    async fn write(&self, mark: &mut Mark, change: impl FnOnce(&mut Mark)) -> Result<()> {
        let mut changed = mark.clone();
        change(&mut changed);
        if changed == *mark {
            return Ok(());
        }
        let mut writes = WriteSet::default();
        writes.stored(&key(), Some(&changed.encode()));
        self.raw.write(writes).await?;
        *mark = changed;
        Ok(())
    }
}

fn key() -> Vec<u8> {
    [&[RowKind::Meta as u8], NAME].concat()
}
