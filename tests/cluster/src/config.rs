//! The components' configurations, as texts; nothing here touches the machine.
//!
//! Paths are those inside a node, whose mounts make them what they are on any Kubernetes node.

use serde_json::{Value, json};

use crate::images;
use crate::inside;
use crate::network;

/// Where a node's container runtime listens.
pub const CONTAINERD_SOCKET: &str = "/run/containerd/containerd.sock";

/// containerd's configuration, of the version that 1.6, 1.7 and 2 read.
#[must_use]
pub fn containerd() -> String {
    // `restrict_oom_score_adj`: a machine may forbid even root to protect a process from the OOM killer.
    format!(
        r#"version = 2
root = "/var/lib/containerd"
state = "/run/containerd"

[grpc]
address = "{CONTAINERD_SOCKET}"

[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "{pause}"
restrict_oom_score_adj = true

[plugins."io.containerd.grpc.v1.cri".containerd]
snapshotter = "overlayfs"
default_runtime_name = "runc"

[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"

[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
SystemdCgroup = false

[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "/opt/cni/bin"
conf_dir = "/etc/cni/net.d"
"#,
        pause = images::PAUSE
    )
}

/// The pod network of node `number`: a bridge, and routes on the node to the other nodes' pods.
#[must_use]
pub fn cni(number: u8) -> Value {
    json!({
        "cniVersion": "0.4.0",
        "name": "pods",
        "plugins": [
            {
                "type": "bridge",
                "bridge": "cni0",
                "isGateway": true,
                "hairpinMode": true,
                "ipam": {
                    "type": "host-local",
                    "ranges": [[{"subnet": network::node_pods(number)}]],
                    "routes": [{"dst": "0.0.0.0/0"}],
                },
            },
            {"type": "portmap", "capabilities": {"portMappings": true}},
        ],
    })
}

/// A kubelet's configuration.
#[must_use]
pub fn kubelet(number: u8, cgroup: &str) -> Value {
    let name = network::node_name(number);
    let file = |name: String| format!("{}/pki/{name}", inside::CLUSTER);
    json!({
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": network::node_address(number),
        "authentication": {
            "anonymous": {"enabled": false},
            "webhook": {"enabled": true},
            "x509": {"clientCAFile": file("ca.crt".to_owned())},
        },
        "authorization": {"mode": "Webhook"},
        "tlsCertFile": file(format!("{name}.crt")),
        "tlsPrivateKeyFile": file(format!("{name}.key")),
        "rotateCertificates": false,
        // Two kubelets on one machine each have a root of their own, and no systemd to ask.
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": format!("/{cgroup}/{name}"),
        "failCgroupV1": false,
        "clusterDNS": [network::DNS_SERVICE],
        "clusterDomain": network::DOMAIN,
        "containerRuntimeEndpoint": format!("unix://{CONTAINERD_SOCKET}"),
        // The nodes share the machine's disk and memory: how full these are says nothing about the cluster, and images
        // that were removed could not be pulled again.
        "evictionHard": {
            "memory.available": "50Mi", "nodefs.available": "0%", "nodefs.inodesFree": "0%", "imagefs.available": "0%",
        },
        "imageGCHighThresholdPercent": 100,
        "imageGCLowThresholdPercent": 99,
        "failSwapOn": false,
        // A machine may forbid even root to protect a process from the OOM killer.
        "oomScoreAdj": 0,
        // No name server outside: nothing outside is reachable.
        "resolvConf": format!("{}/resolv.conf", inside::CLUSTER),
    })
}

/// A kube-proxy's configuration.
#[must_use]
pub fn kube_proxy(number: u8) -> Value {
    json!({
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": "iptables",
        "hostnameOverride": network::node_name(number),
        "clusterCIDR": network::PODS,
        "clientConnection": {"kubeconfig": format!("{}/kube-proxy.kubeconfig", inside::CLUSTER)},
        "metricsBindAddress": "127.0.0.1:10249",
        // The sizes of the kernel's tables are the machine's business.
        "conntrack": {"maxPerCore": 0, "min": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"},
        "oomScoreAdj": 0,
    })
}

/// etcd's arguments.
#[must_use]
pub fn etcd_arguments() -> Vec<String> {
    let flags = [
        ("data-dir", format!("{}/etcd", inside::CLUSTER)),
        ("name", "testcluster".to_owned()),
        ("listen-client-urls", "http://127.0.0.1:2379".to_owned()),
        ("advertise-client-urls", "http://127.0.0.1:2379".to_owned()),
        ("listen-peer-urls", "http://127.0.0.1:2380".to_owned()),
        ("initial-advertise-peer-urls", "http://127.0.0.1:2380".to_owned()),
        ("initial-cluster", "testcluster=http://127.0.0.1:2380".to_owned()),
        // A test cluster does not outlive a power failure.
        ("unsafe-no-fsync", "true".to_owned()),
    ];
    as_arguments(&flags)
}

/// The API server's arguments.
#[must_use]
pub fn api_server_arguments() -> Vec<String> {
    let file = |name: &str| format!("{}/pki/{name}", inside::CLUSTER);
    let flags = [
        ("etcd-servers", "http://127.0.0.1:2379".to_owned()),
        ("advertise-address", network::CONTROL_PLANE.to_owned()),
        ("secure-port", network::API_SERVER_PORT.to_string()),
        ("service-cluster-ip-range", network::SERVICES.to_owned()),
        ("authorization-mode", "Node,RBAC".to_owned()),
        // Beside those that are on by default, webhooks among them: what kubeadm turns on.
        ("enable-admission-plugins", "NodeRestriction".to_owned()),
        ("allow-privileged", "true".to_owned()),
        // The first needs an etcd that tells how far a watch has come on request, which Debian's 3.4.23 does not. The second
        // is off until 1.36: policies that change objects, as a mesh may inject its sidecars by.
        ("feature-gates", "SizeBasedListCostEstimate=false,MutatingAdmissionPolicy=true".to_owned()),
        ("runtime-config", "admissionregistration.k8s.io/v1beta1=true".to_owned()),
        // No kube-proxy runs here, so Services of webhooks are resolved to pods, to which there are routes.
        ("enable-aggregator-routing", "true".to_owned()),
        ("client-ca-file", file("ca.crt")),
        ("tls-cert-file", file("apiserver.crt")),
        ("tls-private-key-file", file("apiserver.key")),
        ("kubelet-certificate-authority", file("ca.crt")),
        ("kubelet-client-certificate", file("apiserver-kubelet-client.crt")),
        ("kubelet-client-key", file("apiserver-kubelet-client.key")),
        ("kubelet-preferred-address-types", "InternalIP".to_owned()),
        ("service-account-issuer", format!("https://kubernetes.default.svc.{}", network::DOMAIN)),
        ("service-account-key-file", file("tokens.pub")),
        ("service-account-signing-key-file", file("tokens.key")),
        ("requestheader-client-ca-file", file("front-proxy-ca.crt")),
        ("requestheader-allowed-names", "front-proxy-client".to_owned()),
        ("requestheader-username-headers", "X-Remote-User".to_owned()),
        ("requestheader-group-headers", "X-Remote-Group".to_owned()),
        ("requestheader-extra-headers-prefix", "X-Remote-Extra-".to_owned()),
        ("proxy-client-cert-file", file("front-proxy-client.crt")),
        ("proxy-client-key-file", file("front-proxy-client.key")),
    ];
    as_arguments(&flags)
}

/// The controller manager's arguments.
#[must_use]
pub fn controller_manager_arguments() -> Vec<String> {
    let file = |name: &str| format!("{}/pki/{name}", inside::CLUSTER);
    let kubeconfig = format!("{}/controller-manager.kubeconfig", inside::CLUSTER);
    let flags = [
        ("kubeconfig", kubeconfig.clone()),
        ("authentication-kubeconfig", kubeconfig.clone()),
        ("authorization-kubeconfig", kubeconfig),
        ("bind-address", "127.0.0.1".to_owned()),
        ("leader-elect", "false".to_owned()),
        ("use-service-account-credentials", "true".to_owned()),
        ("service-account-private-key-file", file("tokens.key")),
        ("root-ca-file", file("ca.crt")),
        ("cluster-signing-cert-file", file("ca.crt")),
        ("cluster-signing-key-file", file("ca.key")),
    ];
    as_arguments(&flags)
}

/// The scheduler's arguments.
#[must_use]
pub fn scheduler_arguments() -> Vec<String> {
    let kubeconfig = format!("{}/scheduler.kubeconfig", inside::CLUSTER);
    let flags = [
        ("kubeconfig", kubeconfig.clone()),
        ("authentication-kubeconfig", kubeconfig.clone()),
        ("authorization-kubeconfig", kubeconfig),
        ("bind-address", "127.0.0.1".to_owned()),
        ("leader-elect", "false".to_owned()),
    ];
    as_arguments(&flags)
}

/// The kubelet's arguments, beside its configuration.
#[must_use]
pub fn kubelet_arguments(number: u8) -> Vec<String> {
    let flags = [
        ("config", format!("{}/nodes/{}/kubelet.json", inside::CLUSTER, network::node_name(number))),
        ("kubeconfig", format!("{}/{}.kubeconfig", inside::CLUSTER, network::node_name(number))),
        ("hostname-override", network::node_name(number)),
        ("node-ip", network::node_address(number)),
        // How often it counts what containers use: five times as often as by itself, so that whoever waits for the next
        // count waits a fifth as long.
        ("housekeeping-interval", "2s".to_owned()),
    ];
    as_arguments(&flags)
}

fn as_arguments(flags: &[(&str, String)]) -> Vec<String> {
    flags.iter().map(|(name, value)| format!("--{name}={value}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_differ_where_they_must() {
        for make in [|number| kubelet(number, "group"), cni, kube_proxy] {
            assert_ne!(make(1), make(2));
        }
        assert_ne!(kubelet_arguments(1), kubelet_arguments(2));
    }

    #[test]
    fn webhooks_and_permissions_are_on() {
        let arguments = api_server_arguments();
        assert!(arguments.contains(&"--authorization-mode=Node,RBAC".to_owned()));
        assert!(!arguments.iter().any(|argument| argument.starts_with("--disable-admission-plugins")));
    }
}
