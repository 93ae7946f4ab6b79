//! Beyond these a number is a slip of the finger: no run of it could end, or fit on any machine.

/// Copies of the application, each of three processes and as many sidecars.
pub(super) const MOST_APPS: &str = "1000";
/// All from one address, which has no more ports than this.
pub(super) const MOST_CONNECTIONS: &str = "60000";
/// Blocks of a campaign.
pub(super) const MOST_BLOCKS: &str = "1000";
/// Ten times what one machine's loopback carries.
pub(super) const HIGHEST_RATE: &str = "10000000rps";
/// A window or warm-up.
pub(super) const LONGEST: &str = "7days";
