//! What must be the same for two campaigns to be compared: [`Fingerprint`].

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::histogram::LatencyHistogram;
use crate::report::{ClusterEnvironment, Environment};

/// By how much of itself memory may differ and still be the same machine's.
///
/// What the kernel reports is what firmware, crash kernel and the kernel's own tables leave of what is built in, and that
/// changes by a hundredth or two from one boot or kernel to the next. Machines that really differ do so by a quarter at the
/// least.
const MEMORY_TOLERANCE: f64 = 0.05;

/// The machine, the instrument and the load behind a case's numbers: everything that would change them if it changed,
/// other than the mesh itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Fingerprint {
    /// The processor's name.
    pub cpu_model: String,
    /// How many cores the campaign could use.
    pub cores: u32,
    /// Total memory, in bytes.
    pub memory_bytes: u64,
    /// The kernel's release.
    pub kernel: String,
    /// What is between the kernel and the hardware, for example `virtual machine (QEMU)`; `none` where nothing is.
    pub virtualisation: String,
    /// Where generator and measured processes ran, for example `local: generator on [1], measured on [0]`, by the numbers of cores.
    pub topology: String,
    /// The version of the load generator, and whether it was built with optimisations.
    pub generator: String,
    /// The configuration of the latency histograms.
    pub histogram: String,
    /// The offered rate, as in the scenario.
    pub rate: String,
    /// The measured window, as in the scenario.
    pub duration: String,
}

/// A field in which two fingerprints differ; displayed as `the kernel was 6.12.1 and is 6.18.0`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// What differs, in words.
    pub what: &'static str,
    /// What it was.
    pub was: String,
    /// What it is.
    pub is: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, was, is } = self;
        write!(formatter, "the {what} was {was} and is {is}")
    }
}

impl Fingerprint {
    /// That of a campaign's cases of one rate and duration: of the cluster where they ran on one, of the machine otherwise.
    #[must_use]
    pub fn of(
        environment: &Environment,
        cluster: Option<&ClusterEnvironment>,
        rate: impl fmt::Display,
        duration: impl fmt::Display,
    ) -> Self {
        let machine = Self::of_machine(environment, rate, duration);
        match cluster {
            None => machine,
            Some(cluster) => Self {
                cpu_model: cluster.distinct(|node| &node.machine),
                cores: cluster.cores(),
                memory_bytes: cluster.memory_bytes(),
                kernel: cluster.distinct(|node| &node.kernel),
                virtualisation: format!(
                    "Kubernetes {}, {}",
                    cluster.version,
                    cluster.distinct(|node| &node.runtime)
                ),
                topology: cluster.topology(),
                ..machine
            },
        }
    }

    fn of_machine(environment: &Environment, rate: impl fmt::Display, duration: impl fmt::Display) -> Self {
        let Environment { generator_cores, measured_cores, meshbench_version, .. } = environment;
        let shared = generator_cores.iter().filter(|core| measured_cores.contains(core)).count();
        let cores = generator_cores.len() + measured_cores.len() - shared;
        let build = if environment.optimised { "" } else { ", not optimised" };
        Self {
            cpu_model: environment.cpu_model.clone(),
            cores: u32::try_from(cores).unwrap_or(u32::MAX),
            memory_bytes: environment.memory_bytes,
            kernel: environment.kernel.clone(),
            virtualisation: environment.virtualisation.clone(),
            topology: format!("local: generator on {generator_cores:?}, measured on {measured_cores:?}"),
            generator: format!("meshbench-load {meshbench_version}{build}"),
            histogram: LatencyHistogram::configuration(),
            rate: rate.to_string(),
            duration: duration.to_string(),
        }
    }

    /// Every field in which `now` is not what this was; none where numbers of the two can be compared.
    ///
    /// All texts must be equal, for nobody knows what a kernel's last digit changed. Memory may differ by a twentieth.
    #[must_use]
    pub fn differences(&self, now: &Self) -> Vec<Difference> {
        let differs = |what, was: &str, is: &str| {
            (was != is).then(|| Difference { what, was: was.to_owned(), is: is.to_owned() })
        };
        let memory = || Difference {
            what: "memory",
            was: gibibytes(self.memory_bytes),
            is: gibibytes(now.memory_bytes),
        };
        let found = [
            differs("processor", &self.cpu_model, &now.cpu_model),
            differs("number of cores", &self.cores.to_string(), &now.cores.to_string()),
            (!is_same_memory(self.memory_bytes, now.memory_bytes)).then(memory),
            differs("kernel", &self.kernel, &now.kernel),
            differs("virtualisation", &self.virtualisation, &now.virtualisation),
            differs("topology", &self.topology, &now.topology),
            differs("load generator", &self.generator, &now.generator),
            differs("histogram configuration", &self.histogram, &now.histogram),
            differs("offered rate", &self.rate, &now.rate),
            differs("duration", &self.duration, &now.duration),
        ];
        found.into_iter().flatten().collect()
    }

    /// The folder of the baselines that campaigns like this one are compared with: what rarely changes about a machine, in
    /// a name that can be read, for example `local-amd-epyc-2-cores`. What else differs is named when it is compared.
    #[must_use]
    pub fn environment_class(&self) -> String {
        let provider = self.topology.split(':').next().unwrap_or_default();
        let words = format!("{provider} {} {} cores", self.cpu_model, self.cores);
        let plain = |character: char| {
            let lower = character.to_ascii_lowercase();
            if lower.is_ascii_alphanumeric() { lower } else { ' ' }
        };
        let words: String = words.chars().map(plain).collect();
        words.split_whitespace().collect::<Vec<_>>().join("-")
    }
}

fn is_same_memory(was: u64, is: u64) -> bool {
    was.abs_diff(is) as f64 <= was.max(is) as f64 * MEMORY_TOLERANCE
}

fn gibibytes(bytes: u64) -> String {
    format!("{:.1}GiB", bytes as f64 / 1_073_741_824.0)
}

#[cfg(test)]
pub(crate) mod tests {
    use rstest::rstest;

    use super::*;

    pub(crate) fn fingerprint() -> Fingerprint {
        Fingerprint {
            cpu_model: "AMD EPYC 7B13".to_owned(),
            cores: 2,
            memory_bytes: 8 << 30,
            kernel: "6.12.1".to_owned(),
            virtualisation: "virtual machine (QEMU)".to_owned(),
            topology: "local: generator on [1], measured on [0]".to_owned(),
            generator: "meshbench-load 0.1.0".to_owned(),
            histogram: "1..3600000000000 ns with 3 digits".to_owned(),
            rate: "500rps".to_owned(),
            duration: "10s".to_owned(),
        }
    }

    #[rstest]
    #[case::processor(|now: &mut Fingerprint| now.cpu_model = "Xeon".into(), "the processor was AMD EPYC 7B13 and is Xeon")]
    #[case::cores(|now: &mut Fingerprint| now.cores = 4, "the number of cores was 2 and is 4")]
    #[case::memory(|now: &mut Fingerprint| now.memory_bytes = 16 << 30, "the memory was 8.0GiB and is 16.0GiB")]
    #[case::kernel(|now: &mut Fingerprint| now.kernel = "6.12.2".into(), "the kernel was 6.12.1 and is 6.12.2")]
    #[case::virtualisation(|now: &mut Fingerprint| now.virtualisation = "none".into(), "the virtualisation was virtual machine (QEMU) and is none")]
    #[case::topology(|now: &mut Fingerprint| now.topology = "local: generator on [0], measured on [0]".into(), "the topology was local: generator on [1], measured on [0] and is local: generator on [0], measured on [0]")]
    #[case::generator(|now: &mut Fingerprint| now.generator = "meshbench-load 0.2.0".into(), "the load generator was meshbench-load 0.1.0 and is meshbench-load 0.2.0")]
    #[case::histogram(|now: &mut Fingerprint| now.histogram = "other".into(), "the histogram configuration was 1..3600000000000 ns with 3 digits and is other")]
    #[case::rate(|now: &mut Fingerprint| now.rate = "600rps".into(), "the offered rate was 500rps and is 600rps")]
    #[case::duration(|now: &mut Fingerprint| now.duration = "1m".into(), "the duration was 10s and is 1m")]
    fn every_field_is_named(#[case] change: fn(&mut Fingerprint), #[case] said: &str) {
        let mut now = fingerprint();
        change(&mut now);
        let differences: Vec<_> = fingerprint().differences(&now).iter().map(ToString::to_string).collect();
        assert_eq!(differences, [said]);
    }

    #[test]
    fn memory_that_a_boot_withholds_makes_no_other_machine() {
        let now = Fingerprint { memory_bytes: (8 << 30) - (200 << 20), ..fingerprint() };
        assert_eq!(fingerprint().differences(&now), []);
        assert_eq!(now.differences(&fingerprint()), []);
    }

    #[rstest]
    #[case("AMD EPYC 7B13", "local-amd-epyc-7b13-2-cores")]
    #[case("Intel(R) Xeon(R) CPU @ 2.20GHz", "local-intel-r-xeon-r-cpu-2-20ghz-2-cores")]
    #[case("../../etc", "local-etc-2-cores")]
    fn a_class_is_a_folder_name_whatever_the_processor_is_called(#[case] model: &str, #[case] class: &str) {
        let fingerprint = Fingerprint { cpu_model: model.to_owned(), ..fingerprint() };
        assert_eq!(fingerprint.environment_class(), class);
    }
}
