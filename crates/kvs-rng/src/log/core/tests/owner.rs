//! What an owner does, step by step: all messages arrive at once, unless a node is cut off.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use kvs_core::Outcome;

use crate::identity::{Incarnation, NodeId};
use crate::log::core::world::{Value, node};
use crate::log::core::{Action, Core, Durable, Event, Limits, Message, Voters};

struct Cluster {
    cores: BTreeMap<NodeId, Core<Value>>,
    cut: BTreeSet<NodeId>,
    /// What came out besides messages and writes.
    told: Vec<(NodeId, Action<Value>)>,
    sent: Vec<Message<Value>>,
}

impl Cluster {
    fn new(nodes: u8, voters: &Voters) -> Self {
        let limits = Limits { trim_entries: u64::MAX, ..Limits::DEFAULT };
        let core = |id| Core::new(id, Incarnation(1), Durable::default(), voters.clone());
        let ids = (1..=nodes).map(node);
        Self {
            cores: ids.map(|id| (id, core(id).with_limits(limits))).collect(),
            cut: BTreeSet::new(),
            told: Vec::new(),
            sent: Vec::new(),
        }
    }

    /// Three nodes, of which the first owns the bucket.
    fn owned() -> Self {
        let mut cluster = Self::new(3, &Voters::new(1, [1, 2, 3].map(node)));
        cluster.tell(1, Event::TakeOver);
        assert!(cluster.core(1).serving().is_some());
        cluster
    }

    fn core(&self, number: u8) -> &Core<Value> {
        &self.cores[&node(number)]
    }

    fn tell(&mut self, number: u8, event: Event<Value>) {
        let mut events = VecDeque::from([(node(number), event)]);
        while let Some((id, event)) = events.pop_front() {
            let mut actions = Vec::new();
            self.cores.get_mut(&id).unwrap().handle(event, &mut actions);
            for action in actions {
                match action {
                    Action::Send { to, message } => {
                        self.sent.push(message.clone());
                        let is_lost = self.cut.contains(&id) || self.cut.contains(&to);
                        match (is_lost, message.is_request()) {
                            (true, true) => events.push_back((id, Event::Unanswered { to })),
                            (true, false) => {}
                            (false, _) => {
                                events.push_back((to, Event::Message { from: id, message }));
                            }
                        }
                    }
                    Action::Persist { number, .. } => {
                        events.push_back((id, Event::Persisted { upto: number }));
                    }
                    Action::Page { to, epoch, layout, position, page } => {
                        let last = page == 2;
                        let message = Message::Install { epoch, layout, position, page, last };
                        events.push_back((to, Event::Message { from: id, message }));
                    }
                    other => self.told.push((id, other)),
                }
            }
        }
    }

    fn submit(&mut self, number: u8, ticket: u64) {
        let value = Value(u8::try_from(ticket).unwrap());
        self.tell(number, Event::Submit { ticket, payloads: vec![value] });
    }

    fn is_done(&self, wanted: u64) -> bool {
        self.told
            .iter()
            .any(|(_, it)| matches!(it, Action::Done { ticket, .. } if *ticket == wanted))
    }

    fn lost(&self, wanted: u64) -> Option<Outcome> {
        self.told.iter().find_map(|(_, it)| match it {
            Action::Lost { ticket, outcome } if *ticket == wanted => Some(*outcome),
            _ => None,
        })
    }
}

#[test]
fn a_bucket_with_one_replica() {
    let mut cluster = Cluster::new(1, &Voters::new(1, [node(1)]));
    cluster.tell(1, Event::TakeOver);
    cluster.submit(1, 7);
    cluster.tell(1, Event::Confirm { ticket: 8, upto: 2 });
    assert!(cluster.is_done(7));
    assert!(cluster.told.contains(&(node(1), Action::Confirmed { ticket: 8, commit: 2 })));
}

#[test]
fn a_minority_commits_nothing_and_says_so() {
    let mut cluster = Cluster::owned();
    cluster.cut = [2, 3].map(node).into();
    cluster.submit(1, 1);
    cluster.tell(1, Event::Confirm { ticket: 2, upto: 0 });
    assert!(!cluster.is_done(1));
    cluster.tell(1, Event::StepDown);
    assert_eq!(cluster.lost(1), Some(Outcome::Unknown));
    assert_eq!(cluster.lost(2), Some(Outcome::NotApplied));
    cluster.submit(1, 3);
    assert_eq!(cluster.lost(3), Some(Outcome::NotApplied), "it is no owner any more");
}

#[test]
fn a_command_is_followed_through_a_second_take_over() {
    let mut cluster = Cluster::owned();
    cluster.cut = [2, 3].map(node).into();
    cluster.submit(1, 1);
    cluster.cut.clear();
    cluster.tell(1, Event::TakeOver);
    assert!(cluster.is_done(1));
}

#[test]
fn a_deposed_owner_hears_who_deposed_it_and_its_rest_is_cut_off() {
    let mut cluster = Cluster::owned();
    cluster.cut = [node(1)].into();
    cluster.submit(1, 1);
    cluster.tell(2, Event::TakeOver);
    let epoch = cluster.core(2).serving().unwrap();
    cluster.cut.clear();
    cluster.submit(1, 2);
    cluster.tell(1, Event::Tick);
    let by = Some(epoch);
    assert!(cluster.told.contains(&(node(1), Action::Deposed { by })));
    assert_eq!(cluster.lost(1), Some(Outcome::Unknown));
    cluster.tell(2, Event::Tick);
    assert_eq!(cluster.core(1).log().entries, cluster.core(2).log().entries);
    assert!(!cluster.core(2).wants_tick(), "all have all: the bucket costs nothing now");
}

#[test]
fn what_waits_shares_a_round() {
    let mut cluster = Cluster::owned();
    // Nothing is answered while the owner is told of all of it.
    let mut actions = Vec::new();
    let owner = cluster.cores.get_mut(&node(1)).unwrap();
    for ticket in 0..100 {
        owner.handle(Event::Submit { ticket, payloads: vec![Value(1)] }, &mut actions);
        owner.handle(Event::Confirm { ticket: 1000 + ticket, upto: 0 }, &mut actions);
    }
    let is_append =
        |it: &&Action<_>| matches!(it, Action::Send { message: Message::Append { .. }, .. });
    assert_eq!(actions.iter().filter(is_append).count(), 2, "one to each other replica");
    let epoch = cluster.core(1).serving().unwrap();
    actions.clear();
    let upto = crate::log::Position::new(epoch, 2);
    let message = Message::Appended { epoch, round: 0, upto };
    let owner = cluster.cores.get_mut(&node(1)).unwrap();
    owner.handle(Event::Message { from: node(2), message }, &mut actions);
    let sent = actions.iter().find_map(|it| match it {
        Action::Send { message: Message::Append { entries, .. }, .. } => Some(entries.len()),
        _ => None,
    });
    assert_eq!(sent, Some(99));
}

#[test]
fn a_replica_that_missed_what_is_trimmed_gets_a_snapshot() {
    let mut cluster = Cluster::owned();
    cluster.cut = [node(3)].into();
    for ticket in 1..=5 {
        cluster.submit(1, ticket);
    }
    cluster.tell(1, Event::Trim);
    cluster.submit(1, 6);
    cluster.cut.clear();
    // By itself it can't own the bucket any more …
    cluster.tell(3, Event::TakeOver);
    assert!(
        cluster.told.iter().any(|(id, it)| *id == node(3) && matches!(it, Action::Behind { .. }))
    );
    // … but one who has all can, and brings it up to date.
    cluster.tell(2, Event::TakeOver);
    cluster.tell(2, Event::Tick);
    assert!(cluster.core(2).serving().is_some());
    assert_eq!(cluster.core(3).log().tail(), cluster.core(2).log().tail());
    assert!(cluster.core(3).log().floor.seq >= 6);
}

#[test]
fn a_replica_set_changes_stage_by_stage() {
    let (old, new) = ([1, 2, 3].map(node), [1, 2, 4].map(node));
    let mut cluster = Cluster::new(4, &Voters::new(1, old));
    cluster.tell(1, Event::TakeOver);
    cluster.submit(1, 1);
    let mut copying = Voters::new(2, old);
    copying.learners = vec![node(4)];
    for (stage, voters) in
        [copying, Voters::joint(3, old, new), Voters::new(4, new)].iter().enumerate()
    {
        cluster.tell(1, Event::Voters(voters.clone()));
        assert_eq!(cluster.core(1).settled(), Some(voters.layout));
        let ticket = 10 + stage as u64;
        cluster.submit(1, ticket);
        assert!(cluster.is_done(ticket));
        assert_eq!(cluster.core(1).matched(node(4)), Some(cluster.core(1).log().tail().seq));
    }
    assert_eq!(cluster.core(1).matched(node(3)), None);
    // Who left knows only of the set before; its voters refuse it and name the newer layout.
    cluster.tell(3, Event::TakeOver);
    assert!(
        cluster.told.iter().any(|(id, it)| *id == node(3) && matches!(it, Action::Outdated { .. }))
    );
    assert!(cluster.core(1).serving().is_some());
}

#[test]
fn a_replica_in_doubt_has_no_vote_until_it_has_caught_up() {
    let mut cluster = Cluster::owned();
    cluster.tell(2, Event::Doubt);
    cluster.cut = [node(1)].into();
    cluster.tell(3, Event::TakeOver);
    assert_eq!(cluster.core(3).serving(), None, "one vote and a doubt are no majority");
    cluster.cut.clear();
    cluster.tell(3, Event::TakeOver);
    assert!(cluster.core(3).serving().is_some());
    assert_eq!(cluster.core(2).log().doubt, None);
}

#[test]
fn an_owner_takes_no_more_than_it_may_hold() {
    let mut cluster = Cluster::owned();
    cluster.cut = [2, 3].map(node).into();
    let limits = Limits { uncommitted_bytes: 1000, ..Limits::DEFAULT };
    let owner = cluster.cores.get_mut(&node(1)).unwrap();
    *owner = owner.clone().with_limits(limits);
    for ticket in 0..20 {
        cluster.submit(1, ticket);
    }
    assert_eq!(cluster.lost(19), Some(Outcome::NotApplied));
    assert_eq!(cluster.lost(0), None);
}
