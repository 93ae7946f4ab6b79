//! Campaigns on several clusters at once, and on one that is made for them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::Duration;

use meshbench_core::judge::Verdict;
use meshbench_core::report::{CaseReport, Report};
use meshbench_testcluster::{Cluster, cgroups};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use super::campaigns::small_scenario;
use crate::support::{Started, Workshop, eventually, eventually_within, start, text_of};
use crate::world::{
    World, add_istio, everything, folder_for, helm, istio_images, program, testcluster, try_kubectl,
    write_image, write_kubeconfig,
};

/// In every report of a campaign on one node.
const CO_LOCATED: &str = "the load generator shares a node with what it measures";

/// The same blocks on two clusters, of which one has little CPU for its apps: each is judged alone, and the slower one is
/// named and not pooled.
pub(crate) fn of_two_clusters_the_slowed_one_is_the_lemon() {
    let world = World::new();
    let west = Second::up(world.cluster());
    let _neighbour = Neighbour::on(&west.0);
    let kubeconfig = world.cluster().folder().join("east-and-west.kubeconfig");
    write_merged([("east", world.cluster()), ("west", &west.0)], &kubeconfig);
    let scenario = small_scenario("bare", "8s", "  generator_node: node-2\n");
    let scenario = scenario.replace("100rps", "30rps").replace("repeats: 1", "repeats: 2");
    world.workshop.scenario("both", &scenario);
    let before = [everything(world.cluster()), everything(&west.0)];

    let mut campaign = world.meshbench(&["run", "both", "--context", "east,west"]);
    let output = campaign.env("KUBECONFIG", &kubeconfig).output().unwrap();
    let text = text_of(&output);
    assert_eq!([everything(world.cluster()), everything(&west.0)], before, "{text}");
    let report = world.workshop.report();
    assert_both_ran(&report, &text);
    let pooled = report.pooled.as_ref().expect(&text);
    let why = |name: &str| {
        let member = pooled.members.iter().find(|member| member.name == name).expect(&text);
        member.left_out.as_deref()
    };
    assert_eq!(why("east"), None, "{text}");
    assert!(why("west").is_some_and(|why| why.starts_with("a lemon: ")), "{text}");
    let [case] = pooled.cases.as_slice() else { panic!("{text}") };
    assert_eq!((case.name.as_str(), case.members), ("both::bare::30rps::8s", 1), "{text}");
    assert!(text.contains("not pooled: west: a lemon"), "{text}");
}

fn assert_both_ran(report: &Report, text: &str) {
    let names: Vec<_> = report.cases.iter().map(|case| case.name.as_str()).collect();
    assert_eq!(names, ["both::bare::30rps::8s@east", "both::bare::30rps::8s@west"], "{text}");
    for case in &report.cases {
        assert!(!matches!(case.verdict, Verdict::Error { .. }), "{text}");
        assert_eq!(case.runs.len(), 2, "{text}");
    }
    let contexts: Vec<_> =
        report.environment.clusters.iter().map(|cluster| cluster.context.as_str()).collect();
    assert_eq!(contexts, ["east", "west"], "{text}");
}

/// A cluster beside the shared one, with our image and our role in it.
struct Second(Cluster);

impl Second {
    fn up(first: &Cluster) -> Self {
        let second = Self(Cluster::in_folder(&folder_for("kube-west")).unwrap());
        testcluster(&second.0, &["up"]);
        let image = first.folder().join("meshbench.tar").display().to_string();
        testcluster(&second.0, &["load-image", &image]);
        write_kubeconfig(&second.0);
        second
    }
}

impl Drop for Second {
    fn drop(&mut self) {
        testcluster(&self.0, &["down"]);
    }
}

/// Processes that take what CPU the apps' node has, of which there is a fifth of a core: whatever they need, they have had
/// none for four fifths of each tenth of a second. The node of the generator is as it was, for one that is late would say
/// nothing of the cluster.
struct Neighbour(Vec<Child>);

impl Neighbour {
    fn on(cluster: &Cluster) -> Self {
        let apps = format!("{}/node-1", cluster.cgroup());
        cgroups::limit_cpu(&apps, Duration::from_millis(20), Duration::from_millis(100)).unwrap();
        let mut busy = Self(Vec::new());
        // As many as there are cores: on a machine that is busy itself, one alone would not take all of it in time.
        for _ in 0..std::thread::available_parallelism().unwrap().get() {
            let process = Command::new("sh").args(["-c", "while :; do :; done"]).spawn().unwrap();
            let id = process.id();
            busy.0.push(process);
            cgroups::put(&format!("{apps}/neighbour"), id).unwrap();
        }
        busy
    }
}

impl Drop for Neighbour {
    fn drop(&mut self) {
        for process in &mut self.0 {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

/// The least privileged account of each cluster, by a context of its own.
fn write_merged(clusters: [(&str, &Cluster); 2], to: &Path) {
    let mut merged = serde_json::json!({
        "apiVersion": "v1", "kind": "Config", "clusters": [], "users": [], "contexts": [],
    });
    for (name, cluster) in clusters {
        let own = fs::read_to_string(cluster.folder().join("least-privilege.kubeconfig")).unwrap();
        let mut own: Value = serde_json::from_str(&own).unwrap();
        own["contexts"][0]["context"] = serde_json::json!({"cluster": name, "user": name});
        for list in ["clusters", "users", "contexts"] {
            own[list][0]["name"] = name.into();
            merged[list].as_array_mut().unwrap().push(own[list][0].take());
        }
    }
    fs::write(to, merged.to_string()).unwrap();
}

/// Services of an app on one node and on two, side by side in one campaign.
pub(crate) fn placements_are_an_axis() {
    let place = Place::new();
    let services = format!("{}  services: [same_node, across_nodes]\n", place.recipe(3));
    place.workshop.scenario("placed", &small_scenario("bare", "1s", &services));
    let output = place.workshop.meshbench(&["run", "placed"]).output().unwrap();
    let text = text_of(&output);
    assert_eq!(place.clusters(), Vec::<String>::new(), "{text}");
    let report = place.workshop.report();
    let nodes_of = |case: &CaseReport| case.runs[0].node_overhead.map(|overhead| overhead.nodes);
    let found: Vec<_> = report.cases.iter().map(|case| (case.name.as_str(), nodes_of(case))).collect();
    let case = "placed::bare::100rps::1s";
    let names = [format!("{case}::same_node"), format!("{case}::across_nodes")];
    assert_eq!(found, [(names[0].as_str(), Some(1)), (names[1].as_str(), Some(2))], "{text}");
}

/// From nothing to nothing, on one node; and where the campaign was killed, the next start removes what it had made.
pub(crate) fn a_cluster_lives_as_long_as_its_campaign() {
    let place = Place::new();
    let scenario = small_scenario("bare", "1s", &place.recipe(1));
    place.workshop.scenario("made", &scenario);
    let killed = Started(start(&mut place.workshop.meshbench(&["run", "made"])));
    eventually("a cluster that is being made", || {
        let clusters = place.clusters();
        if clusters.is_empty() { Err("none".to_owned()) } else { Ok(()) }
    });
    drop(killed);
    let [first] = place.clusters().try_into().unwrap();

    let output = place.workshop.meshbench(&["run", "made"]).output().unwrap();
    let text = text_of(&output);
    assert!(text.contains(&format!("removed {first}, which a killed campaign had made")), "{text}");
    assert_eq!(place.clusters(), Vec::<String>::new(), "{text}");
    place.workshop.assert_clean(&text);
    let report = place.workshop.report();
    let [case] = report.cases.as_slice() else { panic!("{text}") };
    assert_eq!((case.name.as_str(), case.runs.len()), ("made::bare::100rps::1s", 1), "{text}");
    let [cluster] = report.environment.clusters.as_slice() else { panic!("{text}") };
    assert_eq!((cluster.context.as_str(), cluster.nodes.len()), ("testcluster", 1), "{text}");
    // Where there is one node, the load generator is on it too, and whoever reads of the figures reads of that.
    assert!(case.runs[0].placement.as_ref().unwrap().co_located, "{text}");
    let folder = place.workshop.campaign();
    for file in ["report.md", "report.html", "junit.xml"] {
        let written = fs::read_to_string(folder.join(file)).unwrap();
        assert!(written.contains(CO_LOCATED), "{file}: {written}");
    }
    assert!(text.contains(CO_LOCATED), "{text}");
    let metrics = fs::read_to_string(folder.join("metrics.prom")).unwrap();
    assert!(metrics.contains("cluster_generator_co_located{cluster=\"testcluster\"} 1"), "{metrics}");
}

/// A signal that comes while a mesh, its app and the load are in a cluster that was made for them: it goes with them.
pub(crate) fn a_made_cluster_goes_whatever_ends_its_campaign() {
    let place = Place::new();
    add_istio(&place.workshop);
    let scenario = small_scenario("istio-tuned", "60s", &place.recipe_with(2, &istio_images()));
    place.workshop.scenario("made", &scenario);
    for signal in [Signal::SIGTERM, Signal::SIGKILL] {
        let mut campaign = place.workshop.meshbench(&["run", "made"]);
        let mut campaign = start(campaign.env("MESHBENCH_HELM", helm()));
        eventually_within(Duration::from_secs(400), "load on a mesh in a cluster that was made", || {
            let [name] = place.clusters().try_into().map_err(|_| "no cluster".to_owned())?;
            let cluster = Cluster::in_folder(&place.folder.join("clusters").join(name)).unwrap();
            let there = try_kubectl(&cluster, &["get", "deployments,jobs", "-A", "-o", "name"])?;
            if there.contains("/istiod") && there.contains("job.batch/") { Ok(()) } else { Err(there) }
        });
        kill(Pid::from_raw(campaign.id() as i32), signal).unwrap();
        campaign.wait().unwrap();
        if signal == Signal::SIGKILL {
            let cleaned = text_of(&place.workshop.meshbench(&["clean"]).output().unwrap());
            assert!(cleaned.contains("which a killed campaign had made"), "{cleaned}");
        }
        assert_eq!(place.clusters(), Vec::<String>::new(), "{signal}");
        place.workshop.assert_clean(signal.as_str());
    }
}

/// Where the clusters of campaigns are made, and the image that they get.
struct Place {
    workshop: Workshop,
    folder: PathBuf,
}

impl Place {
    fn new() -> Self {
        let folder = folder_for("made");
        fs::create_dir_all(folder.join("clusters")).unwrap();
        write_image(&folder.join("meshbench.tar").display().to_string());
        Self { workshop: Workshop::new(), folder }
    }

    /// Clusters of so many nodes, in the section `kube` of a scenario.
    fn recipe(&self, nodes: u32) -> String {
        self.recipe_with(nodes, &[])
    }

    /// The same with these images in them, beside ours.
    fn recipe_with(&self, nodes: u32, images: &[String]) -> String {
        let (folder, program) = (self.folder.display(), program());
        let images = images.join(" ");
        let testcluster = format!("{} --folder {folder}/clusters/{{name}}", program.display());
        let create = format!(
            "{testcluster} up --nodes {nodes} && {testcluster} load-image {folder}/meshbench.tar {images} && \
             cp {folder}/clusters/{{name}}/kubeconfig $KUBECONFIG"
        );
        format!(
            "  cluster:\n    create: [sh, -c, \"{create}\"]\n    delete: [sh, -c, \"{testcluster} down\"]\n    context: testcluster\n"
        )
    }

    /// The names of those that are there.
    fn clusters(&self) -> Vec<String> {
        let entries = fs::read_dir(self.folder.join("clusters")).unwrap().map(|entry| entry.unwrap());
        let folders = entries.filter(|entry| entry.path().is_dir());
        folders.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        for name in self.clusters() {
            testcluster(&Cluster::in_folder(&self.folder.join("clusters").join(name)).unwrap(), &["down"]);
        }
        let _ = fs::remove_dir_all(&self.folder);
    }
}
