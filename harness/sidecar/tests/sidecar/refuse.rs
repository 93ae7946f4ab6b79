//! Who is not let in.

use std::net::SocketAddr;
use std::sync::Arc;

use meshbench_sidecar::{Protocol, Sidecar};
use rstest::rstest;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::support::{
    Application, Authority, Running, config, config_of, full, grpc_request, http1, http2, identity, inbound,
    outbound, start, try_get,
};

const REFUSED: &str = "tls_handshakes_total{direction=\"inbound\",result=\"refused\"}";
const ACCEPTED: &str = "tls_handshakes_total{direction=\"inbound\",result=\"accepted\"}";

async fn web_sidecar(authority: &Authority, application: &Application, protocol: Protocol) -> Running {
    let mut web = config(authority, "web");
    web["inbound"] = inbound(application.address, protocol);
    start(web).await
}

async fn assert_refused(sidecar: &Running) {
    assert_eq!(sidecar.counter(REFUSED).await, 1);
    assert_eq!(sidecar.counter(ACCEPTED).await, 0);
    assert_eq!(sidecar.requests("inbound", "forwarded").await, 0);
}

#[tokio::test]
async fn plaintext() {
    let authority = Authority::new();
    let application = Application::start(Protocol::Http1).await;
    let web = web_sidecar(&authority, &application, Protocol::Http1).await;
    let mut stream = TcpStream::connect(web.inbound.unwrap()).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nhost: web\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    // An alert may come first; HTTP must not.
    let _ = stream.read_to_end(&mut answer).await;
    assert!(!answer.starts_with(b"HTTP"));
    assert_refused(&web).await;
}

#[tokio::test]
async fn a_client_without_a_certificate() {
    let authority = Authority::new();
    let application = Application::start(Protocol::Http1).await;
    let web = web_sidecar(&authority, &application, Protocol::Http1).await;
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(authority.file()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let client = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let connector = tokio_rustls::TlsConnector::from(Arc::new(client));
    let stream = TcpStream::connect(web.inbound.unwrap()).await.unwrap();
    // In TLS 1.3 the client is done first; it learns of the refusal when it reads.
    let name = ServerName::try_from("web.meshbench.local").unwrap();
    let mut stream = connector.connect(name, stream).await.unwrap();
    let error = stream.read_u8().await.unwrap_err();
    assert!(error.to_string().contains("CertificateRequired"), "{error}");
    assert_refused(&web).await;
}

/// A client sidecar whose own certificate the web sidecar must not accept, but which trusts the web sidecar.
async fn client_of(web: SocketAddr, authority: &Authority, foreign: &Authority, own: &str) -> Running {
    let (certificate, key) = foreign.issue("load", own);
    let mut client = config_of(own, &certificate, &key, &authority.file());
    client["outbound"] = outbound(web, "web", Protocol::Http1);
    start(client).await
}

#[rstest]
#[case::of_another_authority(false, "spiffe://meshbench.local/ns/app-0/sa/load")]
#[case::of_another_trust_domain(true, "spiffe://elsewhere.local/ns/app-0/sa/load")]
#[tokio::test]
async fn a_client_with_a_certificate(#[case] same_authority: bool, #[case] own: &str) {
    let (authority, other) = (Authority::new(), Authority::new());
    let application = Application::start(Protocol::Http1).await;
    let web = web_sidecar(&authority, &application, Protocol::Http1).await;
    let issuer = if same_authority { &authority } else { &other };
    let client = client_of(web.inbound.unwrap(), &authority, issuer, own).await;
    let (status, _) = try_get(&mut http1(client.outbound.unwrap()).await, "/").await;
    assert_eq!(status, 502);
    assert_eq!(client.requests("outbound", "upstream_failure").await, 1);
    assert_refused(&web).await;
}

#[tokio::test]
async fn a_peer_that_is_another_workload() {
    let authority = Authority::new();
    let application = Application::start(Protocol::Http1).await;
    let web = web_sidecar(&authority, &application, Protocol::Http1).await;
    let mut client = config(&authority, "load");
    client["outbound"] = outbound(web.inbound.unwrap(), "emoji", Protocol::Http1);
    let client = start(client).await;
    let (status, text) = try_get(&mut http1(client.outbound.unwrap()).await, "/").await;
    assert_eq!(status, 502);
    let expected = format!("expected {}, but the certificate is for {}", identity("emoji"), identity("web"));
    assert!(text.contains(&expected), "{text}");
    assert_eq!(client.requests("outbound", "upstream_failure").await, 1);
    assert_eq!(client.counter("tls_handshakes_total{direction=\"outbound\",result=\"refused\"}").await, 1);
    assert_refused(&web).await;
}

#[tokio::test]
async fn a_grpc_call_to_another_workload_is_unavailable() {
    let authority = Authority::new();
    let application = Application::start(Protocol::Http2).await;
    let web = web_sidecar(&authority, &application, Protocol::Http2).await;
    let mut client = config(&authority, "load");
    client["outbound"] = outbound(web.inbound.unwrap(), "emoji", Protocol::Http2);
    let client = start(client).await;
    let address = client.outbound.unwrap();
    let request = grpc_request(address, full("call"));
    let response = http2(address).await.send_request(request).await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["grpc-status"], "14");
    assert_eq!(response.headers()["content-type"], "application/grpc");
}

async fn bind_error(config: Value) -> String {
    match Sidecar::bind(serde_json::from_value(config).unwrap()).await {
        Ok(_) => panic!("the sidecar must not start"),
        Err(error) => error.to_string(),
    }
}

#[tokio::test]
async fn a_taken_port_is_named_with_its_listener() {
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = taken.local_addr().unwrap().port();
    let authority = Authority::new();
    let mut web = config(&authority, "web");
    web["outbound"] = json!([{"name": "emoji-0", "port": port, "peer_port": 1,
        "peer_identity": identity("emoji"), "protocol": "http2"}]);
    let text = bind_error(web).await;
    let expected = format!(
        "cannot listen on 127.0.0.1:{port} for outbound \"emoji-0\" (hint: another process may hold port {port})"
    );
    assert_eq!(text, expected);
}

#[rstest]
#[case::missing("certificate", None)]
#[case::not_pem("private_key", Some("no key"))]
#[case::empty("authority", Some(""))]
#[tokio::test]
async fn an_unusable_file_is_named(#[case] field: &str, #[case] content: Option<&str>) {
    let authority = Authority::new();
    let mut web = config(&authority, "web");
    let file = authority.file().with_file_name("broken.pem");
    if let Some(content) = content {
        std::fs::write(&file, content).unwrap();
    }
    web[field] = json!(file);
    let text = bind_error(web).await;
    assert!(text.contains("broken.pem") && text.contains(&field.replace('_', " ")), "{text}");
}

#[tokio::test]
async fn the_certificate_must_be_for_the_configured_identity() {
    let authority = Authority::new();
    let mut web = config(&authority, "web");
    web["identity"] = json!(identity("emoji"));
    let text = bind_error(web).await;
    assert!(text.contains("web.pem is not for spiffe://meshbench.local/ns/app-0/sa/emoji"), "{text}");
}
