//! Rendering a mesh's configuration for one of its processes.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, UndefinedBehavior};
use serde::Serialize;

/// Everything a template may name. `scenarios/meshes/README.md` lists it for authors.
#[derive(Debug, Clone, Serialize)]
pub struct TemplateContext {
    /// The proxy's executable.
    pub binary: PathBuf,
    /// The process's own directory, for all it writes.
    pub directory: PathBuf,
    /// Which workload it stands beside, for example `web-0`; `load` for the generator's.
    pub workload: String,
    /// The workload's SPIFFE identity.
    pub identity: String,
    /// The DNS name its certificate also carries.
    pub dns_name: String,
    /// PEM file of its certificate.
    pub certificate: PathBuf,
    /// PEM file of its private key.
    pub private_key: PathBuf,
    /// PEM file with both.
    pub certificate_and_key: PathBuf,
    /// PEM file of the authority that signed all certificates.
    pub authority: PathBuf,
    /// Its extra ports by name.
    pub ports: BTreeMap<String, u16>,
    /// What reaches the workload through it; none for the generator's.
    pub inbound: Option<InboundContext>,
    /// What the workload reaches through it.
    pub outbound: Vec<OutboundContext>,
}

/// The inbound side of a sidecar.
#[derive(Debug, Clone, Serialize)]
pub struct InboundContext {
    /// Where peers' sidecars reach it, in mutual TLS.
    pub port: u16,
    /// Where it reaches the workload, in plaintext.
    pub application_port: u16,
    /// What the workload speaks.
    pub protocol: Protocol,
}

/// One peer a workload talks to.
#[derive(Debug, Clone, Serialize)]
pub struct OutboundContext {
    /// The peer's name, for example `emoji-0`.
    pub name: String,
    /// Where the workload reaches it, in plaintext.
    pub port: u16,
    /// The peer's sidecar's inbound port.
    pub peer_port: u16,
    /// The SPIFFE identity the peer must prove.
    pub peer_identity: String,
    /// The DNS name in the peer's certificate.
    pub peer_dns_name: String,
    /// What both workloads speak.
    pub protocol: Protocol,
}

/// What a workload speaks on its port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// HTTP/1.1.
    Http1,
    /// HTTP/2 without TLS, by prior knowledge: gRPC.
    Http2,
}

/// A template that cannot be rendered.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// The template is missing or cannot be read.
    #[error("cannot read the template {}", path.display())]
    Read {
        /// The template's file.
        path: PathBuf,
        /// The file system's reason.
        source: std::io::Error,
    },
    /// The template has an error, or names something that does not exist.
    #[error("cannot render {name}; names a template may use are listed in scenarios/meshes/README.md")]
    Render {
        /// The template's file or the command word.
        name: String,
        /// Where and what, from the template engine.
        source: minijinja::Error,
    },
}

/// Renders the file `<folder>/<file>.jinja`.
///
/// # Errors
/// [`TemplateError`]; undefined names are errors, never empty text.
pub fn render_file(folder: &Path, file: &str, context: &TemplateContext) -> Result<String, TemplateError> {
    let path = folder.join(format!("{file}.jinja"));
    let text =
        fs::read_to_string(&path).map_err(|source| TemplateError::Read { path: path.clone(), source })?;
    render(&path.display().to_string(), &text, context)
}

/// Renders one word of a command line.
///
/// # Errors
/// [`TemplateError::Render`].
pub fn render_word(word: &str, context: &TemplateContext) -> Result<String, TemplateError> {
    render(&format!("the command word {word:?}"), word, context)
}

fn render(name: &str, text: &str, context: &TemplateContext) -> Result<String, TemplateError> {
    let failed = |source| TemplateError::Render { name: name.to_owned(), source };
    let syntax =
        SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).keep_trailing_newline(true).build();
    let mut environment = Environment::new();
    environment.set_syntax(syntax.map_err(failed)?);
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    // A template says itself what it quotes: the formats differ and names do not tell them apart.
    environment.set_auto_escape_callback(|_| AutoEscape::None);
    environment.render_named_str(name, text, Serde(context)).map_err(failed)
}
