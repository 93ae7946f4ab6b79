//! Everything that runs for one arm: applications, sidecars and mesh-wide processes.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use meshbench_core::resources::Group;
use meshbench_core::scenario::Workload as WorkloadSettings;

use super::topology::{ApplicationPorts, Role, Topology, Workload, reserve_named};
use crate::error::{LabError, error_chain};
use crate::http;
use crate::identity::{Authority, Identity, IdentityFiles, Strangers};
use crate::mesh::{LocalMesh, Multiplicity, ProcessTemplate, TemplateContext, render_file, render_word};
use crate::process::{Component, ComponentSpec, ReservedPort};
use crate::resources::Watched;
use crate::wait;

/// How long one process may take to become ready. Many start at once on few cores.
const READY_LIMIT: Duration = Duration::from_secs(60);

/// The application's executable and how it is placed.
#[derive(Debug, Clone)]
pub(super) struct Surroundings {
    /// `meshbench-emojivoto`.
    pub emojivoto: PathBuf,
    /// The mesh's executable; `None` without a mesh.
    pub proxy: Option<PathBuf>,
    /// The cores everything but the generator runs on.
    pub cores: Vec<usize>,
    /// The id of the campaign, which marks every process.
    pub campaign: String,
    /// A folder of this run's own, removed afterwards.
    pub scratch: PathBuf,
    /// Where rendered configurations are kept with the result.
    pub configuration: PathBuf,
}

/// Running processes. Call [`Deployment::stop`] whatever happened in between.
#[derive(Debug)]
pub(super) struct Deployment {
    topology: Topology,
    surroundings: Surroundings,
    identities: Option<ProbeIdentities>,
    components: Vec<Running>,
    // Held so that nobody is given a mesh-wide process's ports while it runs.
    mesh_ports: Vec<BTreeMap<String, ReservedPort>>,
}

/// Whom probes of the data path pretend to be.
#[derive(Debug)]
pub(super) struct ProbeIdentities {
    /// The load generator, as its sidecar speaks.
    pub peer: IdentityFiles,
    /// Those who must be turned away.
    pub strangers: Strangers,
}

#[derive(Debug)]
struct Running {
    component: Component,
    ready: ReadyAddress,
}

/// Where a process answers 200 once it is ready.
#[derive(Debug, Clone)]
struct ReadyAddress {
    port: u16,
    path: String,
}

impl Deployment {
    /// Lays out the arm without starting anything.
    ///
    /// # Errors
    /// [`LabError::System`] when ports run out.
    pub(super) fn new(apps: u32, mesh: &LocalMesh, surroundings: Surroundings) -> Result<Self, LabError> {
        let topology = Topology::new(apps, mesh.sidecar())
            .map_err(|source| LabError::System { doing: "reserve ports", source })?;
        let (components, mesh_ports) = (Vec::new(), Vec::new());
        Ok(Self { topology, surroundings, identities: None, components, mesh_ports })
    }

    /// Starts all processes and waits until every one is ready.
    ///
    /// # Errors
    /// [`LabError`] naming the component, with the last lines of its log.
    pub(super) async fn start(
        &mut self,
        folder: &Path,
        mesh: &LocalMesh,
        workload: &WorkloadSettings,
    ) -> Result<(), LabError> {
        let authority = Authority::new()?;
        for process in mesh.processes.iter().filter(|process| process.per == Multiplicity::Mesh) {
            self.start_mesh_process(folder, process, &authority)?;
        }
        for index in 0..self.topology.workloads().len() {
            if let Some((spec, ready)) = self.application_spec(index, workload)? {
                self.launch(&spec, ready)?;
            }
            if let Some(process) = mesh.sidecar() {
                self.start_sidecar(index, folder, process, &authority)?;
            }
        }
        self.await_ready().await
    }

    /// Who talks to whom.
    #[must_use]
    pub(super) fn topology(&self) -> &Topology {
        &self.topology
    }

    /// Whom probes of the data path pretend to be; `None` without a mesh.
    #[must_use]
    pub(super) fn identities(&self) -> Option<&ProbeIdentities> {
        self.identities.as_ref()
    }

    /// What resource readers watch.
    #[must_use]
    pub(super) fn watched(&self) -> Vec<Watched> {
        let watched = |running: &Running| Watched {
            container: running.component.name().to_owned(),
            group: running.component.group(),
            process_group: running.component.process_group(),
        };
        self.components.iter().map(watched).collect()
    }

    /// Fails when a process has ended.
    ///
    /// # Errors
    /// [`LabError::Component`] naming the first one found, with the last lines of its log.
    pub(super) fn check_running(&mut self, when: &'static str) -> Result<(), LabError> {
        self.components.iter_mut().try_for_each(|running| Ok(running.component.check_running(when)?))
    }

    /// Copies every log into `folder`, for a person who looks for the cause of a failure.
    pub(super) fn keep_logs(&self, folder: &Path) {
        for running in &self.components {
            keep_log(&running.component, folder);
        }
    }

    /// Ends every process and waits until it is gone.
    pub(super) async fn stop(self) {
        for running in &self.components {
            running.component.request_stop();
        }
        for running in self.components.into_iter().rev() {
            running.component.stop().await;
        }
    }

    async fn await_ready(&mut self) -> Result<(), LabError> {
        for running in &mut self.components {
            let ReadyAddress { port, path } = &running.ready;
            let component = std::cell::RefCell::new(&mut running.component);
            let ready = wait::until(READY_LIMIT, || async {
                if let Err(ended) = component.borrow_mut().check_running("before it was ready") {
                    return Ok(Err(ended));
                }
                match http::get(*port, path).await {
                    Ok((status, _)) if status.is_success() => Ok(Ok(())),
                    Ok((status, _)) => Err(format!("GET {path} on port {port} answers {status}")),
                    Err(error) => Err(error_chain(&error)),
                }
            })
            .await;
            let component = component.into_inner();
            match ready {
                Ok(outcome) => outcome?,
                Err(waited) => {
                    let (component, log) = (component.name().to_owned(), component.log_tail());
                    return Err(LabError::NotReady { component, waited, log });
                }
            }
        }
        Ok(())
    }

    fn launch(&mut self, spec: &ComponentSpec, ready: ReadyAddress) -> Result<(), LabError> {
        let component = Component::start(spec, &self.surroundings.campaign)?;
        self.components.push(Running { component, ready });
        Ok(())
    }

    fn application_spec(
        &self,
        index: usize,
        settings: &WorkloadSettings,
    ) -> Result<Option<(ComponentSpec, ReadyAddress)>, LabError> {
        let workload = &self.topology.workloads()[index];
        let Some(ports) = &workload.ports else { return Ok(None) };
        let spec = ComponentSpec {
            name: workload.name.clone(),
            group: Group::Application,
            program: self.surroundings.emojivoto.clone(),
            arguments: vec![workload.role.name().into()],
            environment: self.application_environment(workload, ports, settings),
            directory: self.directory(&workload.name)?,
            cores: self.surroundings.cores.clone(),
            standard_output_piped: false,
        };
        let ready = ReadyAddress { port: ports.metrics.number(), path: "/ready".to_owned() };
        Ok(Some((spec, ready)))
    }

    fn application_environment(
        &self,
        workload: &Workload,
        ports: &ApplicationPorts,
        settings: &WorkloadSettings,
    ) -> Vec<(String, String)> {
        let mut environment = vec![
            ("LISTEN_ADDRESS".to_owned(), "127.0.0.1".to_owned()),
            ("PROM_PORT".to_owned(), ports.metrics.number().to_string()),
        ];
        let service_port = ports.service.number().to_string();
        match workload.role {
            Role::Web => {
                environment.push(("WEB_PORT".to_owned(), service_port));
                for (peer, port) in self.topology.peers_of(workload) {
                    let variable = if peer.role == Role::Emoji { "EMOJISVC_HOST" } else { "VOTINGSVC_HOST" };
                    environment.push((variable.to_owned(), format!("127.0.0.1:{port}")));
                }
            }
            Role::Voting => {
                let votes = settings.votes.iter().map(|(emoji, count)| format!("{emoji}={count}"));
                environment.push(("GRPC_PORT".to_owned(), service_port));
                environment.push(("SEED_VOTES".to_owned(), votes.collect::<Vec<_>>().join(",")));
            }
            Role::Emoji | Role::Generator => environment.push(("GRPC_PORT".to_owned(), service_port)),
        }
        environment
    }

    fn start_sidecar(
        &mut self,
        index: usize,
        folder: &Path,
        process: &ProcessTemplate,
        authority: &Authority,
    ) -> Result<(), LabError> {
        let workload = &self.topology.workloads()[index];
        let Some(sidecar) = &workload.sidecar else { return Ok(()) };
        let name = format!("{}/{}", workload.name, process.name);
        let directory = self.directory(&name.replace('/', "-"))?;
        let identity = authority.issue(&workload.identity, &directory)?;
        let mut context = self.context(directory, &workload.name, &workload.identity, &identity)?;
        context.ports = numbers(&sidecar.named);
        context.inbound = self.topology.inbound_of(workload);
        context.outbound = self.topology.outbound_of(workload);
        let is_generators = workload.role == Role::Generator;
        let ready = ready_address(process, &sidecar.named);
        let spec = self.process_spec(name, folder, process, &context)?;
        if is_generators {
            let strangers = authority.strangers(&workload.identity, &self.surroundings.scratch)?;
            self.identities = Some(ProbeIdentities { peer: identity, strangers });
        }
        self.launch(&spec, ready)
    }

    fn start_mesh_process(
        &mut self,
        folder: &Path,
        process: &ProcessTemplate,
        authority: &Authority,
    ) -> Result<(), LabError> {
        let named = reserve_named(&process.ports)
            .map_err(|source| LabError::System { doing: "reserve ports", source })?;
        let directory = self.directory(&process.name)?;
        let identity = Identity::new("mesh", &process.name, &process.name);
        let files = authority.issue(&identity, &directory)?;
        let mut context = self.context(directory, &process.name, &identity, &files)?;
        context.ports = numbers(&named);
        let ready = ready_address(process, &named);
        let spec = self.process_spec(process.name.clone(), folder, process, &context)?;
        self.mesh_ports.push(named);
        self.launch(&spec, ready)
    }

    fn context(
        &self,
        directory: PathBuf,
        workload: &str,
        identity: &Identity,
        files: &IdentityFiles,
    ) -> Result<TemplateContext, LabError> {
        let binary = self.surroundings.proxy.clone().ok_or_else(|| {
            LabError::DataPath(format!("{workload} has a mesh process but the mesh has no executable"))
        })?;
        Ok(TemplateContext {
            binary,
            directory,
            workload: workload.to_owned(),
            identity: identity.spiffe_id.clone(),
            dns_name: identity.dns_name.clone(),
            certificate: files.certificate.clone(),
            private_key: files.private_key.clone(),
            certificate_and_key: files.certificate_and_key.clone(),
            authority: files.authority.clone(),
            ports: BTreeMap::new(),
            inbound: None,
            outbound: Vec::new(),
        })
    }

    /// Renders a mesh process's files into its directory and into the result.
    fn process_spec(
        &self,
        name: String,
        folder: &Path,
        process: &ProcessTemplate,
        context: &TemplateContext,
    ) -> Result<ComponentSpec, LabError> {
        let kept = self.surroundings.configuration.join(name.replace('/', "-"));
        fs::create_dir_all(&kept).map_err(LabError::file("create", &kept))?;
        for file in &process.templates {
            let rendered = render_file(folder, file, context)?;
            for target in [context.directory.join(file), kept.join(file)] {
                fs::write(&target, &rendered).map_err(LabError::file("write", &target))?;
            }
        }
        let mut words =
            process.command.iter().map(|word| render_word(word, context)).collect::<Result<Vec<_>, _>>()?;
        let command_line = kept.join("command.txt");
        fs::write(&command_line, words.join("\n") + "\n").map_err(LabError::file("write", &command_line))?;
        let program = if words.is_empty() { context.binary.clone() } else { words.remove(0).into() };
        Ok(ComponentSpec {
            name,
            group: process.group,
            program,
            arguments: words.into_iter().map(OsString::from).collect(),
            environment: Vec::new(),
            directory: context.directory.clone(),
            cores: self.surroundings.cores.clone(),
            standard_output_piped: false,
        })
    }

    fn directory(&self, name: &str) -> Result<PathBuf, LabError> {
        let directory = self.surroundings.scratch.join(name);
        fs::create_dir_all(&directory).map_err(LabError::file("create", &directory))?;
        Ok(directory)
    }
}

/// Copies a component's log into `folder`.
pub(super) fn keep_log(component: &Component, folder: &Path) {
    // The failure that is being looked into matters more than one of copying.
    let _: std::io::Result<()> = fs::create_dir_all(folder);
    if let Some(name) = component.log().file_name() {
        let _: std::io::Result<u64> = fs::copy(component.log(), folder.join(name));
    }
}

fn numbers(ports: &BTreeMap<String, ReservedPort>) -> BTreeMap<String, u16> {
    ports.iter().map(|(name, port)| (name.clone(), port.number())).collect()
}

/// The definition has been checked to name one of the process's ports.
fn ready_address(process: &ProcessTemplate, named: &BTreeMap<String, ReservedPort>) -> ReadyAddress {
    let port = named.get(&process.ready.port).map_or(0, ReservedPort::number);
    ReadyAddress { port, path: process.ready.path.clone() }
}
