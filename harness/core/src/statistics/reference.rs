//! What `SciPy` says, for tests of what we say: `scipy.json`, made by `make_scipy.py`.

use serde::de::DeserializeOwned;
use serde_json::Value;

/// The cases of one section.
pub(super) fn cases<T: DeserializeOwned>(section: &str) -> Vec<T> {
    let mut sections: Value = serde_json::from_str(include_str!("scipy.json")).unwrap();
    let cases: Vec<T> = serde_json::from_value(sections[section].take()).unwrap();
    assert!(!cases.is_empty());
    cases
}

#[track_caller]
pub(super) fn assert_near(ours: f64, theirs: f64) {
    assert!((ours - theirs).abs() <= 1e-9 * theirs.abs().max(1e-3), "{ours} is not {theirs}");
}
