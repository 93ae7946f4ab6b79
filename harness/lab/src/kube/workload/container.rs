//! The container of a service: of our image, or of upstream's.

use meshbench_core::scenario::WorkloadImages;
use serde_json::{Value, json};

use super::layout::{Layout, METRICS_PORT, REQUEST_PORT, Service};

/// The container of one service of an app.
pub(super) fn container(layout: &Layout, app: u32, service: Service) -> Value {
    match &layout.workload_images {
        None => ours(layout, app, service),
        Some(images) => upstreams(layout, images, app, service),
    }
}

fn ours(layout: &Layout, app: u32, service: Service) -> Value {
    json!({
        "name": service.name(),
        "image": layout.image,
        "imagePullPolicy": "IfNotPresent",
        "command": ["meshbench-emojivoto", service.name()],
        "env": environment(layout, app, service),
        "ports": [
            {"name": service.port_name(), "containerPort": REQUEST_PORT},
            {"name": "prom", "containerPort": METRICS_PORT},
        ],
        "readinessProbe": {"httpGet": {"port": METRICS_PORT, "path": "/ready"}, "periodSeconds": 1},
        "resources": {"requests": {"cpu": layout.cpu_request}},
    })
}

/// As Buoyant's own manifests have it, `kustomize/deployment` in github.com/BuoyantIO/emojivoto; its images know their
/// commands. Nothing in it answers whether it is ready, so whoever accepts connections is.
fn upstreams(layout: &Layout, images: &WorkloadImages, app: u32, service: Service) -> Value {
    let mut ports = vec![json!({"name": service.port_name(), "containerPort": REQUEST_PORT})];
    let (image, environment) = match service {
        Service::Web => {
            let bundle = [("INDEX_BUNDLE", "dist/index_bundle.js".to_owned())];
            (&images.web, variables(web(layout, app).into_iter().chain(bundle)))
        }
        Service::Emoji | Service::Voting => {
            ports.push(json!({"name": "prom", "containerPort": METRICS_PORT}));
            let image = if service == Service::Emoji { &images.emoji } else { &images.voting };
            (image, variables([grpc(), metrics()]))
        }
    };
    json!({
        "name": service.name(),
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "env": environment,
        "ports": ports,
        "readinessProbe": {"tcpSocket": {"port": REQUEST_PORT}, "periodSeconds": 1},
        "resources": {"requests": {"cpu": layout.cpu_request}},
    })
}

fn environment(layout: &Layout, app: u32, service: Service) -> Value {
    match service {
        Service::Web => variables(web(layout, app).into_iter().chain([metrics()])),
        Service::Emoji => variables([grpc(), metrics()]),
        Service::Voting => {
            let votes: Vec<_> =
                layout.votes.iter().map(|(emoji, count)| format!("{emoji}={count}")).collect();
            variables([grpc(), ("SEED_VOTES", votes.join(",")), metrics()])
        }
    }
}

fn web(layout: &Layout, app: u32) -> [(&'static str, String); 3] {
    let address = |peer: Service| {
        format!("{}.{}:{REQUEST_PORT}", layout.service_name(app, peer), layout.namespace_of(app))
    };
    [
        ("WEB_PORT", REQUEST_PORT.to_string()),
        ("EMOJISVC_HOST", address(Service::Emoji)),
        ("VOTINGSVC_HOST", address(Service::Voting)),
    ]
}

fn grpc() -> (&'static str, String) {
    ("GRPC_PORT", REQUEST_PORT.to_string())
}

fn metrics() -> (&'static str, String) {
    ("PROM_PORT", METRICS_PORT.to_string())
}

fn variables(all: impl IntoIterator<Item = (&'static str, String)>) -> Value {
    all.into_iter().map(|(name, value)| json!({"name": name, "value": value})).collect()
}
