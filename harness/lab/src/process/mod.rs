//! Processes on this machine: starting, placing, ending, and sweeping after a crash.

mod ask;
mod component;
mod live;
mod placement;
mod ports;

pub(crate) use ask::ask;
pub use component::{Component, ComponentError, ComponentSpec, LogTail};
pub use live::{CAMPAIGN_VARIABLE, LiveCampaign, Swept, sweep};
pub use placement::{Placement, move_this_thread};
pub use ports::ReservedPort;
