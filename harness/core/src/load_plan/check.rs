//! What [`LoadPlanSettings`] must fulfil to be a plan: [`check`].

use std::collections::BTreeSet;

use super::{
    LOAD_PLAN_VERSION, LONGEST_TIMEOUT, LoadPlanError, LoadPlanSettings, PlannedRate, Target, schedule_of,
};
use crate::schedule::Arrivals;

/// Refuses settings that cannot work.
pub(super) fn check(settings: &LoadPlanSettings) -> Result<(), LoadPlanError> {
    check_targets(&settings.targets)?;
    check_times(settings)?;
    check_schedule(settings)?;
    check_connections(settings)
}

fn check_targets(targets: &[Target]) -> Result<(), LoadPlanError> {
    if targets.is_empty() {
        return Err(LoadPlanError::NoTargets);
    }
    let mut names = BTreeSet::new();
    for Target { name, address, requests, tls: _ } in targets {
        if !names.insert(name) {
            return Err(LoadPlanError::DuplicateTarget { name: name.clone() });
        }
        if !is_host_and_port(address) {
            return Err(LoadPlanError::Address { target: name.clone(), address: address.clone() });
        }
        if requests.is_empty() {
            return Err(LoadPlanError::NoRequests { target: name.clone() });
        }
        for request in requests {
            request.check().map_err(|problem| LoadPlanError::Request { target: name.clone(), problem })?;
        }
    }
    Ok(())
}

fn is_host_and_port(address: &str) -> bool {
    address.rsplit_once(':').is_some_and(|(host, port)| {
        let bare_ipv6 = host.contains(':') && !(host.starts_with('[') && host.ends_with(']'));
        let host_is_plain = host.bytes().all(|byte| byte.is_ascii_graphic() && !b"/@?#".contains(&byte));
        !host.is_empty() && !bare_ipv6 && host_is_plain && port.parse::<u16>().is_ok_and(|port| port > 0)
    })
}

fn check_times(settings: &LoadPlanSettings) -> Result<(), LoadPlanError> {
    if settings.version != LOAD_PLAN_VERSION {
        return Err(LoadPlanError::Version { found: settings.version });
    }
    if settings.duration.is_zero() {
        return Err(LoadPlanError::ZeroDuration);
    }
    if settings.timeout.is_zero() || settings.timeout > LONGEST_TIMEOUT {
        return Err(LoadPlanError::Timeout { timeout_s: settings.timeout.as_secs_f64() });
    }
    Ok(())
}

fn check_schedule(settings: &LoadPlanSettings) -> Result<(), LoadPlanError> {
    let &LoadPlanSettings { rate, ramp_to, arrivals, shard, duration, .. } = settings;
    let scheduled = [
        ("a ramp", ramp_to.is_some()),
        ("poisson arrivals", arrivals == Arrivals::Poisson),
        ("shards", shard.count() > 1),
    ];
    match rate {
        PlannedRate::Max => {
            let asked = scheduled.into_iter().find_map(|(what, is_asked)| is_asked.then_some(what));
            return asked.map_or(Ok(()), |what| Err(LoadPlanError::NotScheduled { what }));
        }
        PlannedRate::Constant(rate) => {
            let duration_s = duration.as_secs_f64();
            let fastest = ramp_to.map_or(rate, |to| to.max(rate));
            if duration_s * fastest.requests_per_second() < 1.0 {
                return Err(LoadPlanError::NothingDue { rate: fastest, duration_s });
            }
        }
    }
    if schedule_of(settings).is_none() {
        return Err(LoadPlanError::RampTooLarge);
    }
    if shard.count() > 1 && settings.start_at_unix_ns.is_none() {
        return Err(LoadPlanError::ShardWithoutStart);
    }
    Ok(())
}

fn check_connections(settings: &LoadPlanSettings) -> Result<(), LoadPlanError> {
    let &LoadPlanSettings { connections, threads, .. } = settings;
    if threads == 0 {
        return Err(LoadPlanError::ZeroThreads);
    }
    if let Some(most) = settings.max_connections.filter(|most| *most < connections) {
        return Err(LoadPlanError::MostBelowKept { most, connections });
    }
    if settings.streams == 0 {
        return Err(LoadPlanError::ZeroStreams);
    }
    if connections == 0 {
        return Err(LoadPlanError::ZeroConnections);
    }
    let targets = settings.targets.len();
    let needed = targets as u64 * u64::from(threads);
    if u64::from(connections) < needed {
        return Err(LoadPlanError::TooFewConnections { connections, targets, threads, needed });
    }
    Ok(())
}
