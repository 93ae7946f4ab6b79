//! A block group at all of its places at once: [`carry_out_at_once`].

use futures_util::future::join_all;
use meshbench_core::event::Event;
use meshbench_core::scenario::MeshName;
use meshbench_lab::kube::Wanted;
use meshbench_lab::local::LocalProvider;
use meshbench_lab::mesh::{KubeMesh, MeshCatalog};
use meshbench_lab::{GroupOutcome, GroupPlan, Provider};

use crate::case_reports::definition;
use crate::clusters::{ClusterChoice, Clusters, Running};
use crate::discovery::PlannedCase;
use crate::stage::carry_out_stages;

/// The cases of a block group on one cluster, or on this machine.
pub(crate) struct PlacedGroup<'a> {
    /// The cluster; `None` is this machine.
    pub(crate) cluster: Option<&'a ClusterChoice>,
    /// Those that were asked for.
    pub(crate) members: Vec<&'a PlannedCase>,
    /// All that runs: theirs, what they are compared with, and the control.
    pub(crate) plan: GroupPlan<'a>,
}

impl<'a> PlacedGroup<'a> {
    /// The places of these cases, which are of one group.
    ///
    /// # Errors
    /// Why there is no control, in words.
    pub(crate) fn of(catalog: &'a MeshCatalog, members: &[&'a PlannedCase]) -> Result<Vec<Self>, String> {
        let mut clusters: Vec<Option<&ClusterChoice>> = Vec::new();
        for member in members {
            if !clusters.contains(&member.cluster.as_ref()) {
                clusters.push(member.cluster.as_ref());
            }
        }
        let place = |cluster| {
            let is_here = |member: &&&PlannedCase| member.cluster.as_ref() == cluster;
            Self::at(catalog, members.iter().filter(is_here).copied().collect())
        };
        clusters.into_iter().filter_map(|cluster| place(cluster).transpose()).collect()
    }

    fn at(catalog: &'a MeshCatalog, members: Vec<&'a PlannedCase>) -> Result<Option<Self>, String> {
        let Some(&first) = members.first() else { return Ok(None) };
        let compared = members.iter().find_map(|member| member.compared_with());
        let mut meshes: Vec<_> = members.iter().map(|member| &member.case.mesh).collect();
        meshes.extend(compared.filter(|old| !meshes.contains(old)));
        let mut arms = vec![definition(catalog, &MeshName::bare())?];
        let others = meshes.into_iter().filter(|mesh| !mesh.is_bare());
        // One that is wrong fails its own trial and takes no other down.
        arms.extend(others.filter_map(|mesh| definition(catalog, mesh).ok()));
        let plan = GroupPlan {
            scenario: &first.scenario,
            cluster: first.cluster_of_several(),
            rate: first.case.rate,
            duration: first.case.duration,
            arms,
            blocks: 1..=first.scenario.repeats.get(),
        };
        Ok(Some(Self { cluster: first.cluster.as_ref(), members, plan }))
    }

    async fn carry_out(self, provider: Provider<'_>, running: Running<'_>) -> (Self, GroupOutcome) {
        let cluster = self.plan.cluster;
        let mut observe = |event: Event| running.progress.borrow_mut().observe(cluster, &event);
        let mut carry_out = async |plan: &GroupPlan<'_>| {
            plan.carry_out(provider, running.folder, running.cancelled, &mut observe).await
        };
        let is_compared = self.members.iter().any(|member| member.compared_with().is_some());
        let (plan, outcome) = carry_out_stages(self.plan, is_compared, &mut carry_out).await;
        (Self { plan, ..self }, outcome)
    }
}

/// Carries out a group at all of its places at once, once every cluster is reached. A cluster that cannot be used fails
/// what is on it, in words, and nothing else.
pub(crate) async fn carry_out_at_once<'a>(
    places: Vec<PlacedGroup<'a>>,
    local: &LocalProvider,
    clusters: &mut Clusters,
    running: Running<'_>,
) -> Vec<(PlacedGroup<'a>, Result<GroupOutcome, String>)> {
    let choices: Vec<_> = places.iter().filter_map(|place| place.cluster).collect();
    if let Some(place) = places.first() {
        let arms = places.iter().flat_map(|place| &place.plan.arms);
        let meshes: Vec<&KubeMesh> = arms.filter_map(|mesh| mesh.kube.as_ref()).collect();
        clusters.reach(&choices, &Wanted::of(place.plan.scenario, &meshes), running).await;
    }
    let clusters = &*clusters;
    let carried_out = places.into_iter().map(|place| async move {
        let provider = match place.cluster {
            None => Ok(Provider::Local { local, campaign: running.live }),
            Some(choice) => clusters.provider(choice).map(Provider::Kube),
        };
        match provider {
            Ok(provider) => {
                let (place, outcome) = place.carry_out(provider, running).await;
                (place, Ok(outcome))
            }
            Err(why) => (place, Err(why)),
        }
    });
    join_all(carried_out).await
}
