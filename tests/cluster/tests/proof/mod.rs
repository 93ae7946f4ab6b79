//! The trials by subject, and what they share.

pub(crate) mod admission;
pub(crate) mod cleanup;
pub(crate) mod machine;
pub(crate) mod nodes;
pub(crate) mod statistics;
pub(crate) mod support;
pub(crate) mod workload;
