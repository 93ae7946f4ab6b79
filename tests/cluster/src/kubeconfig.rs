//! Kubeconfig files, as JSON, which every reader of them takes.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::json;

use crate::pki::Identity;

/// A kubeconfig for one user of one server, with everything in it, so that the file can be copied anywhere.
#[must_use]
pub fn kubeconfig(server: &str, authority: &str, user: &Identity) -> String {
    let encoded = |pem: &str| BASE64_STANDARD.encode(pem);
    let config = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "testcluster", "cluster": {
            "server": server,
            "certificate-authority-data": encoded(authority),
        }}],
        "users": [{"name": "user", "user": {
            "client-certificate-data": encoded(&user.certificate),
            "client-key-data": encoded(&user.private_key),
        }}],
        "contexts": [{"name": "testcluster", "context": {"cluster": "testcluster", "user": "user"}}],
        "current-context": "testcluster",
    });
    format!("{config:#}\n")
}
