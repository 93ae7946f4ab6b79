//! What somebody probably meant: the known word nearest to a misspelt one.

/// The candidate nearest to `written`, if one is near enough to be worth suggesting and no other is as near.
pub fn nearest<'a>(written: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // Below this, suggestions start to look random.
    const NEAR_ENOUGH: f64 = 0.6;
    let mut near: Vec<(f64, &str)> = candidates
        .into_iter()
        .map(|candidate| (likeness(written, candidate), candidate))
        .filter(|(likeness, _)| *likeness >= NEAR_ENOUGH)
        .collect();
    near.sort_by(|left, right| right.0.total_cmp(&left.0));
    match near.as_slice() {
        [(best, _), (second, _), ..] if best == second => None,
        [(_, nearest), ..] => Some(nearest),
        [] => None,
    }
}

/// From 0 (nothing in common) to 1 (equal but for case and the choice of dash).
fn likeness(written: &str, candidate: &str) -> f64 {
    let plain = |text: &str| text.to_lowercase().replace('-', "_");
    let (written, candidate) = (plain(written), plain(candidate));
    // A transposition is one slip; a forgotten beginning or end of a word is too.
    strsim::normalized_damerau_levenshtein(&written, &candidate)
        .max(strsim::jaro_winkler(&written, &candidate) - 0.2)
}
