//! Sessions on a cluster: reads at any replica that never go back.

#![cfg(test)]

mod cluster;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use cluster::Cluster;
use futures_util::TryStreamExt;
use kvs_check::history::{Operation, Outcome};
use kvs_check::model::feed::{Answer, Command};
use kvs_core::{CallOptions, Consistency, Session};
use tokio::time::{Instant, sleep};

const FEED: &str = "goals";

fn of(session: &Session) -> CallOptions {
    CallOptions::default().session(session.clone()).deadline(Duration::from_secs(1))
}

#[tokio::test(start_paused = true)]
async fn a_session_reads_what_it_wrote_by_way_of_other_nodes() {
    let cluster = Cluster::new(5).await;
    let replicas = cluster.replicas(FEED);
    let outside = (0..5).find(|n| !replicas.contains(n)).unwrap();
    let session = Session::new();
    let feed = |n: usize| cluster.entities(n).feed::<u64>(FEED).with(of(&session));
    for n in 1..=30 {
        assert_eq!(feed(outside).add(&n).await.unwrap().0, n);
        let reader = usize::try_from(n).unwrap() % 5;
        assert_eq!(feed(reader).len().await.unwrap(), n, "at {reader}");
        assert_eq!(feed(reader).head().await.unwrap().unwrap().value, n, "at {reader}");
    }

    // Where it goes on, it has seen the same.
    sleep(Duration::from_secs(60)).await;
    let elsewhere = Session::from_bytes(&session.to_bytes().unwrap()).unwrap();
    let calls = cluster.calls();
    for n in &replicas {
        let feed = cluster.entities(*n).feed::<u64>(FEED).with(of(&elsewhere));
        let all: Vec<u64> = feed.all(None).map_ok(|entry| entry.value).try_collect().await.unwrap();
        assert_eq!(all, (1..=30).rev().collect::<Vec<_>>());
    }
    assert_eq!(cluster.calls(), calls, "replicas that are up to date ask nobody");
    assert!(replicas.iter().all(|n| cluster.logs(*n).counters().reads_here > 0));
}

#[tokio::test(start_paused = true)]
async fn a_replica_that_is_cut_off_shows_no_session_less_than_it_has_seen() {
    let cluster = Cluster::new(3).await;
    let replicas = cluster.replicas(FEED);
    let (owner, cut) = (cluster.entities(replicas[0]), cluster.entities(replicas[2]));
    let session = Session::new();
    owner.feed::<u64>(FEED).with(of(&session)).add(&1).await.unwrap();
    sleep(Duration::from_secs(60)).await;
    let old = Session::from_bytes(&session.to_bytes().unwrap()).unwrap();
    cluster.cut(replicas[2]);
    owner.feed::<u64>(FEED).with(of(&session)).add(&2).await.unwrap();

    let at_cut = |options| cut.feed::<u64>(FEED).with(options);
    assert_eq!(at_cut(of(&old)).len().await.unwrap(), 1);
    assert!(at_cut(of(&session)).len().await.is_err(), "it hasn't got what the session has seen");
    let deadline = CallOptions::default().deadline(Duration::from_secs(1));
    assert!(
        at_cut(deadline.clone()).len().await.is_err(),
        "a read without a session sees everything"
    );
    let eventual = deadline.consistency(Consistency::Eventual);
    assert_eq!(at_cut(eventual).len().await.unwrap(), 1);

    cluster.heal();
    assert_eq!(at_cut(of(&session)).len().await.unwrap(), 2);
}

/// Clients move from node to node while nodes are cut off and come back; what each has seen and done it
/// goes on seeing, and all see one order.
#[tokio::test(start_paused = true)]
async fn no_client_goes_back() {
    for seed in 0..6 {
        let cluster = Cluster::seeded(5, seed).await;
        let history = Arc::new(Mutex::new(Vec::new()));
        let began = Instant::now();
        let clients: Vec<_> = (0..6)
            .map(|client| {
                kvs_core::env::spawn(run(cluster.clone(), client, history.clone(), began))
            })
            .collect();
        while clients.iter().any(|client| !client.is_finished()) {
            let draw = cluster.env.random.next_u64();
            cluster.cut(usize::try_from(draw % 5).unwrap());
            sleep(Duration::from_millis(draw % 700)).await;
            cluster.heal();
            sleep(Duration::from_millis(draw / 5 % 700)).await;
        }
        for client in clients {
            client.await.unwrap();
        }
        let history = history.lock().unwrap().clone();
        assert!(history.iter().filter(|call| call.answer().is_some()).count() > 200);
        kvs_check::session::feed(&history).unwrap_or_else(|broken| panic!("seed {seed}: {broken}"));
        let here: u64 = (0..5).map(|n| cluster.logs(n).counters().reads_here).sum();
        assert!(here > 100, "{here} reads at replicas");
    }
}

type Call = Operation<Command, Answer>;

async fn run(cluster: Arc<Cluster>, client: u64, history: Arc<Mutex<Vec<Call>>>, began: Instant) {
    let mut carried = Session::new().to_bytes().unwrap();
    for step in 0..60 {
        let draw = cluster.env.random.next_u64();
        let session = Session::from_bytes(&carried).unwrap();
        let node = cluster.entities(usize::try_from(draw % 5).unwrap());
        let feed = node.feed::<String>(FEED).with(of(&session));
        let now = || u64::try_from(began.elapsed().as_micros()).unwrap();
        let invoked = now();
        let value = format!("{client}-{step}");
        let command = match draw / 5 % 3 {
            0 => Command::Add { value: value.as_str().into() },
            1 => Command::All { from: None, limit: None },
            _ => Command::Len,
        };
        let answer = match &command {
            Command::Add { .. } => feed.add(&value).await.map(|eid| Answer::Number(eid.0)),
            Command::Len => feed.len().await.map(Answer::Number),
            _ => {
                let entry =
                    |entry: kvs_feed::Entry<String>| (entry.eid.0, entry.value.as_str().into());
                feed.all(None).map_ok(entry).try_collect().await.map(Answer::Entries)
            }
        };
        let returned = answer.is_ok().then(now);
        let outcome = match answer {
            Ok(answer) => Outcome::Ok(answer),
            Err(error) if error.outcome() == kvs_core::Outcome::NotApplied => Outcome::NotApplied,
            Err(_) => Outcome::Unknown,
        };
        history.lock().unwrap().push(Operation { client, invoked, returned, command, outcome });
        carried = session.to_bytes().unwrap();
        sleep(Duration::from_millis(draw / 15 % 40)).await;
    }
}
