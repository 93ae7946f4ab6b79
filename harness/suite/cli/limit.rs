//! `meshbench limit`: how much meshes can carry, for a person who just wants to know.

use std::fmt::Write as _;

use crate::discovery::Discovery;
use crate::limit_reports::ASKED_FOR;
use crate::settings::distinct;

/// What limit, of which meshes.
#[derive(Debug, clap::Args)]
pub(super) struct LimitArguments {
    /// A mesh; may be repeated. `bare` is always looked at beside it.
    #[arg(long = "mesh", required = true, value_name = "MESH")]
    meshes: Vec<String>,
    /// What must be kept, such as `p99=50ms`, `errors=0.1%` or `achieved=99%`; may be repeated.
    #[arg(long = "slo", required = true, value_name = "KEY=MOST", value_parser = key_and_value)]
    service_level: Vec<(String, String)>,
    /// The lowest rate to look at.
    #[arg(long, value_name = "RATE", default_value = "100rps")]
    from: String,
    /// The highest rate to look at.
    #[arg(long, value_name = "RATE", default_value = "10krps")]
    to: String,
    /// How long each probe measures. A limit that only shows after a minute takes probes longer than that.
    #[arg(long, value_name = "TIME", default_value = "10s")]
    duration: String,
    /// How far apart two rates are that are told apart.
    #[arg(long, value_name = "SHARE", default_value = "3%")]
    precision: String,
    /// The kubeconfig context of a cluster to look on, in place of this machine; several for several at once, with commas
    /// between them or one by one.
    // Not by the variable: who has it set for campaigns may well ask for a mesh of this machine.
    #[arg(long, value_name = "CONTEXT", value_delimiter = ',')]
    context: Vec<String>,
}

impl LimitArguments {
    /// The clusters to look on; none for this machine.
    pub(super) fn contexts(&self) -> Vec<String> {
        distinct(self.context.iter().cloned())
    }

    /// The scenario that asks for it alone, and its text.
    ///
    /// # Errors
    /// In words, what is wrong with it.
    pub(super) fn scenario(&self, discovery: Discovery) -> Result<(Discovery, String), String> {
        let text = self.text();
        match discovery.with_only(ASKED_FOR, &text) {
            Ok(discovery) => Ok((discovery, text)),
            Err(problems) => {
                Err(format!("this is no limit that can be looked for:\n{problems}\nin the scenario\n{text}"))
            }
        }
    }

    fn text(&self) -> String {
        let Self { meshes, service_level, from, to, duration, precision, .. } = self;
        let provider = if self.contexts().is_empty() { "local" } else { "kube" };
        let quoted = |text: &str| serde_json::Value::from(text).to_string();
        let mut slo = String::new();
        for (key, most) in service_level {
            let separator = if slo.is_empty() { "" } else { ", " };
            // Writing into memory has no way to fail.
            let _: std::fmt::Result = write!(slo, "{separator}{key}: {}", quoted(most));
        }
        let meshes: Vec<_> = meshes.iter().map(|mesh| quoted(mesh)).collect();
        let (meshes, from, to) = (meshes.join(", "), quoted(from), quoted(to));
        let (duration, precision) = (quoted(duration), quoted(precision));
        format!(
            "description: How much can be carried, as `meshbench limit` asked.
tier: full
provider: {provider}
meshes: [{meshes}]
limit:
  slo: {{{slo}}}
  from: {from}
  to: {to}
  precision: {precision}
durations: [{duration}]
"
        )
    }
}

fn key_and_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=').map(|(key, value)| (key.trim(), value.trim())) {
        Some((key, value))
            if !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '.') =>
        {
            // People write p99.9.
            Ok((key.replace('.', "_"), value.to_owned()))
        }
        _ => Err("expected a key and what is tolerated, such as p99=50ms".to_owned()),
    }
}
