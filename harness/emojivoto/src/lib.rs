//! The benchmarked workload: Emojivoto, wire-compatible with upstream's `emojivoto.v1`.
//!
//! Three roles in one binary, a process each: [`web`] answers HTTP and asks [`emoji`] and
//! [`voting`] over gRPC. Each request to `web` costs a known number of gRPC calls:
//!
//! | path | calls |
//! |---|---|
//! | `/`, `/leaderboard` | 0 |
//! | `/api/list` | 1: `ListAll` |
//! | `/api/vote?choice=…` | 2: `FindByShortcode`, then the emoji's own `Vote…` |
//! | `/api/leaderboard` | 1 + distinct emoji voted for: `Results`, then `FindByShortcode` one after the other |
//!
//! [`run()`] is the whole program; [`start`] is one role inside a runtime.

pub mod catalog;
pub mod cli;
pub mod emoji;
mod metrics;
mod reply;
mod role;
mod run;
mod serve;
pub mod voting;
pub mod web;
mod wire;

pub use role::{RoleError, Running, start};
pub use run::run;
pub use serve::ListenError;
