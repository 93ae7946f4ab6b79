//! CPU and memory of what is measured.

mod core_time;
mod reader;

pub(crate) use core_time::CoreTime;
pub(crate) use reader::{ResourceReader, Watched};
