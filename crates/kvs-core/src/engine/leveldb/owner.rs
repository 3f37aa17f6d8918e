//! The thread that owns the database.
//!
//! rusty-leveldb is for one thread. This one does what it is asked, one job after another; those who
//! ask wait for the answer.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use super::Failure;
use super::database::Database;

/// Jobs that may wait; who comes with one more waits before asking.
const JOBS_MAX: usize = 64;

type Job = Box<dyn FnOnce(&mut Database) + Send>;

/// A handle of the thread; it ends, with the database closed, when this is dropped.
pub(super) struct Owner {
    jobs: Option<SyncSender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl Owner {
    /// Starts the thread, which opens the database first.
    pub(super) fn start(
        open: impl FnOnce() -> Result<Database, Failure> + Send + 'static,
    ) -> Result<Self, Failure> {
        let (jobs, asked) = sync_channel(JOBS_MAX);
        let (opened, answer) = sync_channel(1);
        let thread = std::thread::Builder::new().name("leveldb".to_owned()).spawn(move || {
            let database = open();
            let (database, result) = match database {
                Ok(database) => (Some(database), Ok(())),
                Err(error) => (None, Err(error)),
            };
            let _ = opened.send(result);
            if let Some(database) = database {
                work(database, &asked);
            }
        })?;
        let owner = Self { jobs: Some(jobs), thread: Some(thread) };
        answer.recv().map_err(|_gone| stopped())??;
        Ok(owner)
    }

    /// Has a job done and waits for its answer.
    pub(super) fn ask<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Database) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        let (answer, answered) = sync_channel(1);
        self.tell(move |database| {
            let done = database.check().and_then(|()| job(database));
            // What was read before a failure is not to be trusted.
            let done = done.and_then(|done| database.check().map(|()| done));
            let _ = answer.send(done);
        });
        answered.recv().map_err(|_gone| stopped())?
    }

    /// Has a job done, sooner or later.
    pub(super) fn tell(&self, job: impl FnOnce(&mut Database) + Send + 'static) {
        if let Some(jobs) = &self.jobs {
            // If the thread is gone, so is all that the job could be about.
            let _ = jobs.send(Box::new(job));
        }
    }
}

fn work(mut database: Database, asked: &Receiver<Job>) {
    while let Ok(job) = asked.recv() {
        job(&mut database);
    }
}

fn stopped() -> Failure {
    "LevelDB panicked and has stopped; open the store again".into()
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            // It may have panicked; who asked was told.
            let _ = thread.join();
        }
    }
}
