//! The built-in reference sidecar: mutual TLS at a known cost, with injectable delay, CPU and errors.
//!
//! One way through: [`cli::run`] reads a [`SidecarConfig`], [`Sidecar::bind`] opens every listener,
//! [`Sidecar::serve`] accepts; each request then passes `proxy` (inject, strip hop-by-hop headers, count)
//! and `upstream` (pooled connections, in TLS towards peers, plain towards the application).

pub mod cli;

mod admin;
mod body;
mod config;
mod counters;
mod error;
mod headers;
mod identity;
mod injection;
mod listener;
mod proxy;
mod sidecar;
mod tls;
mod upstream;

pub use config::{InboundConfig, OutboundConfig, Protocol, SidecarConfig};
pub use error::SidecarError;
pub use identity::{IdentityError, SpiffeId};
pub use injection::{Delay, DirectionInjections, Injections, SettingError, Share, ShareOfRequests, Uniform};
pub use sidecar::Sidecar;
