//! [`MeshesSoFar`]: what the runs of each mesh have come to until now.

use meshbench_core::statistics::median;

use super::words;
use crate::format::{Number, counted};

/// The meshes of a block group in the order of their first run.
#[derive(Debug, Default)]
pub(super) struct MeshesSoFar(Vec<MeshSoFar>);

#[derive(Debug)]
struct MeshSoFar {
    mesh: String,
    p50s_ns: Vec<f64>,
    p99s_ns: Vec<f64>,
    runs: u64,
    most_errors: f64,
}

impl MeshesSoFar {
    /// Adds a run, and says what its mesh has come to: medians over runs, and the worst share of errors.
    pub(super) fn add(
        &mut self,
        mesh: &str,
        p50_ns: Option<u64>,
        p99_ns: Option<u64>,
        error_share: f64,
    ) -> String {
        let index = self.0.iter().position(|known| known.mesh == mesh).unwrap_or_else(|| {
            let mesh = mesh.to_owned();
            self.0.push(MeshSoFar {
                mesh,
                p50s_ns: Vec::new(),
                p99s_ns: Vec::new(),
                runs: 0,
                most_errors: 0.0,
            });
            self.0.len() - 1
        });
        let so_far = &mut self.0[index];
        so_far.runs += 1;
        so_far.p50s_ns.extend(p50_ns.map(|ns| ns as f64));
        so_far.p99s_ns.extend(p99_ns.map(|ns| ns as f64));
        so_far.most_errors = so_far.most_errors.max(error_share);
        so_far.told()
    }
}

impl MeshSoFar {
    fn told(&self) -> String {
        let Self { mesh, p50s_ns, p99s_ns, runs, most_errors } = self;
        let errors = Number::Percent.show(*most_errors);
        let (Some(p50), Some(p99)) = (median(p50s_ns), median(p99s_ns)) else {
            return format!("{mesh}: {}, no success", counted(*runs, "run"));
        };
        let [p50, p99] = [p50, p99].map(|ns| words::duration(ns as u64));
        format!("{mesh}: {}, p50 {p50}, p99 {p99}, {errors} errors", counted(*runs, "run"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mesh_is_told_by_the_medians_of_its_runs() {
        let (bare, envoy) = ("bare", "envoy-tuned");
        let mut so_far = MeshesSoFar::default();
        let told = [
            so_far.add(bare, Some(900_000), Some(3_000_000), 0.0),
            so_far.add(envoy, None, None, 1.0),
            so_far.add(bare, Some(1_100_000), Some(5_000_000), 0.01),
            so_far.add(bare, Some(9_000_000), Some(4_000_000), 0.0),
        ];
        insta::assert_snapshot!(told.join("\n"), @r"
        bare: 1 run, p50 900µs, p99 3.00ms, 0% errors
        envoy-tuned: 1 run, no success
        bare: 2 runs, p50 1.00ms, p99 4.00ms, 1.00% errors
        bare: 3 runs, p50 1.10ms, p99 4.00ms, 1.00% errors
        ");
    }
}
