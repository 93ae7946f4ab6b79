//! CPU and memory of what is measured.

mod reader;

pub(crate) use reader::{ResourceReader, Watched};
