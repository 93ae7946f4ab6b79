//! Istio's charts with the values that ship, for the meshes whose images cannot be had here too: what their definitions say
//! of them, and whether an API server takes them from a campaign.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use meshbench_core::yaml;
use meshbench_lab::mesh::{
    HelmChart, InstallStep, KubeMesh, MeshCatalog, MeshDefinition, PodSelector, ReadyCondition,
    SharedCounters,
};
use meshbench_testcluster::istio;
use serde_json::{Value, json};

use crate::support::{eventually, text_of};
use crate::world::{World, helm};

/// Istio's meshes that ship.
const MESHES: [&str; 4] = ["istio-ambient", "istio-ambient-waypoint", "istio-stock", "istio-tuned"];
/// Stands for an app's namespace.
const APP: &str = "charts-app";
/// Who campaigns are, for whoever may speak for others.
const CAMPAIGN: &str = "--as=system:serviceaccount:default:meshbench";

/// What a definition names is what its charts make, no more and no less; and they heed the values that ship.
pub(crate) fn charts_make_what_definitions_name() {
    for mesh in &Mesh::all() {
        mesh.assert_values_are_heeded();
        mesh.assert_all_that_runs_is_awaited();
        mesh.assert_shared_proxies_are_found();
        mesh.assert_apps_are_enrolled();
    }
}

/// Every object of every mesh is taken under the role that `meshbench rbac` prints, with each of its fields, by an API server
/// that knows the definitions. It is asked and nothing made, but for the definitions and namespaces that this takes.
pub(crate) fn an_api_server_takes_all_objects() {
    let world = World::new();
    let before = world.everything();
    let meshes = Mesh::all();
    let ground = Ground::of(&world, &meshes);
    for mesh in &meshes {
        let own = &mesh.kube.namespaces[0].name;
        ground.assert_takes(&mesh.name, &mesh.objects, own);
        ground.assert_takes(&mesh.name, &mesh.of_apps, APP);
    }
    let misspelt = meshes[0].of_apps.iter().map(|object| object.to_string().replace("mtls", "mtsl"));
    let misspelt: Vec<Value> = misspelt.map(|text| serde_json::from_str(&text).unwrap()).collect();
    let refused = ground.try_all(&misspelt, APP).unwrap_err();
    assert!(refused.contains("mtsl"), "{refused}");
    drop(ground);
    // APIServices go some moment after the definitions that they were made for.
    eventually("all to be gone", || match world.everything() {
        after if after == before => Ok(()),
        after => Err(format!("{after:?}")),
    });
}

/// A mesh of Istio's and its manifests.
struct Mesh {
    name: String,
    definition: MeshDefinition,
    kube: KubeMesh,
    charts: BTreeMap<&'static str, PathBuf>,
    /// What is installed.
    objects: Vec<Value>,
    /// What is made in each app's namespace.
    of_apps: Vec<Value>,
}

impl Mesh {
    /// Those that ship, with the charts of the Istio that the test cluster has.
    fn all() -> Vec<Self> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/meshes");
        let catalog = MeshCatalog::load(&folder).unwrap();
        let meshes = catalog.iter().filter(|(name, _)| name.to_string().starts_with("istio"));
        let charts = istio::charts_in_module().unwrap();
        let meshes = meshes.map(|(_, definition)| Self::of(definition.clone().unwrap(), charts.clone()));
        let meshes: Vec<_> = meshes.collect();
        assert_eq!(meshes.iter().map(|mesh| mesh.name.as_str()).collect::<Vec<_>>(), MESHES);
        meshes
    }

    fn of(definition: MeshDefinition, charts: BTreeMap<&'static str, PathBuf>) -> Self {
        let kube = definition.kube.clone().unwrap();
        let name = definition.name.to_string();
        let mut mesh = Self { name, definition, kube, charts, objects: Vec::new(), of_apps: Vec::new() };
        let steps = mesh.kube.install.iter().flat_map(|step| match step {
            InstallStep::Helm(chart) => mesh.template(chart, true),
            InstallStep::Manifests(url) if url.contains("/gateway-api/") => definitions_of_gateways(url),
            InstallStep::Manifests(file) => mesh.file(file),
            other => panic!("{}: nothing here renders {other:?}", mesh.name),
        });
        let objects = steps.collect();
        let of_apps = mesh.kube.enrolment.namespace_manifests.iter().flat_map(|file| mesh.file(file));
        let of_apps = of_apps.collect();
        mesh.objects = objects;
        mesh.of_apps = of_apps;
        mesh
    }

    fn file(&self, name: &str) -> Vec<Value> {
        yaml::documents(name, &fs::read_to_string(self.definition.folder.join(name)).unwrap()).unwrap()
    }

    /// What Helm makes of a chart, called as in a campaign but for where the chart is.
    fn template(&self, chart: &HelmChart, with_values: bool) -> Vec<Value> {
        let mut helm = Command::new(helm());
        helm.args(["template", &chart.release]).arg(&self.charts[chart.chart.as_str()]);
        helm.args(["--include-crds", "--namespace", &chart.namespace]);
        if let Some(values) = chart.values.as_ref().filter(|_| with_values) {
            helm.arg("--values").arg(self.definition.folder.join(values));
        }
        printed(&mut helm)
    }

    /// A chart passes over values that it does not know, and says nothing of it.
    fn assert_values_are_heeded(&self) {
        for step in &self.kube.install {
            let InstallStep::Helm(chart) = step else { continue };
            let differs = self.template(chart, true) != self.template(chart, false);
            assert_eq!(differs, chart.values.is_some(), "{}: {chart:?}", self.name);
        }
    }

    fn assert_all_that_runs_is_awaited(&self) {
        let awaited = self.kube.ready.iter().map(|condition| match condition {
            ReadyCondition::Deployment(path) => format!("Deployment {path}"),
            ReadyCondition::DaemonSet(path) => format!("DaemonSet {path}"),
            ReadyCondition::MutatingWebhook(name) => format!("MutatingWebhookConfiguration {name}"),
            ReadyCondition::SidecarsInjected => panic!("{}: no object is that", self.name),
        });
        let runs = self.running().map(shown);
        // A mesh without sidecars has an injector, too, which nobody asks.
        let injectors = self.of_kind("MutatingWebhookConfiguration").map(shown);
        let injectors = injectors.filter(|_| !self.kube.sidecars.is_empty());
        let (awaited, made): (BTreeSet<_>, BTreeSet<_>) =
            (awaited.collect(), runs.chain(injectors).collect());
        assert_eq!(awaited, made, "{}", self.name);
    }

    /// Per node they are pods of a chart; waypoints are made by Istio, of a template that a chart has for it.
    fn assert_shared_proxies_are_found(&self) {
        let proof = self.kube.proof.as_ref().unwrap();
        for selector in &self.kube.data_plane_pods {
            let selected: Vec<_> = self.selected_by(selector).map(shown).collect();
            match &selector.namespace {
                Some(_) => assert_eq!(selected, ["DaemonSet istio-system/ztunnel"], "{}", self.name),
                None => assert!(self.is_waypoint(selector), "{}: {selector:?}", self.name),
            }
        }
        if let Some(SharedCounters { pods, port, .. }) = &proof.shared {
            assert!(self.kube.data_plane_pods.contains(pods), "{}: {pods:?}", self.name);
            let (of_chart, of_waypoint) =
                (format!("\"containerPort\":{port}"), format!("\"prometheus.io/port\" \"{port}\""));
            let is_there = match &pods.namespace {
                Some(_) => self.selected_by(pods).all(|it| it.to_string().contains(&of_chart)),
                None => self.template_of("waypoint").contains(&of_waypoint),
            };
            assert!(is_there, "{}: no proxy has the port {port}", self.name);
        }
        if let Some(sidecar) = &proof.sidecar {
            let values = self.injector()["values"].as_str().unwrap();
            let values: Value = serde_json::from_str(values).unwrap();
            assert_eq!(values["global"]["proxy"]["statusPort"], sidecar.port, "{}", self.name);
        }
    }

    /// What runs in a namespace, with pods that a selector takes.
    fn selected_by(&self, selector: &PodSelector) -> impl Iterator<Item = &Value> {
        self.running().filter(move |it| {
            let labels = &it["spec"]["template"]["metadata"]["labels"];
            it["metadata"]["namespace"].as_str() == selector.namespace.as_deref()
                && selector.labels.iter().all(|(key, value)| labels[key] == *value)
        })
    }

    /// Whether a selector takes the pods that Istio makes for a `Gateway` of the mesh's, by the label with its name.
    fn is_waypoint(&self, selector: &PodSelector) -> bool {
        let template = self.template_of("waypoint");
        let mut gateways = self.of_apps.iter().filter(|object| object["kind"] == "Gateway");
        gateways.any(|gateway| {
            let is_its = |(key, name): (&String, &String)| {
                template.contains(&format!("\"{key}\" .Name")) && gateway["metadata"]["name"] == *name
            };
            selector.labels.iter().all(is_its)
        })
    }

    /// An app's namespace and pods are taken by the webhooks that inject sidecars, or by the agent on each node that leads
    /// traffic through the proxy there, and by one of them only.
    fn assert_apps_are_enrolled(&self) {
        let enrolment = &self.kube.enrolment;
        let takes = |selectors: &Value, pods: &str| {
            selects(&selectors["namespaceSelector"], &enrolment.namespace_labels)
                && selects(&selectors[pods], &enrolment.pod_labels)
        };
        let webhooks = self.of_kind("MutatingWebhookConfiguration").flat_map(|it| it["webhooks"].as_array());
        let is_injected = webhooks.flatten().any(|webhook| takes(webhook, "objectSelector"));
        let maps = self.of_kind("ConfigMap");
        let mut agents = maps.filter_map(|it| it["data"]["AMBIENT_ENABLEMENT_SELECTOR"].as_str());
        let is_led = agents.any(|text| {
            let selectors: Vec<Value> = yaml::from_str("selectors", text).unwrap();
            selectors.iter().any(|one| takes(one, "podSelector"))
        });
        let has_sidecars = !self.kube.sidecars.is_empty();
        assert_eq!((is_injected, is_led), (has_sidecars, !has_sidecars), "{}", self.name);
        let template = self.template_of("sidecar");
        let is_container = |name: &String| template.contains(&format!("- name: {name}\n"));
        assert!(self.kube.sidecars.iter().all(is_container), "{}", self.name);
    }

    fn of_kind<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Value> {
        self.objects.iter().filter(move |object| object["kind"] == kind)
    }

    fn running(&self) -> impl Iterator<Item = &Value> {
        self.of_kind("Deployment").chain(self.of_kind("DaemonSet"))
    }

    /// What Istio makes pods and sidecars of.
    fn injector(&self) -> &Value {
        let mut maps = self.of_kind("ConfigMap");
        &maps.find(|it| it["metadata"]["name"] == "istio-sidecar-injector").unwrap()["data"]
    }

    fn template_of(&self, what: &str) -> String {
        let config = self.injector()["config"].as_str().unwrap();
        let config: Value = yaml::from_str("config", config).unwrap();
        config["templates"][what].as_str().unwrap().to_owned()
    }
}

/// Definitions of custom resources and namespaces, as long as this is there: objects in them are refused without.
struct Ground<'world> {
    world: &'world World,
    folder: tempfile::TempDir,
}

impl<'world> Ground<'world> {
    fn of(world: &'world World, meshes: &[Mesh]) -> Self {
        let definitions = meshes.iter().flat_map(|mesh| mesh.of_kind("CustomResourceDefinition"));
        let definitions: BTreeMap<_, _> = definitions.map(|one| (shown(one), one.clone())).collect();
        let namespaces = meshes.iter().flat_map(|mesh| &mesh.kube.namespaces).map(|own| own.name.as_str());
        let namespaces: BTreeSet<_> = namespaces.chain([APP]).collect();
        let namespaces = namespaces
            .into_iter()
            .map(|name| json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}));
        let ground = Self { world, folder: tempfile::tempdir().unwrap() };
        let all: Vec<_> = namespaces.chain(definitions.into_values()).collect();
        let file = ground.write("ground", &all);
        world.kubectl(&["apply", "--server-side", "--filename", &file]);
        world.kubectl(&["wait", "--for=condition=Established", "crd", "--all", "--timeout=60s"]);
        ground
    }

    /// Fails unless a campaign could make all of them.
    fn assert_takes(&self, mesh: &str, objects: &[Value], namespace: &str) {
        let taken = eventually("definitions to be served", || match self.try_all(objects, namespace) {
            Err(said) if said.contains("no matches for kind") => Err(said),
            ended => Ok(ended),
        });
        taken.unwrap_or_else(|said| panic!("{mesh}: {said}"));
    }

    /// Applied as a campaign applies it, on the server's side: a field that it does not know is refused.
    fn try_all(&self, objects: &[Value], namespace: &str) -> Result<(), String> {
        let file = self.write("tried", objects);
        let who = [CAMPAIGN, "--namespace", namespace];
        let what = ["apply", "--server-side", "--dry-run=server", "--filename", &file];
        let arguments: Vec<_> = who.into_iter().chain(what).collect();
        self.world.try_kubectl(&arguments).map(drop)
    }

    fn write(&self, name: &str, objects: &[Value]) -> String {
        let file = self.folder.path().join(format!("{name}.json"));
        let list = json!({"apiVersion": "v1", "kind": "List", "items": objects});
        fs::write(&file, list.to_string()).unwrap();
        file.display().to_string()
    }
}

impl Drop for Ground<'_> {
    fn drop(&mut self) {
        let file = self.folder.path().join("ground.json").display().to_string();
        // What is left is found by who looks at everything.
        let _ = self.world.try_kubectl(&["delete", "--ignore-not-found", "--filename", &file]);
    }
}

/// What `kubectl` makes of the Gateway API's module, of which the file at `url` was made, if it is of that version.
fn definitions_of_gateways(url: &str) -> Vec<Value> {
    let (folder, version) = istio::gateway_api().unwrap();
    assert!(url.contains(&format!("/{version}/")), "Istio is built with {version}, not with {url}");
    printed(Command::new("kubectl").arg("kustomize").arg(folder))
}

fn printed(command: &mut Command) -> Vec<Value> {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", text_of(&output));
    yaml::documents(&format!("{command:?}"), &String::from_utf8(output.stdout).unwrap()).unwrap()
}

/// `Deployment istio-system/istiod`, as definitions name it.
fn shown(object: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let metadata = &object["metadata"];
    let namespace =
        metadata["namespace"].as_str().map(|namespace| format!("{namespace}/")).unwrap_or_default();
    format!("{} {namespace}{}", text(&object["kind"]), text(&metadata["name"]))
}

/// Whether a selector as Kubernetes has it takes what has these labels.
fn selects(selector: &Value, labels: &BTreeMap<String, String>) -> bool {
    let mut exact = selector["matchLabels"].as_object().into_iter().flatten();
    let mut rules = selector["matchExpressions"].as_array().into_iter().flatten();
    let is_met = |rule: &Value| {
        let label = labels.get(rule["key"].as_str().unwrap());
        let mut values = rule["values"].as_array().into_iter().flatten();
        let is_named = values.any(|value| value.as_str() == label.map(String::as_str));
        match rule["operator"].as_str().unwrap() {
            "In" => is_named,
            "NotIn" => !is_named,
            "Exists" => label.is_some(),
            "DoesNotExist" => label.is_none(),
            other => panic!("no selector has the operator {other}"),
        }
    };
    exact.all(|(key, value)| labels.get(key).map(String::as_str) == value.as_str()) && rules.all(is_met)
}
