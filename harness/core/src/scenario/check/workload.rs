//! Checks the workload: above all that its cost cannot drift during a run.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use super::bounds;
use super::checker::Checker;
use crate::near_miss;
use crate::scenario::raw::{Count, Entries, RawRequest, RawWorkload, Written};
use crate::scenario::{WeightedRequest, Workload};
use crate::units::{Expectation, TextError};
use crate::yaml::Path;

const SHORTCODE: Expectation = Expectation { what: "an emoji's shortcode", examples: r#"":flushed:""# };
const REQUEST_PATH: Expectation =
    Expectation { what: "a path", examples: r#""/api/list" or "/api/vote?choice=:flushed:""# };
const VOTE_PATH: &str = "/api/vote";

pub(super) fn check(checker: &mut Checker<'_>, raw: &RawWorkload, emoji: &[&str]) -> Option<Workload> {
    let path = Path::of("workload");
    let apps = checker.read_count(&path.key("apps"), &raw.apps, bounds::MOST_APPS);
    let connections =
        checker.read_count(&path.key("connections"), &raw.connections, bounds::MOST_CONNECTIONS);
    if let (Some(apps), Some(connections)) = (apps, connections)
        && connections < apps
    {
        let message = format!(
            "{connections} connections are too few for {apps} apps; expected at least one for each app"
        );
        let hint = Some(format!("write connections: {apps}, or more"));
        checker.refuse(&path.key("connections"), message, hint);
    }
    let timeout = checker.read(&path.key("timeout"), &raw.timeout);
    if let Some(timeout) = &timeout {
        checker.bound_below(&path.key("timeout"), timeout, bounds::SHORTEST_TIMEOUT);
    }
    let votes = votes(checker, &path.key("votes"), &raw.votes, emoji);
    let requests = requests(checker, &path.key("requests"), &raw.requests, &raw.votes);
    Some(Workload { apps: apps?, connections: connections?, timeout: timeout?, requests, votes })
}

fn votes(
    checker: &mut Checker<'_>,
    path: &Path,
    written: &Entries<Written<Count>>,
    known: &[&str],
) -> BTreeMap<String, NonZeroU32> {
    let mut votes = BTreeMap::new();
    for (emoji, count) in written.iter() {
        let path = path.key(emoji);
        if !is_shortcode(emoji) {
            let TextError { message, .. } = SHORTCODE.unreadable(emoji);
            let meant = format!(":{}:", emoji.trim_matches(':'));
            let hint = is_shortcode(&meant).then(|| format!("did you mean \"{meant}\"?"));
            checker.refuse_key(&path, message, hint);
        } else if !known.contains(&emoji) {
            let nearest = near_miss::nearest(emoji, known.iter().copied());
            let message = format!("the workload has no emoji \"{emoji}\"; expected one of Emojivoto's");
            checker.refuse_key(&path, message, nearest.map(|emoji| format!("did you mean \"{emoji}\"?")));
        }
        if let Some(Count(count)) = checker.read(&path, count) {
            votes.insert(emoji.to_owned(), count);
        }
    }
    votes
}

fn requests(
    checker: &mut Checker<'_>,
    path: &Path,
    written: &[RawRequest],
    votes: &Entries<Written<Count>>,
) -> Vec<WeightedRequest> {
    if written.is_empty() {
        checker.refuse(path, "the list is empty; expected at least one request".to_owned(), None);
    }
    let mut requests = Vec::with_capacity(written.len());
    for (index, request) in written.iter().enumerate() {
        let path = path.index(index);
        if let Err(error) = check_path(&request.path, votes) {
            checker.refuse_text(&path.key("path"), error);
        }
        if let Some(Count(weight)) = checker.read(&path.key("weight"), &request.weight) {
            requests.push(WeightedRequest { path: request.path.clone(), weight });
        }
    }
    requests
}

fn check_path(path: &str, votes: &Entries<Written<Count>>) -> Result<(), TextError> {
    if !path.starts_with('/') || path.starts_with("//") {
        let meant = format!("/{}", path.trim_start_matches('/'));
        let meant = meant.starts_with("/api").then_some(meant);
        return Err(REQUEST_PATH.refuse(path, "does not start with one slash").did_you_mean(meant));
    }
    if path.contains(|letter: char| !letter.is_ascii_graphic() || letter == '#') {
        return Err(REQUEST_PATH.refuse(path, "holds characters that no request path can"));
    }
    let (route, query) = path.split_once('?').unwrap_or((path, ""));
    if route == VOTE_PATH { check_vote(path, query, votes) } else { Ok(()) }
}

/// A leaderboard costs one call more for every emoji ever voted for, so a vote for a new one makes the requests
/// after it dearer.
fn check_vote(path: &str, query: &str, votes: &Entries<Written<Count>>) -> Result<(), TextError> {
    let choice = query.split('&').find_map(|pair| pair.strip_prefix("choice="));
    let Some(choice) = choice.filter(|choice| !choice.is_empty()) else {
        return Err(REQUEST_PATH.refuse(path, "votes for nothing, so that every such request would fail"));
    };
    if votes.iter().any(|(emoji, _)| emoji == choice) {
        return Ok(());
    }
    let nearest = near_miss::nearest(choice, votes.iter().map(|(emoji, _)| emoji));
    let remedy = format!("add \"{choice}\": 1 to workload.votes");
    Err(TextError {
        message: format!(
            "\"{path}\" votes for an emoji that workload.votes does not seed, so that the cost of a leaderboard would \
             grow during the run; expected a choice among workload.votes"
        ),
        hint: Some(match nearest {
            Some(emoji) => format!("did you mean \"{emoji}\"? Or {remedy}"),
            None => remedy,
        }),
    })
}

fn is_shortcode(text: &str) -> bool {
    let name = text.strip_prefix(':').and_then(|rest| rest.strip_suffix(':'));
    let plain =
        |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || "_+-".contains(letter);
    name.is_some_and(|name| !name.is_empty() && name.chars().all(plain))
}
