//! [`render`]: `report.html`, one page that opens from disk, needs no network and no script, and has everything.
//!
//! `page` gathers what stands on it, `chart` draws, `report.html.jinja` lays out. The library draws on a `canvas` of
//! ours, so that looks are the style sheet's business.

mod axis;
mod canvas;
mod chart;
mod page;
mod plot;
mod pooled;
mod sweep;

use meshbench_core::pooling::Pooled;
use meshbench_core::report::Report;
use minijinja::Environment;
use minijinja::value::Serde;
use serde::Serialize;

use page::Page;

const TEMPLATE: &str = include_str!("report.html.jinja");
const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");

/// Why there is no `report.html`.
#[derive(Debug, thiserror::Error)]
pub enum HtmlError {
    /// A chart could not be drawn.
    #[error("cannot draw a chart: {0}; report.json has all its numbers")]
    Chart(String),
    /// The page could not be put together.
    #[error("cannot put report.html together; report.json has everything that was to stand there")]
    Template(#[from] minijinja::Error),
}

/// A file that was kept of a mesh's run, such as the configuration of a proxy as it was rendered.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeptFile {
    /// The mesh.
    pub mesh: String,
    /// Its name.
    pub name: String,
    /// What stands in it.
    pub text: String,
}

/// A campaign on the page.
#[derive(Debug, Clone, Copy)]
pub struct Sheet<'a> {
    /// What it found.
    pub report: &'a Report,
    /// Configurations as rendered.
    pub files: &'a [KeptFile],
    /// What could not be read of what it left, each in a sentence.
    pub unread: &'a [String],
}

/// What the template takes.
#[derive(Serialize)]
struct Filled<'a> {
    page: &'a Page,
    style: &'static str,
    script: &'static str,
}

/// The page of one campaign, or of several with what they come to together.
///
/// # Errors
/// [`HtmlError`].
pub fn render(sheets: &[Sheet<'_>], pooled: Option<&Pooled>) -> Result<String, HtmlError> {
    let page = Page::of(sheets, pooled)?;
    let mut environment = Environment::new();
    // The name's ending has everything escaped that a campaign has words for.
    environment.add_template("report.html", TEMPLATE)?;
    let template = environment.get_template("report.html")?;
    Ok(template.render(Serde(&Filled { page: &page, style: STYLE, script: SCRIPT }))?)
}
