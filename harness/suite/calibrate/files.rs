//! What a gate runs from: a scenario, and the reference mesh twice, once with its change.

use std::fs;
use std::path::Path;
use std::time::Duration;

use meshbench_core::calibration::{GateSettings, KnownChange, Pilot};
use meshbench_core::units::OfferedRate;
use meshbench_sidecar::{Delay, DirectionInjections, Injections, Share, ShareOfRequests};

use super::gate::CalibrateError;
use super::plan::Gate;

/// The mesh that gates compare with itself.
pub(super) const OLD: &str = "reference";
/// Its other version.
pub(super) const NEW: &str = "reference-new";
/// The reference mesh's configuration, which a change is written into.
const CONFIGURATION: &str = "sidecar.json.jinja";

/// Blocks that the pilot takes its medians of.
const PILOT_BLOCKS: u32 = 3;
const MILLISECOND: Duration = Duration::from_millis(1);
const FEW: f64 = 0.02;
const LATENCY_RISE: f64 = 0.1;
const CPU_RISE: f64 = 0.05;
const ERROR_SHARE: f64 = 0.005;
const RATE_SHORTFALL: f64 = 0.02;

/// The scenario of a gate. Its workload is the one that scenarios have by default: a tenth of the median latency of a page
/// that does nothing would be below the floors under which no change matters.
pub(super) fn gate_scenario(settings: &GateSettings, gate: &Gate) -> String {
    let GateSettings { blocks, .. } = settings;
    let compared = format!(
        "meshes: [{OLD}, {NEW}]\ncompare: {{old: {OLD}, new: {NEW}}}\njudge: {{confirming_blocks: {blocks}}}\n"
    );
    scenario(settings, gate.change.description(), &compared, *blocks, gate.seed)
}

/// The scenario that tells what changes in proportion are in proportion to.
pub(super) fn pilot_scenario(settings: &GateSettings) -> String {
    scenario(settings, "pilot", &format!("meshes: [{OLD}]\n"), PILOT_BLOCKS, settings.seed)
}

fn scenario(settings: &GateSettings, what: &str, meshes: &str, blocks: u32, seed: u64) -> String {
    let GateSettings { rate, duration, warm_up, .. } = settings;
    format!(
        "description: 'Calibration: {what}'
tier: quick
provider: local
{meshes}rates: [{rate}]
durations: [{duration}]
warm_up: {warm_up}
repeats: {blocks}
seed: {seed}
"
    )
}

/// What the sidecar of the load generator is to inject, so that each request has it once; `None` for no change.
///
/// # Errors
/// [`CalibrateError::NoPilot`] for a change in proportion to what is not known.
pub(super) fn injections(
    gate: &Gate,
    rate: OfferedRate,
    pilot: Option<Pilot>,
) -> Result<Option<Injections>, CalibrateError> {
    let known = || pilot.ok_or(CalibrateError::NoPilot);
    let of_nanoseconds = |nanoseconds: f64| Duration::from_nanos(nanoseconds.round() as u64);
    let share = |share: f64| Share::try_from(share).map_err(CalibrateError::Injection);
    let none = DirectionInjections::default();
    let outbound = match gate.change {
        KnownChange::NoChange => return Ok(None),
        KnownChange::Delay => DirectionInjections { delay: Some(Delay::Fixed(MILLISECOND)), ..none },
        KnownChange::DelayOfFew => {
            let few = ShareOfRequests { of_requests: share(FEW)?, delay: MILLISECOND };
            DirectionInjections { delay: Some(Delay::Share(few)), ..none }
        }
        KnownChange::Latency => {
            let delay = of_nanoseconds(known()?.p50_ns * LATENCY_RISE);
            DirectionInjections { delay: Some(Delay::Fixed(delay)), ..none }
        }
        KnownChange::Cpu => {
            let burn = of_nanoseconds(known()?.cpu_ns_per_request * CPU_RISE);
            DirectionInjections { cpu_burn: Some(burn), ..none }
        }
        KnownChange::Errors => DirectionInjections { error_share: Some(share(ERROR_SHARE)?), ..none },
        KnownChange::Rate => {
            let carried = rate.requests_per_second() * (1.0 - RATE_SHORTFALL);
            DirectionInjections { service_time: Some(of_nanoseconds(1e9 / carried)), ..none }
        }
    };
    Ok(Some(Injections { inbound: None, outbound: Some(outbound), seed: gate.seed }))
}

/// The reference mesh's configuration with `injections` in the load generator's sidecar; `None` where it is no object that
/// they could be written into.
fn with_injections(template: &str, injections: &Injections) -> Option<String> {
    let rendered = serde_json::to_string(injections).ok()?;
    let end = template.rfind('}')?;
    let (before, after) = (template[..end].trim_end(), &template[end..]);
    Some(format!(
        "{before}\n  {{%- if workload == \"load\" %}},\n  \"injections\": {rendered}{{% endif %}}\n{after}"
    ))
}

/// Writes the scenario and the meshes of a gate, or of the pilot, into `folder`.
///
/// # Errors
/// [`CalibrateError`] where the shipped meshes cannot be copied or changed.
pub(super) fn lay_out(
    folder: &Path,
    shipped: &Path,
    (name, scenario): (&str, &str),
    injections: Option<&Injections>,
) -> Result<(), CalibrateError> {
    let meshes = folder.join("meshes");
    for (from, to) in [("bare", "bare"), (OLD, OLD), (OLD, NEW)] {
        copy_files(&shipped.join("meshes").join(from), &meshes.join(to))?;
    }
    if let Some(injections) = injections {
        let path = meshes.join(NEW).join(CONFIGURATION);
        let template = fs::read_to_string(&path).map_err(CalibrateError::file("read", &path))?;
        let changed = with_injections(&template, injections)
            .ok_or_else(|| CalibrateError::Configuration { path: path.clone() })?;
        write(&path, &changed)?;
    }
    write(&folder.join(format!("{name}.yaml")), scenario)
}

fn copy_files(from: &Path, to: &Path) -> Result<(), CalibrateError> {
    fs::create_dir_all(to).map_err(CalibrateError::file("create", to))?;
    let entries = fs::read_dir(from).map_err(CalibrateError::file("read", from))?;
    for entry in entries {
        let path = entry.map_err(CalibrateError::file("read", from))?.path();
        let Some(name) = path.file_name().filter(|_| path.is_file()) else { continue };
        fs::copy(&path, to.join(name)).map_err(CalibrateError::file("copy", &path))?;
    }
    Ok(())
}

/// Writes a file.
///
/// # Errors
/// [`CalibrateError::File`].
pub(super) fn write(path: &Path, text: &str) -> Result<(), CalibrateError> {
    fs::write(path, text).map_err(CalibrateError::file("write", path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    use crate::discovery::Discovery;

    const PILOT: Pilot = Pilot { p50_ns: 1_234_567.0, cpu_ns_per_request: 800_000.0 };

    fn settings() -> GateSettings {
        GateSettings {
            rate: "500rps".to_owned(),
            duration: "2s".to_owned(),
            warm_up: "1s".to_owned(),
            blocks: 6,
            seed: 7,
        }
    }

    fn rate() -> OfferedRate {
        settings().rate.parse().unwrap()
    }

    fn gate(change: KnownChange) -> Gate {
        Gate { change, number: 3, seed: 11 }
    }

    fn shipped() -> std::path::PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios")
    }

    #[rstest]
    #[case(
        KnownChange::Delay,
        r#"{"delay":{"fixed":"1ms"},"cpu_burn":null,"service_time":null,"error_share":null}"#
    )]
    #[case(
        KnownChange::DelayOfFew,
        r#"{"delay":{"share":{"of_requests":0.02,"delay":"1ms"}},"cpu_burn":null,"service_time":null,"error_share":null}"#
    )]
    #[case(
        KnownChange::Latency,
        r#"{"delay":{"fixed":"123us 457ns"},"cpu_burn":null,"service_time":null,"error_share":null}"#
    )]
    #[case(KnownChange::Cpu, r#"{"delay":null,"cpu_burn":"40us","service_time":null,"error_share":null}"#)]
    #[case(
        KnownChange::Rate,
        r#"{"delay":null,"cpu_burn":null,"service_time":"2ms 40us 816ns","error_share":null}"#
    )]
    #[case(KnownChange::Errors, r#"{"delay":null,"cpu_burn":null,"service_time":null,"error_share":0.005}"#)]
    fn a_change_is_injected_once_per_request(#[case] change: KnownChange, #[case] expected: &str) {
        let injections = injections(&gate(change), rate(), Some(PILOT)).unwrap().unwrap();
        assert!(injections.inbound.is_none());
        assert_eq!(injections.seed, 11);
        assert_eq!(serde_json::to_string(&injections.outbound).unwrap(), expected);
        let again: Injections = serde_json::from_str(&serde_json::to_string(&injections).unwrap()).unwrap();
        assert_eq!(serde_json::to_string(&again.outbound).unwrap(), expected);
    }

    #[test]
    fn no_change_injects_nothing_and_a_proportion_needs_the_pilot() {
        assert!(injections(&gate(KnownChange::NoChange), rate(), None).unwrap().is_none());
        let refused = injections(&gate(KnownChange::Cpu), rate(), None);
        assert!(matches!(refused, Err(CalibrateError::NoPilot)));
    }

    #[rstest]
    fn a_gate_is_read_as_a_comparison(
        #[values(KnownChange::NoChange, KnownChange::DelayOfFew)] change: KnownChange,
    ) {
        let folder = tempfile::tempdir().unwrap();
        let injections = injections(&gate(change), rate(), None).unwrap();
        let scenario = gate_scenario(&settings(), &gate(change));
        lay_out(folder.path(), &shipped(), ("gate", &scenario), injections.as_ref()).unwrap();

        let discovery = Discovery::load(folder.path()).unwrap();
        assert!(discovery.broken.is_empty(), "{:?}", discovery.broken);
        let [scenario] = discovery.scenarios.as_slice() else { panic!("{:?}", discovery.scenarios) };
        let compare = scenario.compare.as_ref().unwrap();
        assert_eq!((compare.old.as_str(), compare.new.as_str()), (OLD, NEW));
        assert_eq!((scenario.repeats.get(), compare.strictness.confirming_blocks.get()), (6, 6));
        assert_eq!(scenario.seed, 11);
        assert!(discovery.catalog.iter().all(|(_, definition)| definition.is_ok()));

        let read =
            |mesh| fs::read_to_string(folder.path().join("meshes").join(mesh).join(CONFIGURATION)).unwrap();
        assert_eq!(read(OLD) == read(NEW), change == KnownChange::NoChange);
    }

    #[test]
    fn the_pilot_runs_the_reference_mesh_alone() {
        let folder = tempfile::tempdir().unwrap();
        lay_out(folder.path(), &shipped(), ("pilot", &pilot_scenario(&settings())), None).unwrap();
        let discovery = Discovery::load(folder.path()).unwrap();
        let [scenario] = discovery.scenarios.as_slice() else { panic!("{:?}", discovery.broken) };
        assert_eq!(scenario.meshes.iter().map(ToString::to_string).collect::<Vec<_>>(), [OLD]);
        assert!(scenario.compare.is_none());
    }

    #[test]
    fn a_configuration_that_is_no_object_is_refused() {
        let injections = injections(&gate(KnownChange::Delay), rate(), None).unwrap().unwrap();
        assert_eq!(with_injections("nothing", &injections), None);
        let changed = with_injections("{\n  \"a\": 1\n}\n", &injections).unwrap();
        insta::assert_snapshot!(changed, @r#"
        {
          "a": 1
          {%- if workload == "load" %},
          "injections": {"inbound":null,"outbound":{"delay":{"fixed":"1ms"},"cpu_burn":null,"service_time":null,"error_share":null},"seed":11}{% endif %}
        }
        "#);
    }
}
