//! What a core wants done, carried out: messages sent, changes handed to the writer, waiters answered.

use std::sync::Arc;

use kvs_core::StoredRow;
use kvs_core::env::spawn;
use tokio::time::Instant;

use super::bucket::{Answer, BucketLog, Issued, Role, State};
use super::core::{Action, Event, Message};
use super::driver::Driver;
use super::outbox::Item;
use super::writer::{Changes, Work};
use super::writes::Writes;
use crate::identity::NodeId;

impl Driver {
    pub(super) fn carry_out(
        self: &Arc<Self>,
        bucket: &Arc<BucketLog>,
        state: &mut State,
        action: Action<Writes>,
        page: &mut Vec<StoredRow>,
    ) {
        match action {
            Action::Send { to, message } => {
                if message.is_request() {
                    state.asked.insert(to, Instant::now());
                }
                self.send(bucket, to, message, Vec::new());
            }
            Action::Persist { number, changes, sync } => {
                let rows =
                    if changes.install.is_some() { std::mem::take(page) } else { Vec::new() };
                self.persist(bucket, state, number, changes, sync, rows);
            }
            Action::Page { to, epoch, layout, position, page } => {
                state.asked.insert(to, Instant::now());
                let (driver, log) = (self.clone(), bucket.clone());
                let send = async move {
                    let found = driver.snapshots.page(&driver.raw, &log, to, position, page).await;
                    match found {
                        Ok(Some((rows, last))) => {
                            let message = Message::Install { epoch, layout, position, page, last };
                            driver.send(&log, to, message, rows);
                        }
                        Ok(None) => driver.step(&log, Event::Unanswered { to }),
                        Err(error) => {
                            tracing::warn!(node = %driver.id, bucket = %log.id, %to, %error,
                                "a page of a snapshot could not be read");
                            driver.step(&log, Event::Unanswered { to });
                        }
                    }
                };
                if page == 0 {
                    let then = Box::new(move || drop(spawn(send)));
                    let bucket = bucket.clone();
                    self.queue.push(self, Work::Snapshot { bucket, to, position, then });
                } else {
                    spawn(send);
                }
            }
            Action::Serving { epoch } => {
                state.holder = None;
                if let Err(error) = state.fill_overlay() {
                    tracing::error!(node = %self.id, bucket = %bucket.id, %error, "a log is unreadable");
                }
                bucket.set_role(Role::Serving { epoch, ready: state.issued });
                tracing::debug!(node = %self.id, bucket = %bucket.id, %epoch, "owned");
            }
            Action::Deposed { by } => {
                state.asked.clear();
                state.overlay.clear();
                bucket.set_role(Role::Replica { refused_by: by });
                self.lost.send(bucket.id);
                tracing::debug!(node = %self.id, bucket = %bucket.id, ?by, "not owned");
            }
            Action::Behind { holder } => state.holder = Some(holder),
            Action::Outdated { .. } => {}
            Action::Done { ticket, position } => state.answer(ticket, Ok(Answer::Done(position))),
            Action::Lost { ticket, outcome } => state.answer(ticket, Err(outcome)),
            Action::Confirmed { ticket, .. } => state.answer(ticket, Ok(Answer::Confirmed)),
        }
    }

    pub(super) fn send(
        self: &Arc<Self>,
        bucket: &BucketLog,
        to: NodeId,
        message: Message<Writes>,
        rows: Vec<StoredRow>,
    ) {
        self.outbox.push(self, to, Item::new(bucket.id, message, rows));
    }

    fn persist(
        self: &Arc<Self>,
        bucket: &Arc<BucketLog>,
        state: &mut State,
        number: u64,
        changes: super::core::Changes<Writes>,
        sync: bool,
        page: Vec<StoredRow>,
    ) {
        let is_serving = matches!(bucket.now().role, Role::Serving { .. });
        let head = &mut state.head;
        head.promised = changes.promised.unwrap_or(head.promised);
        head.layout = changes.layout.unwrap_or(head.layout);
        head.doubt = changes.doubt.unwrap_or(head.doubt);
        let mut cut = None;
        if let Some(install) = changes.install.filter(|install| install.last) {
            cut = Some((head.floor.seq, state.last));
            head.floor = install.position;
            head.commit = install.position.seq;
            head.generation = 1 - head.generation.min(1);
            state.last = install.position.seq;
            state.pending.clear();
            state.held.trim(&self.held, u64::MAX);
        }
        if let Some(after) = changes.cut_after {
            cut = Some((after, state.last.max(cut.map_or(0, |(_, last)| last))));
            state.last = state.last.min(after);
            state.held.cut(&self.held, after);
            while state.pending.pop_back_if(|(seq, _)| *seq > after).is_some() {}
        }
        for entry in &changes.append {
            let seq = entry.position.seq;
            state.last = seq;
            state.held.add(&self.held, entry);
            state.pending.push_back((seq, entry.payload.clone()));
            if is_serving
                && let Some(writes) = &entry.payload
                && let Err(error) = state.overlay.add(seq, writes)
            {
                tracing::error!(node = %self.id, bucket = %bucket.id, %error, "a log is unreadable");
            }
        }
        let mut apply = Vec::new();
        if let Some(commit) = changes.commit {
            head.commit = commit;
            while let Some((_, writes)) = state.pending.pop_front_if(|(seq, _)| *seq <= commit) {
                apply.extend(writes);
            }
            if is_serving && !apply.is_empty() {
                self.counters.committed(apply.len());
            }
        }
        let trim = changes.trim.map(|floor| {
            let before = head.floor.seq;
            head.floor = floor;
            state.held.trim(&self.held, floor.seq);
            (before, floor.seq)
        });
        let head = *head;
        state.issued = number;
        state.commits.push_back(Issued {
            number,
            commit: head.commit,
            generation: head.generation,
            is_in_doubt: head.doubt.is_some(),
        });
        let install = changes.install.map(|install| (install, page));
        let append = changes.append;
        let bucket = bucket.clone();
        let changes = Changes { bucket, number, sync, head, cut, append, apply, trim, install };
        self.queue.push(self, Work::Changes(Box::new(changes)));
        self.bound_held();
    }

    /// Changes are on disk: what they have put among the rows need not lie over them any more.
    pub(super) fn persisted(&self, bucket: &BucketLog, state: &mut State, upto: u64) {
        let mut applied = None;
        while let Some(done) = state.commits.pop_front_if(|issued| issued.number <= upto) {
            applied = Some(done);
        }
        if let Some(applied) = &applied {
            state.overlay.drop_to(applied.commit);
            if std::mem::replace(&mut state.is_in_doubt, applied.is_in_doubt) != applied.is_in_doubt
            {
                self.doubts.note(bucket.id, applied.is_in_doubt);
            }
        }
        bucket.progress.send_modify(|progress| {
            progress.persisted = upto;
            if let Some(Issued { commit, generation, .. }) = applied {
                progress.applied = commit;
                progress.generation = generation;
            }
        });
    }
}
