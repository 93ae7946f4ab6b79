//! The Lease that marks a campaign as alive in a cluster: [`HeldLease`].

use std::io;
use std::time::Duration;

use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use k8s_openapi::jiff::Timestamp;
use kube::ResourceExt;
use kube::api::{Api, DeleteParams, PostParams, Preconditions};
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::holder::{Holder, Life, describe, life, start_of};
use crate::kube::cluster::{Cluster, FIELD_MANAGER};
use crate::kube::error::KubeError;

const NAME: &str = "meshbench-campaign";
const NAMESPACE: &str = "default";

/// How often a claim is renewed: five renewals may fail before it runs out.
const RENEWAL_INTERVAL: Duration = Duration::from_secs(10);
/// How long a claim that ran out by our clock is watched for a renewal, for its holder's clock may be another: longer than
/// an interval, and short enough for a person who waits.
const STANDSTILL: Duration = Duration::from_secs(12);

/// The claim that this campaign alone measures in a cluster. Held until released; once its process has ended, or it is dropped
/// on another machine than the next campaign's, that one takes it over.
#[derive(Debug)]
pub(in crate::kube) struct HeldLease {
    leases: Api<Lease>,
    holder: Holder,
    stop: DropGuard,
    renewal: JoinHandle<()>,
}

impl HeldLease {
    /// Claims the cluster for its campaign, and takes the claim over from one that is dead.
    ///
    /// # Errors
    /// [`KubeError::Unfit`] while another campaign lives, saying which; [`KubeError::Api`].
    pub(in crate::kube) async fn acquire(cluster: &Cluster) -> Result<Self, KubeError> {
        let (leases, holder) = (leases(cluster), this_process(cluster)?);
        let lease = claim(&leases, &holder).await?;
        let stop = CancellationToken::new();
        let renewal = tokio::spawn(keep_renewed(leases.clone(), holder.clone(), lease, stop.clone()));
        Ok(Self { leases, holder, stop: stop.drop_guard(), renewal })
    }

    /// Whether the claim still holds: one that could not be renewed in time may have been taken over, and then everything
    /// that this campaign made may be swept away.
    ///
    /// # Errors
    /// [`KubeError::Unfit`] when it was lost.
    pub(in crate::kube) fn check_held(&self) -> Result<(), KubeError> {
        if !self.renewal.is_finished() {
            return Ok(());
        }
        Err(KubeError::Unfit(format!(
            "campaign {} is no longer the one that may use the cluster: its Lease {NAMESPACE}/{NAME} was removed, or taken \
             over after it could not be renewed for a minute (was the API server, or this machine, gone that long?); \
             measure again",
            self.holder.campaign
        )))
    }

    /// Gives the cluster free.
    ///
    /// # Errors
    /// [`KubeError::Api`]; the claim then ends with this process.
    pub(in crate::kube) async fn release(self) -> Result<(), KubeError> {
        let Self { leases, holder, stop, renewal } = self;
        drop(stop);
        // Only after its last answer it is known which version to remove. Its end is all that matters.
        let _: Result<(), _> = renewal.await;
        let doing = || format!("remove the Lease {NAMESPACE}/{NAME}");
        match leases.get_opt(NAME).await.map_err(KubeError::api(doing()))? {
            Some(lease) if Holder::of(&lease).as_ref() == Some(&holder) => {
                remove(&leases, &lease).await.map_err(KubeError::api(doing()))
            }
            _ => Ok(()),
        }
    }
}

/// What the Lease of a cluster says.
#[derive(Debug)]
pub(super) enum Claim {
    /// Nobody holds it.
    Free,
    /// This very campaign does.
    Ours,
    /// A campaign that lives.
    Living {
        /// Its id; nothing if somebody else than meshbench wrote the Lease.
        campaign: Option<String>,
        /// Who it is and how old, for people.
        description: String,
    },
    /// A campaign that is dead.
    Dead {
        /// What it held.
        lease: Box<Lease>,
        /// Who it was, for people.
        description: String,
    },
}

/// Asks who holds the cluster.
///
/// # Errors
/// [`KubeError::Api`].
pub(super) async fn claim_of(cluster: &Cluster) -> Result<Claim, KubeError> {
    let (leases, us) = (leases(cluster), this_process(cluster)?);
    let asked = leases.get_opt(NAME).await;
    let Some(lease) = asked.map_err(KubeError::api(format!("read the Lease {NAMESPACE}/{NAME}")))? else {
        return Ok(Claim::Free);
    };
    let (holder, description) = (Holder::of(&lease), describe(&lease, Timestamp::now()));
    if holder.as_ref() == Some(&us) {
        return Ok(Claim::Ours);
    }
    Ok(if is_alive(&leases, &lease, &us).await? {
        Claim::Living { campaign: holder.map(|holder| holder.campaign), description }
    } else {
        Claim::Dead { lease: Box::new(lease), description }
    })
}

/// Whether the holder of a Lease is alive. One whose process we cannot look for and whose claim ran out by our clock is dead
/// only if he does not renew it before our eyes either.
///
/// # Errors
/// [`KubeError::Api`].
async fn is_alive(leases: &Api<Lease>, lease: &Lease, us: &Holder) -> Result<bool, KubeError> {
    match life(lease, us, Timestamp::now(), start_of) {
        Life::Alive => Ok(true),
        Life::Dead => Ok(false),
        Life::Silent => {
            sleep(STANDSTILL).await;
            let found = leases.get_opt(NAME).await;
            let found = found.map_err(KubeError::api(format!("read the Lease {NAMESPACE}/{NAME} again")))?;
            Ok(found.is_some_and(|found| moved(lease, &found)))
        }
    }
}

/// Whether it was written anew, by whomever.
fn moved(before: &Lease, now: &Lease) -> bool {
    (before.uid(), before.resource_version()) != (now.uid(), now.resource_version())
}

/// Removes the Lease of a dead campaign, unless somebody took it over meanwhile.
///
/// # Errors
/// [`KubeError::Api`].
pub(super) async fn remove_dead(cluster: &Cluster, lease: &Lease) -> Result<(), KubeError> {
    match remove(&leases(cluster), lease).await {
        Err(kube::Error::Api(status)) if status.is_conflict() || status.is_not_found() => Ok(()),
        other => other.map_err(KubeError::api(format!("remove the Lease {NAMESPACE}/{NAME}"))),
    }
}

/// This Lease in this version: one that changed since is another's.
async fn remove(leases: &Api<Lease>, lease: &Lease) -> Result<(), kube::Error> {
    let preconditions = Preconditions { uid: lease.uid(), resource_version: lease.resource_version() };
    leases.delete(NAME, &DeleteParams::default().preconditions(preconditions)).await.map(drop)
}

fn leases(cluster: &Cluster) -> Api<Lease> {
    Api::namespaced(cluster.client().clone(), NAMESPACE)
}

fn this_process(cluster: &Cluster) -> Result<Holder, KubeError> {
    Holder::this_process(cluster.campaign()).map_err(|error: io::Error| {
        KubeError::Unfit(format!("this machine does not say who we are, for the cluster's Lease: {error}"))
    })
}

/// Makes the Lease, or takes it over. Whoever comes second between our reading and writing is refused by the server, and
/// looks again.
async fn claim(leases: &Api<Lease>, holder: &Holder) -> Result<Lease, KubeError> {
    let parameters = PostParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PostParams::default() };
    let doing = format!("claim the cluster by the Lease {NAMESPACE}/{NAME}");
    loop {
        let ours = || holder.lease(NAME, NAMESPACE, Timestamp::now());
        let written = match leases.get_opt(NAME).await.map_err(KubeError::api(&doing))? {
            None => leases.create(&parameters, &ours()).await,
            Some(theirs) => {
                refuse_if_alive(leases, &theirs, holder).await?;
                let mut ours = ours();
                ours.metadata.resource_version = theirs.resource_version();
                leases.replace(NAME, &parameters, &ours).await
            }
        };
        match written {
            // A status of 409 is what a second one gets, be it for making or for changing.
            Err(kube::Error::Api(status)) if status.code == 409 || status.is_not_found() => {}
            other => return other.map_err(KubeError::api(&doing)),
        }
    }
}

async fn refuse_if_alive(leases: &Api<Lease>, lease: &Lease, us: &Holder) -> Result<(), KubeError> {
    if Holder::of(lease).as_ref() == Some(us) {
        let why = "this campaign measures in it already, by another context: name each cluster once";
        return Err(KubeError::Unfit(why.to_owned()));
    }
    let description = describe(lease, Timestamp::now());
    if is_alive(leases, lease, us).await? { Err(KubeError::Unfit(occupied(&description))) } else { Ok(()) }
}

/// Why a second campaign must not begin, and what to do.
pub(super) fn occupied(description: &str) -> String {
    format!(
        "another campaign measures in this cluster: {description}; two at once would measure each other. Wait until it \
         ends; if it is dead, its claim runs out a minute after it was last heard of (or: kubectl delete lease -n \
         {NAMESPACE} {NAME})"
    )
}

/// Renews a claim until told to stop, or until it is no longer ours.
async fn keep_renewed(leases: Api<Lease>, holder: Holder, mut lease: Lease, stop: CancellationToken) {
    let mut ticks = interval(RENEWAL_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks.tick().await;
    while stop.run_until_cancelled(ticks.tick()).await.is_some() {
        // A request that hangs must not cost the next one; it is not cut off by `stop`, so that nothing comes after it.
        match timeout(RENEWAL_INTERVAL, renew(&leases, &holder, lease.clone())).await {
            Ok(Ok(Some(renewed))) => lease = renewed,
            Ok(Ok(None)) => return,
            // An API server that is gone may be back before the claim runs out.
            Ok(Err(_)) | Err(_) => {}
        }
    }
}

/// Renews a claim as it was last read; nothing if it is not ours any more.
async fn renew(leases: &Api<Lease>, holder: &Holder, mut lease: Lease) -> Result<Option<Lease>, kube::Error> {
    let now = MicroTime(Timestamp::now());
    lease.spec.get_or_insert_with(LeaseSpec::default).renew_time = Some(now.clone());
    match leases.replace(NAME, &PostParams::default(), &lease).await {
        Err(kube::Error::Api(status)) if status.is_conflict() => {}
        Err(kube::Error::Api(status)) if status.is_not_found() => return Ok(None),
        other => return other.map(Some),
    }
    // An earlier request may have been carried out though its answer was lost: then it is ours, in a newer version.
    let found = leases.get_opt(NAME).await?;
    Ok(found.filter(|lease| Holder::of(lease).as_ref() == Some(holder)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
    use rstest::rstest;

    #[rstest]
    #[case::not_renewed("a", "5", false)]
    #[case::renewed("a", "6", true)]
    #[case::made_anew("b", "5", true)]
    fn a_claim_that_is_written_anew_is_not_dead(
        #[case] uid: &str,
        #[case] version: &str,
        #[case] expected: bool,
    ) {
        let lease = |uid: &str, version: &str| {
            let (uid, resource_version) = (Some(uid.to_owned()), Some(version.to_owned()));
            Lease { metadata: ObjectMeta { uid, resource_version, ..ObjectMeta::default() }, spec: None }
        };
        assert_eq!(moved(&lease("a", "5"), &lease(uid, version)), expected);
    }
}
