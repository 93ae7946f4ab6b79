//! [`Injector`]: delay, CPU time and errors added to requests on purpose, to calibrate the judge.

mod burn;
mod decision;
mod pause;
mod server;
mod settings;

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use decision::Decision;
use pause::Pauser;
use server::Server;
pub use settings::{Delay, DirectionInjections, Injections, SettingError, Share, ShareOfRequests, Uniform};

/// What becomes of a request after its injections.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It goes on to the upstream.
    Forward,
    /// It is answered with an error at once.
    Fail,
}

/// Applies one direction's injections to request after request.
#[derive(Debug)]
pub(crate) struct Injector {
    settings: DirectionInjections,
    seed: u64,
    next_request: AtomicU64,
    pauser: Pauser,
    server: Option<Server>,
}

impl Injector {
    /// `seed` fixes every decision of this injector, in the order in which requests arrive.
    pub(crate) fn new(settings: DirectionInjections, seed: u64) -> Self {
        let server = Server::of(&settings);
        Self { settings, seed, next_request: AtomicU64::new(0), pauser: Pauser::default(), server }
    }

    /// Delays and burns as decided for the next request, and says whether to forward it.
    pub(crate) async fn apply(&self) -> io::Result<Fate> {
        let request_index = self.next_request.fetch_add(1, Ordering::Relaxed);
        let Decision { fail, delay, cpu_burn } = Decision::of(&self.settings, self.seed, request_index);
        if fail {
            return Ok(Fate::Fail);
        }
        if !delay.is_zero() {
            self.pauser.pause(delay).await?;
        }
        if let Some(server) = &self.server {
            let now = Instant::now();
            let Some(done) = server.admit(now) else { return Ok(Fate::Fail) };
            let wait = done.saturating_duration_since(now);
            if !wait.is_zero() {
                self.pauser.pause(wait).await?;
            }
        }
        if !cpu_burn.is_zero() {
            burn::burn_cpu(cpu_burn)?;
        }
        Ok(Fate::Forward)
    }
}
