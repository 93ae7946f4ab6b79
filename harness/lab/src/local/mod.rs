//! The provider `local`: real processes on this machine, on loopback, on ports the kernel chose.

mod data_path;
mod deployment;
mod generator;
mod mutual_tls;
mod run;
mod topology;

pub use run::LocalProvider;
pub(crate) use run::measure_arm;
