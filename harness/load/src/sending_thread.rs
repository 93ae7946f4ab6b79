//! A thread that runs a worker: [`SendingThread`], which stays to be read after its work is done.

use std::io;
use std::sync::mpsc;
use std::thread::{self, JoinHandle};

use rustix::thread::{Pid, gettid};

use crate::error::RunError;
use crate::worker::{Session, Worker};

/// A worker's thread. It ends only in [`Self::join`], because the counters of a thread that has ended cannot be read.
#[derive(Debug)]
pub(crate) struct SendingThread {
    id: Pid,
    thread: JoinHandle<io::Result<()>>,
    /// Dropped to let the thread end.
    keep_alive: mpsc::Sender<()>,
}

impl SendingThread {
    /// Starts `worker`, which is the run's number `index`.
    pub(crate) fn start<S: Session>(index: usize, worker: Worker<S>) -> Result<Self, RunError> {
        let (keep_alive, released) = mpsc::channel();
        let (tell_id, id) = mpsc::channel();
        let work = move || {
            // The receiver waits right below.
            let _ = tell_id.send(gettid());
            let ended = worker.run();
            // Nothing is ever sent: this returns when the other end is dropped.
            let _ = released.recv();
            ended
        };
        let builder = thread::Builder::new().name(format!("sender-{index}"));
        let thread = builder.spawn(work).map_err(RunError::Engine)?;
        let id = id.recv().map_err(|_| RunError::Thread)?;
        Ok(Self { id, thread, keep_alive })
    }

    /// The kernel's id of the thread.
    pub(crate) fn id(&self) -> Pid {
        self.id
    }

    /// Waits for the worker, and ends the thread.
    pub(crate) fn join(self) -> Result<(), RunError> {
        drop(self.keep_alive);
        self.thread.join().map_err(|_| RunError::Thread)?.map_err(RunError::Engine)
    }
}
