//! [`Page`]: what stands on the page, in the words and numbers of the other formats.

use std::time::Duration;

use meshbench_core::judge::Verdict;
use meshbench_core::pooling::Pooled;
use meshbench_core::report::{CaseReport, ClusterEnvironment, ClusterNode, Environment, Report, RunReport};
use serde::Serialize;

use super::chart::{
    DataTable, Figure, Palette, Scene, by_percentile, comparisons, courses, curves, limits, over_bare,
    resources,
};
use super::pooled::{self, PooledPart};
use super::sweep::SweepPart;
use super::{HtmlError, KeptFile, Sheet};
use crate::facts::{
    self, BlockGroup, Table, Tally, block_groups, data_paths, ignored_together, latency_table, limit_table,
    resource_table,
};
use crate::format::{Number, wait};

/// How many colours there are besides the control's.
const COLOURS: usize = 12;
/// More of a file than this is for the folder, not for a page.
const LONGEST_FILE: usize = 16 * 1024;

/// Everything on the page.
#[derive(Debug, Serialize)]
pub(super) struct Page {
    title: String,
    meshes: Vec<MeshColour>,
    campaigns: Vec<CampaignPart>,
    pooled: Option<PooledPart>,
}

/// A mesh and its colour.
#[derive(Debug, Serialize)]
struct MeshColour {
    name: String,
    /// Its place in the palette, which its marks' class has.
    place: usize,
    /// Which of the colours it has.
    colour: usize,
}

/// One campaign.
#[derive(Debug, Serialize)]
struct CampaignPart {
    id: String,
    started_at: String,
    took: String,
    tally: String,
    is_red: bool,
    warnings: Vec<String>,
    unread: Vec<String>,
    verdicts: Vec<VerdictPart>,
    environment: Vec<(&'static str, String)>,
    versions: Vec<String>,
    groups: Vec<GroupPart>,
    sweeps: Vec<SweepPart>,
    ignored: Vec<IgnoredPart>,
    broken: Vec<VerdictPart>,
    legend: Vec<String>,
    appendix: Appendix,
}

/// What a case came to.
#[derive(Debug, Serialize)]
struct VerdictPart {
    case: String,
    word: String,
    tone: &'static str,
    sentences: Vec<String>,
    is_control: bool,
}

/// Cases that were not run, with why.
#[derive(Debug, Serialize)]
struct IgnoredPart {
    reason: String,
    cure: String,
    names: String,
}

/// The cases that ran in the same blocks.
#[derive(Debug, Serialize)]
struct GroupPart {
    title: String,
    tables: Vec<DataTable>,
    notes: Vec<String>,
    sections: Vec<SectionPart>,
}

/// Charts that answer one question.
#[derive(Debug, Serialize)]
struct SectionPart {
    title: &'static str,
    figures: Vec<Figure>,
}

/// What somebody needs who doubts.
#[derive(Debug, Serialize)]
struct Appendix {
    noise_floor: Vec<String>,
    data_paths: Vec<String>,
    validity: DataTable,
    scenarios: Vec<FilePart>,
    files: Vec<FilePart>,
    commands: Vec<String>,
}

/// A file's text.
#[derive(Debug, Serialize)]
struct FilePart {
    name: String,
    remark: String,
    text: String,
}

impl Page {
    /// # Errors
    /// [`HtmlError::Chart`].
    pub(super) fn of(sheets: &[Sheet<'_>], pooled: Option<&Pooled>) -> Result<Self, HtmlError> {
        let palette = Palette::of(sheets.iter().map(|sheet| sheet.report));
        let colour = |place: usize| if place == 0 { 0 } else { (place - 1) % COLOURS + 1 };
        let mesh =
            |(place, name): (usize, &String)| MeshColour { name: name.clone(), place, colour: colour(place) };
        let campaigns = sheets.iter().map(|sheet| CampaignPart::of(sheet, &palette));
        let title = match sheets {
            [sheet] => format!("meshbench {}", sheet.report.campaign),
            several => format!("meshbench, {} campaigns", several.len()),
        };
        Ok(Self {
            title,
            meshes: palette.meshes().iter().enumerate().map(mesh).collect(),
            campaigns: campaigns.collect::<Result<_, _>>()?,
            pooled: pooled.map(|pooled| pooled::part(pooled, &palette)).transpose()?,
        })
    }
}

impl CampaignPart {
    fn of(sheet: &Sheet<'_>, palette: &Palette) -> Result<Self, HtmlError> {
        let report = sheet.report;
        let groups = block_groups(report);
        let took = Duration::try_from_secs_f64(report.took_seconds).unwrap_or_default();
        let tally = Tally::of(report);
        let broken = report.broken_scenarios.iter().map(|broken| VerdictPart {
            case: broken.name.clone(),
            word: "ERROR".to_owned(),
            tone: "bad",
            sentences: broken.problems.clone(),
            is_control: false,
        });
        let ignored = ignored_together(&report.ignored).into_iter().map(|together| IgnoredPart {
            reason: together.reason.to_owned(),
            cure: together.cure.to_owned(),
            names: together.listed(),
        });
        Ok(Self {
            id: report.campaign.clone(),
            started_at: report.started_at.clone(),
            took: wait(took),
            is_red: tally.failed + tally.errors > 0,
            tally: tally.to_string(),
            warnings: facts::warnings(report),
            unread: sheet.unread.to_vec(),
            verdicts: report.cases.iter().map(verdict).collect(),
            environment: environment(&report.environment),
            versions: facts::versions(report),
            legend: facts::legend(&groups).into_iter().map(str::to_owned).collect(),
            groups: groups.iter().map(|group| GroupPart::of(group, palette)).collect::<Result<_, _>>()?,
            sweeps: SweepPart::all(report, palette)?,
            ignored: ignored.collect(),
            broken: broken.collect(),
            appendix: Appendix::of(report, sheet.files),
        })
    }
}

fn verdict(case: &CaseReport) -> VerdictPart {
    let tone = match case.verdict {
        Verdict::Pass | Verdict::NoChange | Verdict::Improved { .. } => "good",
        Verdict::NewBaseline { .. } => "new",
        Verdict::Invalid { .. } | Verdict::Inconclusive { .. } | Verdict::NotRun { .. } => "doubtful",
        Verdict::Fail { .. } | Verdict::Regressed { .. } | Verdict::Error { .. } => "bad",
    };
    VerdictPart {
        case: case.name.clone(),
        word: case.verdict.word().to_owned(),
        tone,
        sentences: case.verdict.sentences().to_vec(),
        is_control: !case.selected,
    }
}

/// The fingerprint's facts of the machine, each with its name.
fn environment(environment: &Environment) -> Vec<(&'static str, String)> {
    let cores = |cores: &[usize]| cores.iter().map(usize::to_string).collect::<Vec<_>>().join(", ");
    let meshbench = ("meshbench", environment.meshbench_version.clone());
    if !environment.clusters.is_empty() {
        return environment.clusters.iter().flat_map(cluster_facts).chain([meshbench]).collect();
    }
    vec![
        ("processor", environment.cpu_model.clone()),
        ("memory", Number::Bytes.show(environment.memory_bytes as f64)),
        ("kernel", environment.kernel.clone()),
        ("virtualisation", environment.virtualisation.clone()),
        ("cores of the load generator", cores(&environment.generator_cores)),
        ("cores of what is measured", cores(&environment.measured_cores)),
        meshbench,
    ]
}

fn cluster_facts(cluster: &ClusterEnvironment) -> Vec<(&'static str, String)> {
    let ClusterEnvironment { context, version, nodes, .. } = cluster;
    let node = |node: &ClusterNode| {
        let memory = Number::Bytes.show(node.memory_bytes as f64);
        format!("{} ({}, {} cores, {memory})", node.name, node.machine, node.cores)
    };
    vec![
        ("cluster", format!("Kubernetes {version}, reached by the context {context}")),
        ("nodes", nodes.iter().map(node).collect::<Vec<_>>().join("; ")),
        ("kernel", cluster.distinct(|node| &node.kernel)),
        ("container runtime", cluster.distinct(|node| &node.runtime)),
        ("topology", cluster.topology()),
    ]
}

impl GroupPart {
    fn of(group: &BlockGroup<'_>, palette: &Palette) -> Result<Self, HtmlError> {
        let scene = Scene::of(&group.cases, palette);
        let (tables, sections) = if scene.is_empty() {
            (Vec::new(), Vec::new())
        } else {
            let tables = [latency_table(&group.cases), resource_table(&group.cases)];
            let tables = limit_table(&group.cases).into_iter().chain(tables);
            (tables.map(|table| data_table(&table)).collect(), sections(&scene, palette)?)
        };
        Ok(Self { title: group.title().join(" · "), tables, notes: group.notes(), sections })
    }
}

fn sections(scene: &Scene<'_>, palette: &Palette) -> Result<Vec<SectionPart>, HtmlError> {
    let mut latency: Vec<Figure> = by_percentile(scene)?.into_iter().collect();
    latency.extend(curves(scene)?);
    latency.extend(over_bare(scene)?);
    let sections = [
        SectionPart { title: "How much does it carry?", figures: limits(scene)? },
        SectionPart { title: "Did it change?", figures: comparisons(scene, palette)? },
        SectionPart { title: "Latency", figures: latency },
        SectionPart { title: "CPU and memory", figures: resources(scene)? },
        SectionPart { title: "Second by second", figures: courses(scene)? },
    ];
    Ok(sections.into_iter().filter(|section| !section.figures.is_empty()).collect())
}

/// A table as the console shows it.
pub(super) fn data_table(table: &Table) -> DataTable {
    let title = |column: &facts::Column| match column.section {
        "" => column.full.to_string(),
        section => format!("{section}: {}", column.full),
    };
    let cell = |cell: &facts::Cell| format!("{} {}", cell.text, cell.difference).trim_end().to_owned();
    DataTable {
        columns: table.columns.iter().map(title).collect(),
        rows: table.rows.iter().map(|row| row.iter().map(cell).collect()).collect(),
    }
}

impl Appendix {
    fn of(report: &Report, files: &[KeptFile]) -> Self {
        let scenario = |source: &meshbench_core::report::ScenarioSource| FilePart {
            name: format!("{}.yaml", source.name),
            remark: format!("seed {}, {}", source.seed, source.digest),
            text: source.text.clone(),
        };
        Self {
            noise_floor: report.cases.iter().filter_map(noise_floor).collect(),
            data_paths: data_paths(report),
            validity: validity(report),
            scenarios: report.scenarios.iter().map(scenario).collect(),
            files: files.iter().map(file).collect(),
            commands: commands(report),
        }
    }
}

fn file(kept: &KeptFile) -> FilePart {
    let KeptFile { mesh, name, text } = kept;
    let shown = text.floor_char_boundary(LONGEST_FILE);
    let remark = if shown < text.len() {
        format!("the first {shown} of {} bytes; the rest is in the campaign's folder", text.len())
    } else {
        String::new()
    };
    FilePart { name: format!("{mesh}: {name}"), remark, text: text[..shown].to_owned() }
}

/// What the control says of instrument and machine: nothing smaller than this is to be seen.
fn noise_floor(case: &CaseReport) -> Option<String> {
    if case.mesh != "bare" {
        return None;
    }
    let p50 = case.metrics.iter().find(|metric| metric.metric == "p50")?;
    let lags = case.counted_runs().map(|run| run.send_lag_ns.p50);
    let show = |value: f64| Number::Duration.show(value);
    let lag = show(lags.max()? as f64);
    let spread = match p50.max > p50.min {
        true => format!(
            "from {} to {} over its runs, a spread of {}",
            show(p50.min),
            show(p50.max),
            Number::Percent.show((p50.max - p50.min) / p50.median)
        ),
        false => "of a single run, which shows no spread".to_owned(),
    };
    Some(format!(
        "{}: bare's p50 is {}, {spread}; half of all requests left within {lag} of when they were due in its worst run",
        case.group,
        show(p50.median),
    ))
}

/// The load generator's account of itself, run by run.
fn validity(report: &Report) -> DataTable {
    let columns = [
        "run",
        "mesh",
        "block",
        "place",
        "requests",
        "errors",
        "achieved",
        "send lag p50",
        "send lag p99",
        "generator CPU",
        "stolen CPU",
        "edges read late by",
        "recording",
        "counted",
    ];
    let mut table = DataTable { columns: columns.map(str::to_owned).to_vec(), rows: Vec::new() };
    for case in &report.cases {
        table.rows.extend(case.runs.iter().map(|run| validity_of(case, run)));
    }
    table
}

fn validity_of(case: &CaseReport, run: &RunReport) -> Vec<String> {
    const DIGITS: usize = 19;
    let lag = |ns: u64| Number::Duration.show(ns as f64);
    let achieved = run.offered_rate.map_or_else(
        || Number::Rate.show(run.achieved_rate),
        |offered| Number::Percent.show(run.achieved_rate / offered),
    );
    vec![
        run.folder.clone(),
        case.mesh.clone(),
        run.block.to_string(),
        run.position.to_string(),
        run.requests.to_string(),
        (run.requests - run.successes.min(run.requests)).to_string(),
        achieved,
        lag(run.send_lag_ns.p50),
        lag(run.send_lag_ns.p99),
        Number::Percent.show(run.generator_cpu_share),
        run.steal_share.map_or_else(|| "–".to_owned(), |share| Number::Percent.show(share)),
        lag(run.edge_lateness_ns),
        run.recording_digest.chars().take(DIGITS).collect(),
        if case.counts(run.block) { "yes" } else { "left out" }.to_owned(),
    ]
}

/// What to type to have the same cases again, side by side in the same blocks.
fn commands(report: &Report) -> Vec<String> {
    let selected = report.cases.iter().filter(|case| case.selected);
    let mut scenarios: Vec<&str> = selected.filter_map(|case| case.name.split("::").next()).collect();
    scenarios.dedup();
    let command = |scenario: &&str| format!("cargo test --test meshes -- --include-ignored {scenario}::");
    scenarios.iter().map(command).collect()
}
