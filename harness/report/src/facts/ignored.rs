//! [`IgnoredTogether`]: cases that were not run for the same reason.

use meshbench_core::report::IgnoredCase;

/// Cases that were not run for one reason, with one cure.
pub(crate) struct IgnoredTogether<'a> {
    /// Why they were not run.
    pub(crate) reason: &'a str,
    /// What would let them run.
    pub(crate) cure: &'a str,
    /// Which.
    pub(crate) names: Vec<&'a str>,
}

/// Groups ignored cases by reason and cure, in the order of their first case.
pub(crate) fn ignored_together(cases: &[IgnoredCase]) -> Vec<IgnoredTogether<'_>> {
    let mut groups: Vec<IgnoredTogether<'_>> = Vec::new();
    for IgnoredCase { name, reason, cure } in cases {
        match groups.iter_mut().find(|group| group.reason == reason && group.cure == cure) {
            Some(group) => group.names.push(name),
            None => groups.push(IgnoredTogether { reason, cure, names: vec![name] }),
        }
    }
    groups
}

impl IgnoredTogether<'_> {
    /// The names in one line; a large matrix is counted after its first few.
    pub(crate) fn listed(&self) -> String {
        const SHOWN: usize = 4;
        let shown = self.names.iter().take(SHOWN).copied().collect::<Vec<_>>().join(", ");
        match self.names.len().saturating_sub(SHOWN) {
            0 => shown,
            more => format!("{shown} and {more} more"),
        }
    }
}
