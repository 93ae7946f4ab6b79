//! Processes on this machine: starting, placing, ending, and sweeping after a crash.

mod ask;
mod component;
mod errand;
mod live;
mod placement;
mod pledge;
mod ports;

pub(crate) use ask::ask;
pub use component::{Component, ComponentError, ComponentSpec, LogTail};
pub use errand::{Errand, ErrandError};
pub use live::{CAMPAIGN_VARIABLE, LiveCampaign, Swept, sweep};
pub use placement::{Placement, move_this_thread};
pub use pledge::Pledge;
pub use ports::ReservedPort;
