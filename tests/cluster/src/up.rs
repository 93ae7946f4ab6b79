//! Bringing a cluster up.

use std::fs::{self, File};
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use crate::artifacts::{self, Artifacts};
use crate::cluster::Cluster;
use crate::error::{Error, Result};
use crate::kubeconfig::kubeconfig;
use crate::pki::{self, Authority, Identity, Subject};
use crate::status::Status;
use crate::{api, cgroups, config, descriptors, down, members, network, requirements};

/// Group of those who may do everything, and are in no role.
const ADMINISTRATORS: &str = "system:masters";
/// How much of a log is quoted in an error.
const QUOTED_LOG_LINES: usize = 15;

/// How `up` left the cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It was running, whole, and was not touched.
    WasUp,
    /// It was brought up, in this time.
    Started(Duration),
}

/// What becomes of a cluster that did not come up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AfterFailure {
    /// Nothing of it is left.
    Remove,
    /// It is left as it is, to look at.
    Keep,
}

/// Brings the cluster up, unless it is: the programs are built if they are not yet, what is left of an earlier cluster in
/// the folder is removed, and in the end the nodes are ready and cluster DNS answers.
///
/// # Errors
/// [`Error::Missing`] when the machine cannot run one; anything else with the logs' last lines.
pub fn up(cluster: &Cluster, nodes: u8, after_failure: AfterFailure) -> Result<Outcome> {
    requirements::check()?;
    descriptors::keep_from_children()?;
    let programs = artifacts::build()?;
    let _lock = cluster.lock()?;
    if cluster.nodes() == Some(nodes) && Status::of(cluster)?.is_whole() {
        // An `up` that was killed may have left a whole cluster that is not ready yet.
        api::block_on(become_ready(cluster, nodes))?;
        return Ok(Outcome::WasUp);
    }
    let began = Instant::now();
    down::remove(cluster)?;
    if let Err(error) = prepare_and_start(cluster, &programs, nodes) {
        let told = with_logs(cluster, &error);
        if after_failure == AfterFailure::Remove {
            down::remove(cluster)?;
        }
        return Err(told);
    }
    Ok(Outcome::Started(began.elapsed()))
}

fn prepare_and_start(cluster: &Cluster, programs: &Artifacts, nodes: u8) -> Result<()> {
    let make = |path: &Path| fs::create_dir_all(path).map_err(Error::file("make", path));
    let write = |path: &Path, text: &str| fs::write(path, text).map_err(Error::file("write", path));
    make(cluster.folder())?;
    write(&cluster.nodes_file(), &format!("{nodes}\n"))?;
    requirements::check_folder(cluster.folder())?;
    for folder in [cluster.pki(), cluster.logs()] {
        make(&folder)?;
    }
    write(&cluster.folder().join("resolv.conf"), "# Nothing outside is reachable.\n")?;
    for number in 1..=nodes {
        let node = cluster.node(&network::node_name(number));
        make(&node)?;
        write(&node.join("containerd.toml"), &config::containerd())?;
        write(&node.join("kubelet.json"), &config::kubelet(number, &cluster.cgroup()).to_string())?;
        write(&node.join("kube-proxy.json"), &config::kube_proxy(number).to_string())?;
        cgroups::create(&format!("{}/{}", cluster.cgroup(), network::node_name(number)))?;
    }
    // The kernel chooses a free port; who connects to it reaches the API server inside.
    let listener = TcpListener::bind(("127.0.0.1", 0)).map_err(Error::file("listen on", "127.0.0.1"))?;
    let port = listener.local_addr().map_err(Error::file("listen on", "127.0.0.1"))?.port();
    write_identities(cluster, nodes, port)?;

    let mut first = start(cluster, programs, nodes, listener)?;
    api::block_on(async {
        tokio::select! {
            ready = become_ready(cluster, nodes) => ready,
            ended = end_of(&mut first) => Err(ended),
        }
    })
}

async fn become_ready(cluster: &Cluster, nodes: u8) -> Result<()> {
    let client = api::client(&cluster.kubeconfig()).await?;
    api::await_ready(&client).await?;
    api::await_nodes(&client, nodes).await?;
    api::add_dns(&client).await
}

/// When the cluster's first process ends, there is nothing more to wait for.
async fn end_of(first: &mut Child) -> Error {
    loop {
        match first.try_wait() {
            Ok(None) => tokio::time::sleep(Duration::from_millis(50)).await,
            Ok(Some(status)) => {
                return Error::Unusable(format!("the cluster's first process ended: {status}"));
            }
            Err(error) => return Error::file("wait for", "the cluster's first process")(error),
        }
    }
}

/// Everyone's certificates: <https://kubernetes.io/docs/setup/best-practices/certificates/>.
fn write_identities(cluster: &Cluster, nodes: u8, port: u16) -> Result<()> {
    let folder = cluster.pki();
    let (authority, front) = (Authority::new("kubernetes-ca")?, Authority::new("front-proxy-ca")?);
    pki::write(&folder, "ca", &authority.identity())?;
    pki::write(&folder, "front-proxy-ca", &front.identity())?;
    let (public, private) = pki::token_key()?;
    pki::write_secret(&folder.join("tokens.pub"), &public)?;
    pki::write_secret(&folder.join("tokens.key"), &private)?;

    let service = format!("kubernetes.default.svc.{}", network::DOMAIN);
    let names = ["kubernetes", "kubernetes.default", "kubernetes.default.svc", &service, "localhost"];
    let addresses = [network::API_SERVICE, network::CONTROL_PLANE, "127.0.0.1"];
    let serves: Vec<_> = names.into_iter().chain(addresses).collect();
    let server = Subject { name: "kube-apiserver", group: None, serves: &serves };
    pki::write(&folder, "apiserver", &authority.issue(server)?)?;
    let to_kubelets = Subject::client("kube-apiserver-kubelet-client", Some(ADMINISTRATORS));
    pki::write(&folder, "apiserver-kubelet-client", &authority.issue(to_kubelets)?)?;
    pki::write(&folder, "front-proxy-client", &front.issue(Subject::client("front-proxy-client", None))?)?;

    let trusted = authority.identity().certificate;
    let inside = format!("https://{}:{}", network::CONTROL_PLANE, network::API_SERVER_PORT);
    let write_kubeconfig = |file: &Path, server: &str, user: &Identity| {
        pki::write_secret(file, &kubeconfig(server, &trusted, user))
    };
    for component in ["controller-manager", "scheduler", "proxy"] {
        let user = authority.issue(Subject::client(&format!("system:kube-{component}"), None))?;
        let file = if component == "proxy" { "kube-proxy" } else { component };
        write_kubeconfig(&cluster.folder().join(format!("{file}.kubeconfig")), &inside, &user)?;
    }
    for number in 1..=nodes {
        let (name, address) = (network::node_name(number), network::node_address(number));
        let user = format!("system:node:{name}");
        let node = Subject { name: &user, group: Some("system:nodes"), serves: &[&name, &address] };
        let node = authority.issue(node)?;
        pki::write(&folder, &name, &node)?;
        write_kubeconfig(&cluster.folder().join(format!("{name}.kubeconfig")), &inside, &node)?;
    }
    let administrator = authority.issue(Subject::client("kubernetes-admin", Some(ADMINISTRATORS)))?;
    write_kubeconfig(&cluster.kubeconfig(), &format!("https://127.0.0.1:{port}"), &administrator)
}

/// Starts the cluster's first process in namespaces of its own, with the listener as its standard input.
fn start(cluster: &Cluster, programs: &Artifacts, nodes: u8, listener: TcpListener) -> Result<Child> {
    let own = std::env::current_exe().map_err(Error::file("find", "this program"))?;
    let path = cluster.logs().join("control.log");
    let log = File::create(&path).map_err(Error::file("make", &path))?;
    let errors = log.try_clone().map_err(Error::file("write", &path))?;
    Command::new("unshare")
        .args(["--mount", "--net", "--uts", "--ipc", "--pid", "--fork", "--kill-child=KILL"])
        .args(["--mount-proc", "--propagation", "private", "--"])
        .arg(own)
        .args(["inside", "control", "--cgroup", &cluster.cgroup(), "--nodes", &nodes.to_string()])
        .arg("--folder")
        .arg(cluster.folder())
        .arg("--programs")
        .arg(programs.folder())
        // What the caller has exported is no business of the cluster's.
        .env_clear()
        .env("PATH", requirements::search_path())
        .env("HOME", "/root")
        .env(members::MARK_VARIABLE, cluster.id())
        .current_dir("/")
        .stdin(OwnedFd::from(listener))
        .stdout(log)
        .stderr(errors)
        .process_group(0)
        .spawn()
        .map_err(|source| Error::Start { program: "unshare".to_owned(), source })
}

/// The error with the last lines of the logs that say why: those of the first processes, and of what they saw end.
fn with_logs(cluster: &Cluster, error: &Error) -> Error {
    let read =
        |name: &str| fs::read_to_string(cluster.logs().join(format!("{name}.log"))).unwrap_or_default();
    let mut names = vec!["control".to_owned()];
    names.extend(network::node_names(cluster.nodes().unwrap_or(0)));
    let ended: Vec<_> = names
        .iter()
        .flat_map(|name| read(name).lines().filter_map(ended_component).collect::<Vec<_>>())
        .collect();
    names.extend(ended);
    let mut text = error.chain();
    for name in names {
        let log = read(&name);
        let lines: Vec<_> = log.lines().filter(|line| !line.trim().is_empty()).collect();
        if !lines.is_empty() {
            text.push_str(&format!("\n  the last lines of {name}.log:"));
        }
        for line in &lines[lines.len().saturating_sub(QUOTED_LOG_LINES)..] {
            text.push_str(&format!("\n    | {line}"));
        }
    }
    Error::Unusable(text)
}

/// The component whose end a line of a first process's log tells.
fn ended_component(line: &str) -> Option<String> {
    line.split_once(" ended: ").map(|(name, _)| name.to_owned())
}
