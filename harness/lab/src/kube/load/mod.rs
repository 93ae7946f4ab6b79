//! The load generator in pods: started, told its plan once all are ready, and followed until every recording is back.

mod attended;
mod clock;
mod follow;
mod job;
mod standing;
mod window;

use std::time::Duration;

use futures_util::future::try_join_all;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, ListParams};
use meshbench_core::event::Event;
use meshbench_core::load_plan::LoadPlan;
use tokio::time::{Instant, timeout};

pub(super) use self::clock::unix_ns;
pub(super) use self::job::GeneratorLayout;
pub(super) use self::window::{LoadOutcome, PodRecording};

use self::attended::Attended;
use self::clock::{ClockReading, spread_ns};
use self::job::NAME;
use self::standing::{Standing, standing};
use self::window::watch;
use super::cluster::Cluster;
use super::error::KubeError;
use super::labels::{GENERATOR_ROLE, ROLE, RUN};
use super::step_limit::StepLimit;
use super::watch;
use super::workload::{late, make_all, not_enrolled, not_ready};

/// Whose pods these are, in words.
const GENERATOR: &str = "the load generator";

/// Between the last plan's being read and the first request: for connections to be opened, through proxies. Where the cluster
/// is slow to answer, there is as much more.
const LEAD: Duration = Duration::from_secs(3);

/// How long after the end of the load a recording may take to come, through an API server that may be away meanwhile.
const PATIENCE: Duration = Duration::from_secs(180);

/// Pods of the load generator that wait for their plan.
pub(super) struct Generators {
    pods: Api<Pod>,
    names: Vec<String>,
}

impl Generators {
    /// Starts them and waits until all are ready, their sidecars included.
    ///
    /// # Errors
    /// [`KubeError::NotEnrolled`]; [`KubeError::NotReady`] when `limit` runs out, and at once when one ends, with the pods'
    /// events and the end of their logs; [`KubeError::TimedOut`] when the API server says nothing for as long;
    /// [`KubeError::Refused`], [`KubeError::Api`].
    pub(super) async fn start(
        cluster: &Cluster,
        layout: &GeneratorLayout,
        limit: Duration,
    ) -> Result<Self, KubeError> {
        let step = StepLimit::begin(limit);
        for object in [layout.namespace(), layout.account(), layout.job()] {
            make_all(cluster, "the objects of the load generator", &[object], step).await?;
        }
        let pods: Api<Pod> = Api::namespaced(cluster.client().clone(), &layout.namespace);
        let selector = ListParams::default().labels(&format!("{RUN}={},{ROLE}={GENERATOR_ROLE}", layout.run));
        let mut hindered = Vec::new();
        let came = watch::until(&pods, &selector, step.left(), |found| match standing(layout, found) {
            Standing::Waiting(pods) => {
                hindered = pods;
                Err(format!("{} of {} pods there", found.len(), layout.pods))
            }
            settled => Ok(settled),
        });
        match came.await {
            Ok(Standing::Ready(names)) => Ok(Self { pods, names }),
            Ok(Standing::NotEnrolled(strangers)) => Err(not_enrolled(&strangers)),
            Ok(Standing::Ended(pods) | Standing::Waiting(pods)) => {
                Err(not_ready(cluster, GENERATOR, &pods, "what has ended is not started again").await)
            }
            Err(waited) => Err(late(cluster, GENERATOR, &hindered, step.ran_out(waited.last_seen)).await),
        }
    }

    /// Gives each its share of the load, to be begun by all at one instant, and follows them to the end.
    ///
    /// `plan_of` makes the plan of a pod, by its index, that starts at an instant in nanoseconds since 1970.
    ///
    /// # Errors
    /// [`KubeError::Generator`] naming a pod that was late or lost.
    pub(super) async fn carry_out(
        &self,
        plan_of: impl Fn(u32, u64) -> Result<LoadPlan, KubeError>,
        observe: &mut dyn FnMut(Event),
    ) -> Result<LoadOutcome, KubeError> {
        let attach = self.names.iter().map(|pod| Attended::attach(&self.pods, pod));
        let mut attended = try_join_all(attach).await?;
        let (mut clocks, asked) = (Vec::new(), Instant::now());
        // One after the other: together they would make each other slow.
        for generator in &mut attended {
            clocks.push(generator.clock().await?);
        }
        // Plans take the way that the questions took.
        let lead = LEAD + asked.elapsed();
        let start_unix_ns = start_for(&clocks, unix_ns(), lead);
        let plans =
            (0..).zip(attended).map(|(index, generator)| Ok((plan_of(index, start_unix_ns)?, generator)));
        let plans: Vec<_> = plans.collect::<Result<_, KubeError>>()?;
        // They differ in nothing but their share.
        let (plan, _) = plans.first().ok_or_else(|| KubeError::generator(NAME, "has no pod"))?;
        let window = Window::of(plan, start_unix_ns);
        let limit = lead + window.warm_up + window.duration() + plan.settings().drain + PATIENCE;
        try_join_all(plans.into_iter().map(|(plan, generator)| generator.carry_out(plan))).await?;
        let recordings = timeout(limit, watch(&self.pods, &self.names, window, observe)).await;
        let recordings = recordings.unwrap_or_else(|_| {
            let all = self.names.join(", ");
            Err(KubeError::generator(&all, "did not hand every recording over in time"))
        })?;
        let (clock_spread_ns, clock_error_ns) = spread_ns(&clocks);
        Ok(LoadOutcome { recordings, window, clock_spread_ns, clock_error_ns })
    }
}

/// When a measured window is, by the generators' clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Window {
    /// When it opens, in nanoseconds since 1970.
    pub opens_unix_ns: u64,
    /// When it closes, in nanoseconds since 1970.
    pub closes_unix_ns: u64,
    /// Load before it.
    pub warm_up: Duration,
}

impl Window {
    fn of(plan: &LoadPlan, start_unix_ns: u64) -> Self {
        let nanoseconds = |span: Duration| u64::try_from(span.as_nanos()).unwrap_or(u64::MAX);
        let settings = plan.settings();
        let opens_unix_ns = start_unix_ns.saturating_add(nanoseconds(settings.warm_up));
        let closes_unix_ns = opens_unix_ns.saturating_add(nanoseconds(settings.duration));
        Self { opens_unix_ns, closes_unix_ns, warm_up: settings.warm_up }
    }

    /// How long it is open.
    pub(super) fn duration(&self) -> Duration {
        Duration::from_nanos(self.closes_unix_ns.saturating_sub(self.opens_unix_ns))
    }
}

/// An instant far enough ahead for the generator whose clock is most advanced.
fn start_for(clocks: &[ClockReading], now_unix_ns: u64, lead: Duration) -> u64 {
    let ahead = clocks.iter().map(|clock| clock.offset_ns).max().unwrap_or(0);
    let lead = u64::try_from(lead.as_nanos()).unwrap_or(u64::MAX);
    now_unix_ns.saturating_add_signed(ahead).saturating_add(lead)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_start_is_ahead_of_every_clock() {
        let clock = |offset_ns| ClockReading { offset_ns, error_ns: 1 };
        let lead = Duration::from_secs(3);
        assert_eq!(start_for(&[clock(-500), clock(2_000)], 1_000, lead), 3_000 + 3_000_000_000);
        assert_eq!(start_for(&[clock(-500)], 1_000, lead), 500 + 3_000_000_000);
    }
}
