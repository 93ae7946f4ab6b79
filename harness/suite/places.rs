//! A group at all of its places at once: [`carry_out_at_once`].

use futures_util::future::join_all;
use meshbench_core::event::Event;
use meshbench_core::report::ClusterEnvironment;
use meshbench_core::scenario::{CaseLoad, Conditions, MeshName, Scenario};
use meshbench_lab::local::LocalProvider;
use meshbench_lab::mesh::{MeshCatalog, MeshDefinition};
use meshbench_lab::{GroupOutcome, GroupPlan, LimitGroup, LimitsOutcome, Provider, carry_out_blocks};

use crate::baselines::Baselines;
use crate::case_reports::{JudgedCase, definition, group_reports};
use crate::clusters::{ClusterChoice, Clusters, Running};
use crate::discovery::PlannedCase;
use crate::limit_reports::limit_reports;
use crate::stage::carry_out_stages;

/// The cases that run together on one cluster, or on this machine: those of a group, or of several that share their blocks.
pub(crate) struct PlacedGroup<'a> {
    /// The cluster; `None` is this machine.
    pub(crate) cluster: Option<&'a ClusterChoice>,
    /// Those that were asked for.
    pub(crate) members: Vec<&'a PlannedCase>,
}

/// All that runs at a place: its cases, what they are compared with, and the control.
enum Plan<'a> {
    /// One group or more, which share their blocks.
    Blocks(Vec<GroupPlan<'a>>),
    Probes(LimitGroup<'a>),
}

/// What came of it, beside the plan that was carried out.
pub(crate) enum Outcome<'a> {
    /// Of blocks, group by group.
    Blocks(Vec<(GroupPlan<'a>, GroupOutcome)>),
    /// Of the search for limits.
    Probes(LimitGroup<'a>, LimitsOutcome),
}

/// What came of a group at one of its places, or why nothing did, in words.
pub(crate) type PlacedOutcome<'a> = (PlacedGroup<'a>, Result<Outcome<'a>, String>);

/// Carries out a group at all of its places at once, once every cluster is reached. A cluster that cannot be used fails
/// what is on it, in words, and nothing else.
///
/// # Errors
/// Why there is nothing to carry out at any place, in words.
pub(crate) async fn carry_out_at_once<'a>(
    members: &[&'a PlannedCase],
    catalog: &'a MeshCatalog,
    local: &LocalProvider,
    clusters: &mut Clusters,
    running: Running<'_>,
) -> Result<Vec<PlacedOutcome<'a>>, String> {
    let planned: Vec<_> = PlacedGroup::all_of(members)
        .into_iter()
        .map(|place| Ok((place.plan(catalog)?, place)))
        .collect::<Result<_, String>>()?;
    reach(&planned, clusters, running).await;
    let clusters = &*clusters;
    let carried_out = planned.into_iter().map(|(plan, place)| async move {
        let provider = match place.cluster {
            None => Ok(Provider::Local { local, campaign: running.live }),
            Some(choice) => clusters.provider(choice).map(Provider::Kube),
        };
        let outcome = match provider {
            Ok(provider) => Ok(place.carry_out(plan, provider, running).await),
            Err(why) => Err(why),
        };
        (place, outcome)
    });
    Ok(join_all(carried_out).await)
}

/// Reaches the clusters of a group, for every mesh that runs on any of them.
async fn reach(planned: &[(Plan<'_>, PlacedGroup<'_>)], clusters: &mut Clusters, running: Running<'_>) {
    let Some((first, _)) = planned.first() else { return };
    let choices: Vec<_> = planned.iter().filter_map(|(_, place)| place.cluster).collect();
    let mut meshes: Vec<&MeshDefinition> = Vec::new();
    for mesh in planned.iter().flat_map(|(plan, _)| plan.arms().copied()) {
        if !meshes.iter().any(|known| known.name == mesh.name) {
            meshes.push(mesh);
        }
    }
    let Some(scenario) = first.scenario() else { return };
    clusters.reach(&choices, scenario, &meshes, running).await;
}

impl<'a> PlacedGroup<'a> {
    /// The places of these cases, which are of one group.
    fn all_of(members: &[&'a PlannedCase]) -> Vec<Self> {
        let mut places: Vec<Self> = Vec::new();
        for member in members {
            let cluster = member.cluster.as_ref();
            match places.iter_mut().find(|place| place.cluster == cluster) {
                Some(place) => place.members.push(member),
                None => places.push(Self { cluster, members: vec![member] }),
            }
        }
        places
    }

    fn plan(&self, catalog: &'a MeshCatalog) -> Result<Plan<'a>, String> {
        let first = *self.members.first().ok_or("nobody asked for a case")?;
        let (scenario, cluster): (&Scenario, _) = (&first.scenario, first.cluster_of_several());
        let mut groups: Vec<GroupPlan<'a>> = Vec::new();
        for Conditions { load, duration, services } in self.conditions() {
            let of_these =
                |member: &&PlannedCase| member.case.conditions == Conditions { load, duration, services };
            let members: Vec<_> = self.members.iter().copied().filter(of_these).collect();
            let arms = arms(&members, catalog)?;
            match (load, &scenario.limit) {
                (CaseLoad::Rate(rate), _) => {
                    let blocks = 1..=scenario.repeats.get();
                    groups.push(GroupPlan { scenario, cluster, rate, duration, services, arms, blocks });
                }
                (CaseLoad::Limit, Some(limit)) => {
                    return Ok(Plan::Probes(LimitGroup {
                        scenario,
                        cluster,
                        limit,
                        duration,
                        services,
                        arms,
                    }));
                }
                (CaseLoad::Limit, None) => return Err(format!("{} says nothing of a limit", scenario.name)),
            }
        }
        Ok(Plan::Blocks(groups))
    }

    /// What its cases are measured under, each once.
    fn conditions(&self) -> Vec<Conditions> {
        let mut all: Vec<Conditions> = Vec::new();
        for conditions in self.members.iter().map(|member| member.case.conditions) {
            if !all.contains(&conditions) {
                all.push(conditions);
            }
        }
        all
    }

    async fn carry_out(&self, plan: Plan<'a>, provider: Provider<'_>, running: Running<'_>) -> Outcome<'a> {
        let Running { folder, cancelled, progress, .. } = running;
        let cluster = self.members.first().and_then(|member| member.cluster_of_several());
        let mut observe = |event: Event| progress.borrow_mut().observe(cluster, &event);
        match plan {
            Plan::Blocks(plans) => {
                let mut carry_out = async |plans: &[GroupPlan<'_>]| {
                    carry_out_blocks(plans, provider, folder, cancelled, &mut observe).await
                };
                let is_compared = |plan: &GroupPlan<'_>| {
                    let members = self.members.iter();
                    let mut members = members.filter(|member| member.case.conditions == plan.conditions());
                    members.any(|member| member.compared_with().is_some())
                };
                Outcome::Blocks(carry_out_stages(plans, is_compared, &mut carry_out).await)
            }
            Plan::Probes(group) => {
                let outcome = group.carry_out(provider, folder, cancelled, &mut observe).await;
                Outcome::Probes(group, outcome)
            }
        }
    }
}

/// `bare`, the meshes of the cases, and what these are compared with.
fn arms<'a>(
    members: &[&'a PlannedCase],
    catalog: &'a MeshCatalog,
) -> Result<Vec<&'a MeshDefinition>, String> {
    let compared = members.iter().find_map(|member| member.compared_with());
    let mut meshes: Vec<_> = members.iter().map(|member| &member.case.mesh).collect();
    meshes.extend(compared.filter(|old| !meshes.contains(old)));
    let mut arms = vec![definition(catalog, &MeshName::bare())?];
    let others = meshes.into_iter().filter(|mesh| !mesh.is_bare());
    // One that is wrong fails its own trial and takes no other down.
    arms.extend(others.filter_map(|mesh| definition(catalog, mesh).ok()));
    Ok(arms)
}

impl<'a> Plan<'a> {
    fn scenario(&self) -> Option<&'a Scenario> {
        match self {
            Self::Blocks(plans) => plans.first().map(|plan| plan.scenario),
            Self::Probes(group) => Some(group.scenario),
        }
    }

    fn arms(&self) -> impl Iterator<Item = &&'a MeshDefinition> {
        let (plans, group) = match self {
            Self::Blocks(plans) => (plans.as_slice(), None),
            Self::Probes(group) => (&[][..], Some(group)),
        };
        plans.iter().flat_map(|plan| &plan.arms).chain(group.into_iter().flat_map(|group| &group.arms))
    }
}

impl Outcome<'_> {
    /// The reports of its cases.
    pub(crate) fn reports(
        &self,
        members: &[&PlannedCase],
        provider: &LocalProvider,
        baselines: &Baselines,
        cluster: Option<&ClusterEnvironment>,
        share_of_alpha: f64,
    ) -> Vec<JudgedCase> {
        match self {
            Self::Blocks(groups) => {
                let reports = |(plan, outcome): &(GroupPlan<'_>, GroupOutcome)| {
                    group_reports(plan, outcome, members, provider, baselines, cluster, share_of_alpha)
                };
                groups.iter().flat_map(reports).collect()
            }
            Self::Probes(group, outcome) => {
                limit_reports(group, outcome, members, provider, baselines, cluster, share_of_alpha)
            }
        }
    }

    /// The runs that there were, whatever for.
    pub(crate) fn into_measured(self) -> Vec<GroupOutcome> {
        match self {
            Self::Blocks(groups) => groups.into_iter().map(|(_, outcome)| outcome).collect(),
            Self::Probes(_, outcome) => vec![outcome.measured],
        }
    }
}
