//! Beyond these a number is a slip of the finger: no run of it could end, or fit on any machine.

/// Copies of the application, each of three processes and as many sidecars.
pub(super) const MOST_APPS: &str = "1000";
/// All from one address, which has no more ports than this.
pub(super) const MOST_CONNECTIONS: &str = "60000";
/// Blocks of a campaign.
pub(super) const MOST_BLOCKS: &str = "1000";
/// Ten times what one machine's loopback carries.
pub(super) const HIGHEST_RATE: &str = "10000000rps";
/// Of a sweep: each is a case for every mesh.
pub(super) const MOST_RATES_OF_A_SWEEP: usize = 100;
/// Closer together than 2%, no two rates differ.
pub(super) const MOST_STEPS_PER_DECADE: &str = "100";
/// Reading every container takes about a millisecond: more often, and the reader is what is measured.
pub(super) const SHORTEST_INTERVAL: &str = "10ms";
/// No answer comes sooner.
pub(super) const SHORTEST_TIMEOUT: &str = "1ms";
/// A window in which anything can be due.
pub(super) const SHORTEST_WINDOW: &str = "100ms";
/// A window or warm-up.
pub(super) const LONGEST: &str = "7days";
/// Rates that are closer are not told apart by any number of probes: no machine repeats itself that well.
pub(super) const FINEST_PRECISION: &str = "1%";
/// A coarser answer is none.
pub(super) const COARSEST_PRECISION: &str = "50%";
/// More fresh runs tell nothing new.
pub(super) const MOST_CONFIRMATIONS: &str = "20";
/// Where more may fail, everything is held.
pub(super) const MOST_ERRORS_OF_A_LIMIT: &str = "50%";
/// As where less must be achieved.
pub(super) const LEAST_ACHIEVED_OF_A_LIMIT: &str = "50%";
/// An answer that comes after the window's edge is enough to miss more.
pub(super) const MOST_ACHIEVED_OF_A_LIMIT: &str = "99.9%";
/// A name is part of file names, which hold 255 bytes.
pub(super) const LONGEST_NAME: usize = 100;
/// Above these no change would ever be noticed.
pub(super) const HIGHEST_LATENCY_FLOOR: &str = "1s";
/// A floor of CPU time per request.
pub(super) const HIGHEST_CPU_FLOOR: &str = "10ms";
/// A floor of memory.
pub(super) const HIGHEST_MEMORY_FLOOR: &str = "10GiB";
/// Pods of the load generator; each carries tens of thousands of requests a second.
pub(super) const MOST_GENERATORS: &str = "100";
/// What a service asks for, in thousandths of a core; no node has as many cores.
pub(super) const MOST_MILLICORES: &str = "1000000";
/// A step of a run on a cluster that takes longer will not end.
pub(super) const LONGEST_STEP: &str = "1day";
