//! [`Collapse`]: the first rate that a mesh could not carry, above which a sweep may stop.

use std::fmt;

use crate::judge::Verdict;
use crate::metric::Metric;
use crate::report::CaseReport;
use crate::scenario::{Case, CaseLoad, Conditions, MeshName, Scenario};
use crate::units::OfferedRate;
use crate::validity::{LEAST_ACHIEVED_SHARE, MOST_ERROR_SHARE};

/// A mesh at a rate that it could not carry: in half of its runs or more, less than 99% of it were achieved, or more than
/// 1% of the requests failed, while `bare` kept it in the same blocks.
///
/// `bare` collapses too, where the machine, the application or the load generator gives out before any mesh does.
#[derive(Debug, Clone, PartialEq)]
pub struct Collapse {
    mesh: MeshName,
    rate: OfferedRate,
    achieved_share: f64,
    error_share: f64,
}

impl Collapse {
    /// What keeps a case of a scenario that stops at collapse from being run: the collapse of its mesh, of the version that
    /// this is compared with, or of `bare`, at the lowest rate where the `reports` have one; `None` where nothing does. Of a
    /// case on several clusters it is what happened on its own, `cluster`, that counts.
    #[must_use]
    pub fn stopping(
        case: &Case,
        cluster: Option<&str>,
        scenario: &Scenario,
        reports: &[CaseReport],
    ) -> Option<Self> {
        let CaseLoad::Rate(offered) = case.conditions.load else { return None };
        if !scenario.stop_at_collapse {
            return None;
        }
        let compare = scenario.compare.as_ref().filter(|compare| compare.new == case.mesh);
        let old = compare.map(|compare| compare.old.clone());
        let meshes: Vec<_> = [MeshName::bare(), case.mesh.clone()].into_iter().chain(old).collect();
        let mut lower: Vec<_> = scenario.rates.iter().copied().filter(|rate| *rate < offered).collect();
        lower.sort_unstable();
        let reports: Vec<_> =
            reports.iter().filter(|report| report.cluster_of_several() == cluster).collect();
        lower.into_iter().find_map(|rate| {
            let conditions = Conditions { load: CaseLoad::Rate(rate), ..case.conditions };
            let at = |mesh: &MeshName| Case { mesh: mesh.clone(), conditions, ..case.clone() };
            // `bare` comes first: where it does not keep the rate either, that says nothing of a mesh.
            meshes.iter().find_map(|mesh| Self::of(&at(mesh), rate, &reports))
        })
    }

    fn of(case: &Case, rate: OfferedRate, reports: &[&CaseReport]) -> Option<Self> {
        let name = case.to_string();
        let report = reports.iter().find(|report| report.name_anywhere() == name)?;
        // An invalid case counts: a disturbance that `bare` kept the rate in is no excuse for the mesh.
        let is_broken = matches!(report.verdict, Verdict::Error { .. });
        let median = |metric| report.metric(metric).map(|metric| metric.median);
        let (achieved_share, error_share) = (median(Metric::AchievedShare)?, median(Metric::ErrorShare)?);
        let is_carried = achieved_share >= LEAST_ACHIEVED_SHARE && error_share <= MOST_ERROR_SHARE;
        let mesh = case.mesh.clone();
        (!is_broken && !is_carried).then_some(Self { mesh, rate, achieved_share, error_share })
    }

    /// Why a case of this mesh is not run, in a sentence.
    #[must_use]
    pub fn reason(&self, mesh: &MeshName) -> String {
        let Self { mesh: collapsed, rate, .. } = self;
        match () {
            () if collapsed.is_bare() => format!(
                "bare itself collapsed at {rate} ({self}): this is the limit of the machine, the application or the load \
                 generator, and above it nothing can be said of a mesh"
            ),
            () if collapsed == mesh => format!("collapsed at {rate} ({self}), while bare kept it"),
            () => format!("{collapsed}, which {mesh} is compared with, collapsed at {rate} ({self})"),
        }
    }
}

/// What was seen at that rate.
impl fmt::Display for Collapse {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percent = |share: f64| share * 100.0;
        let (achieved, failed) = (percent(self.achieved_share), percent(self.error_share));
        write!(formatter, "achieved {achieved:.1}% of it, {failed:.1}% of requests failed")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::judge;
    use crate::judge::tests::run;
    use crate::recording::ErrorKind;
    use crate::report::CaseHeading;
    use crate::scenario::Known;
    use rstest::rstest;

    const REQUESTS: u64 = 5_000;

    fn scenario(more: &str) -> Scenario {
        let text = format!(
            "description: A sweep.\ntier: full\nprovider: local\nmeshes: [old, new]\ndurations: [10s]\n\
             rates: {{from: 100rps, to: 500rps, step: 100rps, stop_at_collapse: true}}\n{more}"
        );
        let meshes = ["old", "new"].map(|mesh| mesh.parse().unwrap());
        let known = Known { meshes: &meshes, emoji: &[":flushed:", ":policeman:"] };
        Scenario::parse("sweep.yaml", "sweep", &text, known).unwrap()
    }

    fn case(mesh: &str, rate: &str) -> Case {
        let (load, duration) = (CaseLoad::Rate(rate.parse().unwrap()), "10s".parse().unwrap());
        let conditions = Conditions { load, duration, services: None };
        Case { scenario: "sweep".to_owned(), mesh: mesh.parse().unwrap(), conditions }
    }

    /// A mesh that achieved this share at a rate, and failed this share of the requests.
    fn report(mesh: &str, rate: &str, achieved: f64, failed: f64) -> CaseReport {
        let mut run = run(mesh, 2);
        run.recording.achieved_rate *= achieved;
        let errors = (REQUESTS as f64 * failed) as u64;
        run.recording.errors.insert(ErrorKind::Timeout, errors);
        run.recording.successes -= errors;
        let heading = CaseHeading {
            name: case(mesh, rate).to_string(),
            group: format!("sweep::{rate}::10s"),
            mesh: mesh.to_owned(),
            cluster: None,
            mesh_version: String::new(),
            executable: None,
            selected: true,
        };
        let bare = self::run("bare", 2);
        let judgement = judge(&run.mesh, &[&run], &[&bare], &Default::default(), None, Vec::new());
        CaseReport::new(heading, &[&run], &[&bare], judgement)
    }

    fn reason(mesh: &str, rate: &str, more: &str, reports: &[CaseReport]) -> Option<String> {
        let case = case(mesh, rate);
        Some(Collapse::stopping(&case, None, &scenario(more), reports)?.reason(&case.mesh))
    }

    #[rstest]
    #[case::kept(0.99, 0.01, None)]
    #[case::short(
        0.813,
        0.0,
        Some("collapsed at 200rps (achieved 81.3% of it, 0.0% of requests failed), while bare kept it")
    )]
    #[case::failing(
        1.0,
        0.02,
        Some("collapsed at 200rps (achieved 100.0% of it, 2.0% of requests failed), while bare kept it")
    )]
    fn a_mesh_stops_above_the_first_rate_that_it_could_not_carry(
        #[case] achieved: f64,
        #[case] failed: f64,
        #[case] said: Option<&str>,
    ) {
        let reports = [
            report("new", "100rps", 1.0, 0.0),
            report("bare", "200rps", 1.0, 0.0),
            report("new", "200rps", achieved, failed),
            report("new", "300rps", 0.1, 0.9),
        ];
        assert_eq!(reason("new", "200rps", "", &reports), None, "it has been run");
        let above = reason("new", "300rps", "", &reports);
        assert_eq!(above.as_deref(), said);
        assert_eq!(reason("old", "500rps", "", &reports), None, "others go on");
        if said.is_some() {
            assert_eq!(reason("new", "500rps", "", &reports), above, "the lowest is named");
        }
    }

    #[test]
    fn where_bare_collapses_nobody_goes_on() {
        let reports = [report("new", "200rps", 0.5, 0.0), report("bare", "200rps", 0.9, 0.0)];
        for mesh in ["bare", "old", "new"] {
            let said = reason(mesh, "300rps", "", &reports).unwrap();
            assert!(said.starts_with("bare itself collapsed at 200rps (achieved 90.0% of it"), "{said}");
        }
    }

    #[test]
    fn nothing_is_compared_with_a_version_that_collapsed() {
        let compare = "repeats: 8\ncompare: {old: old, new: new}\n";
        let reports = [report("old", "200rps", 0.5, 0.0)];
        let said = reason("new", "300rps", compare, &reports).unwrap();
        assert!(said.starts_with("old, which new is compared with, collapsed at 200rps"), "{said}");
        assert_eq!(reason("new", "300rps", "", &reports), None);
    }

    #[test]
    fn a_collapse_on_one_of_several_clusters_stops_nobody_on_the_others() {
        let on = |context: &str, report: CaseReport| CaseReport {
            name: format!("{}@{context}", report.name),
            cluster: Some(context.to_owned()),
            ..report
        };
        let reports = [
            on("east", report("new", "200rps", 0.5, 0.0)),
            on("west", report("new", "200rps", 1.0, 0.0)),
            on("west", report("new", "300rps", 0.5, 0.0)),
        ];
        let stops = |cluster, rate| {
            Collapse::stopping(&case("new", rate), cluster, &scenario(""), &reports).is_some()
        };
        assert_eq!(
            [Some("east"), Some("west"), None].map(|cluster| stops(cluster, "300rps")),
            [true, false, false]
        );
        assert!(stops(Some("west"), "400rps"));
    }

    #[rstest]
    #[case::invalid(Verdict::Invalid { reasons: Vec::new() }, true)]
    #[case::broken(Verdict::Error { causes: Vec::new() }, false)]
    fn a_case_that_could_not_be_carried_out_stops_none(#[case] verdict: Verdict, #[case] stops: bool) {
        let reports = [CaseReport { verdict, ..report("new", "200rps", 0.5, 0.0) }];
        assert_eq!(reason("new", "300rps", "", &reports).is_some(), stops);
    }

    #[test]
    fn only_a_scenario_that_says_so_stops() {
        let reports = [report("new", "200rps", 0.5, 0.0)];
        let going_on = Scenario { stop_at_collapse: false, ..scenario("") };
        assert_eq!(Collapse::stopping(&case("new", "300rps"), None, &going_on, &reports), None);
    }
}
