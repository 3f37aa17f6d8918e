//! Histories that are right by construction: clients take turns at random to invoke, to take effect,
//! and to return. What takes effect does so on the model itself.

use kvs_check::history::{Operation, Outcome};
use kvs_check::model::Model;

/// A small generator (SplitMix64).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    pub(crate) fn percent(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }
}

/// An entity that is called by one client at a time, and says what it answers.
pub(crate) trait Sequential<M: Model> {
    fn draw(&mut self, random: &mut Random) -> M::Command;
    fn run(&mut self, command: &M::Command) -> M::Answer;
}

/// How large, and how bad.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    pub(crate) clients: u64,
    pub(crate) operations: usize,
    pub(crate) lost_percent: u64,
}

struct Running<C, A> {
    client: u64,
    invoked: u64,
    command: C,
    answer: Option<A>,
    /// Its client got no answer and went on.
    abandoned: bool,
}

pub(crate) fn history<M: Model>(
    random: &mut Random,
    shape: Shape,
    entity: &mut impl Sequential<M>,
) -> Vec<Operation<M::Command, M::Answer>> {
    let mut history = Vec::new();
    let mut running: Vec<Running<M::Command, M::Answer>> = Vec::new();
    let mut now = 0;
    while history.len() < shape.operations {
        now += random.below(3);
        let client = random.below(shape.clients);
        let of = |r: &Running<_, _>| r.client == client && !r.abandoned;
        match running.iter().position(of) {
            None => {
                now += 1;
                let command = entity.draw(random);
                running.push(Running {
                    client,
                    invoked: now,
                    command,
                    answer: None,
                    abandoned: false,
                });
            }
            Some(at) if random.percent(shape.lost_percent) => {
                // No answer. It may have happened, may happen later, or never.
                let call = &mut running[at];
                let (invoked, command) = (call.invoked, call.command.clone());
                let not_applied = call.answer.is_none() && random.percent(30);
                let outcome = if not_applied { Outcome::NotApplied } else { Outcome::Unknown };
                let returned = Some(now);
                history.push(Operation { client, invoked, returned, command, outcome });
                call.abandoned = true;
                if not_applied || call.answer.is_some() || random.percent(50) {
                    running.remove(at);
                }
            }
            Some(at) => match running[at].answer.take() {
                None => running[at].answer = Some(entity.run(&running[at].command)),
                Some(answer) => {
                    let Running { invoked, command, .. } = running.remove(at);
                    let returned = Some(now);
                    let outcome = Outcome::Ok(answer);
                    history.push(Operation { client, invoked, returned, command, outcome });
                }
            },
        }
        // What was abandoned may take effect whenever it likes.
        if random.percent(10)
            && let Some(at) = running.iter().position(|call| call.abandoned)
        {
            entity.run(&running.remove(at).command);
        }
    }
    for Running { client, invoked, command, abandoned, .. } in running {
        if !abandoned {
            let outcome = Outcome::Unknown;
            history.push(Operation { client, invoked, returned: None, command, outcome });
        }
    }
    history
}
