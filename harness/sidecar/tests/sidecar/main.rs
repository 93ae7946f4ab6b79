//! Sidecars in this process, on real sockets, between a real client and a real application.

#![expect(clippy::panic, clippy::unwrap_used, reason = "the whole crate is tests, helpers included")]

mod carry;
mod inject;
mod recover;
mod refuse;
mod support;
