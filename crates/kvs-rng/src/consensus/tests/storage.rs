//! The log, the vote and the state, on disk.

use openraft::storage::RaftLogStorage;
use openraft::testing::{StoreBuilder, Suite};
use openraft::{EntryPayload, LeaderId, RaftLogReader};

use super::super::config::{Entry, LogId, Membership, StorageError, StoredMembership, Types, Vote};
use super::super::machine::State;
use super::*;

impl From<u64> for RaftId {
    fn from(n: u64) -> Self {
        Self(NodeId::from_bytes(u128::from(n).to_be_bytes()))
    }
}

struct InMemory;

impl StoreBuilder<Types, LogStore, Machine> for InMemory {
    async fn build(&self) -> Result<((), LogStore, Machine), StorageError> {
        let store = Store::memory();
        let machine = Machine::open(&store, Published::default()).await?;
        Ok(((), LogStore::new(&store), machine))
    }
}

/// The tests that `openraft` has for stores, each on a new one. On paused time: some of them wait.
#[tokio::test(start_paused = true)]
async fn the_suite_of_openraft_passes() {
    type Tests = Suite<Types, LogStore, Machine, InMemory, ()>;
    macro_rules! pass {
        ($($test:ident)*) => {$(
            let ((), log, machine) = InMemory.build().await.unwrap();
            Tests::$test(log, machine).await.unwrap();
        )*};
    }
    pass!(
        last_membership_in_log_initial
        last_membership_in_log
        last_membership_in_log_multi_step
        get_membership_initial
        get_membership_from_log_and_empty_sm
        get_membership_from_empty_log_and_sm
        get_membership_from_log_le_sm_last_applied
        get_membership_from_log_gt_sm_last_applied_1
        get_membership_from_log_gt_sm_last_applied_2
        get_initial_state_without_init
        get_initial_state_membership_from_log_and_sm
        get_initial_state_with_state
        get_initial_state_last_log_gt_sm
        get_initial_state_last_log_lt_sm
        get_initial_state_log_ids
        get_initial_state_re_apply_committed
        save_vote
        get_log_entries
        limited_get_log_entries
        try_get_log_entry
        initial_logs
        get_log_state
        get_log_id
        last_id_in_log
        last_applied_state
        purge_logs_upto_0
        purge_logs_upto_5
        purge_logs_upto_20
        delete_logs_since_11
        delete_logs_since_0
        append_to_log
        snapshot_meta
        apply_single
        apply_multiple
    );
    Tests::transfer_snapshot(&InMemory).await.unwrap();
}

fn log_id(term: u64, index: u64) -> LogId {
    LogId { leader_id: LeaderId::new(term, RaftId::from(1)), index }
}

fn entries(indexes: impl IntoIterator<Item = u64>) -> Vec<Entry> {
    let entry = |index| Entry { log_id: log_id(1, index), payload: EntryPayload::Blank };
    indexes.into_iter().map(entry).collect()
}

#[tokio::test]
async fn what_was_written_is_there_when_it_is_opened_again() {
    let store = Store::memory();
    let mut log = LogStore::new(&store);
    // More than one page.
    log.add(entries(0..1000)).await.unwrap();
    log.save_vote(&Vote::new(3, RaftId::from(2))).await.unwrap();
    log.truncate(log_id(1, 900)).await.unwrap();
    log.purge(log_id(1, 299)).await.unwrap();

    let mut log = LogStore::new(&store);
    assert_eq!(log.vote().await.unwrap(), Some(Vote::new(3, RaftId::from(2))));
    let state = log.state().await.unwrap();
    assert_eq!(state.last_purged_log_id, Some(log_id(1, 299)));
    assert_eq!(state.last_log_id, Some(log_id(1, 899)));
    assert_eq!(log.try_get_log_entries(..).await.unwrap(), entries(300..900));
    assert_eq!(log.try_get_log_entries(895..).await.unwrap(), entries(895..900));
}

#[tokio::test]
async fn damage_is_noticed() {
    let store = Store::memory();
    let mut log = LogStore::new(&store);
    log.add(entries(0..3)).await.unwrap();
    let raw = store.raw();
    let key = |index: u8| [5, 0, 0, 0, 0, 0, 0, 0, 0, index];
    let value = raw.get(key(1).to_vec()).await.unwrap().unwrap();
    for bad in
        [vec![], vec![9], [value.as_slice(), &[0]].concat(), value[..value.len() - 1].to_vec()]
    {
        let mut writes = kvs_core::engine::WriteSet::default();
        writes.stored(&key(1), Some(&bad));
        raw.write(writes).await.unwrap();
        assert!(log.try_get_log_entries(0..3).await.is_err(), "{bad:?}");
    }
    let mut writes = kvs_core::engine::WriteSet::default();
    writes.stored(&key(2), Some(&value));
    raw.write(writes).await.unwrap();
    assert!(log.try_get_log_entries(2..3).await.is_err(), "an entry at the wrong place");
}

/// The bytes of version 1, as they have been on disks.
#[test]
fn the_format_stays() {
    fn hex(value: &impl serde::Serialize) -> String {
        let bytes = format::encode("value", value).unwrap();
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }
    let node = RaftId(id(0xaa));
    let nodes = BTreeMap::from([(node, Peer { address: address(7) })]);
    let membership = Membership::new(vec![BTreeSet::from([node])], nodes);
    let log_id = LogId { leader_id: LeaderId::new(300, node), index: 5 };
    let entry = |payload| Entry { log_id, payload };
    let state = State {
        applied: Some(log_id),
        membership: StoredMembership::new(Some(log_id), membership.clone()),
        layout: None,
    };
    let (a, i) = (format!("10{}", "aa".repeat(16)), "05");
    let m = format!("0101{a}01{a}000a000007d836");
    let blank = hex(&entry(EntryPayload::Blank));
    let member = hex(&entry(EntryPayload::Membership(membership)));
    assert_eq!(hex(&Vote::new(300, node)), format!("01ac02{a}00"));
    assert_eq!(blank, format!("01ac02{a}{i}00"));
    assert_eq!(member, format!("01ac02{a}{i}02{m}"));
    assert_eq!(hex(&state), format!("0101ac02{a}{i}01ac02{a}{i}{m}00"));
}
