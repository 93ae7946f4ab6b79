//! What is deployed and what is asked of it.

use rstest::rstest;

use super::{said, with};

#[rstest]
#[case::apps_beyond_any_machine(
    "apps: 2",
    "apps: 1001",
    "scenarios/quick.yaml:11:9: workload.apps: 1001 is too much; expected at most 1000"
)]
#[case::fewer_connections_than_apps(
    "apps: 2",
    "apps: 2\n  connections: 1",
    "scenarios/quick.yaml:12:16: workload.connections: 1 connections are too few for 2 apps; expected at least one for each app (hint: write connections: 2, or more)"
)]
#[case::emoji_that_the_workload_lacks(
    "\":flushed:\": 5",
    "\":flushd:\": 5",
    "scenarios/quick.yaml:12:11: workload.votes.:flushd:: the workload has no emoji \":flushd:\"; expected one of Emojivoto's (hint: did you mean \":flushed:\"?)"
)]
#[case::path_beyond_ascii(
    "/api/list",
    "/ü",
    "scenarios/quick.yaml:14:14: workload.requests[0].path: \"/ü\" holds characters that no request path can; expected a path such as \"/api/list\" or \"/api/vote?choice=:flushed:\""
)]
#[case::vote_twice(
    "\":flushed:\": 5",
    "\":flushed:\": 5, \":flushed:\": 6",
    "scenarios/quick.yaml:12:27: workload.votes: \":flushed:\" is written twice; expected each key once"
)]
#[case::weight_zero(
    "weight: 1",
    "weight: 0",
    "scenarios/quick.yaml:14:35: workload.requests[0].weight: \"0\" is zero; expected a whole number above zero such as \"3\""
)]
#[case::path_without_slash(
    "\"/api/list\"",
    "\"api/list\"",
    "scenarios/quick.yaml:14:14: workload.requests[0].path: \"api/list\" does not start with one slash; expected a path such as \"/api/list\" or \"/api/vote?choice=:flushed:\" (hint: did you mean \"/api/list\"?)"
)]
#[case::path_with_blank(
    "\"/api/list\"",
    "\"/api/ list\"",
    "scenarios/quick.yaml:14:14: workload.requests[0].path: \"/api/ list\" holds characters that no request path can; expected a path such as \"/api/list\" or \"/api/vote?choice=:flushed:\""
)]
#[case::path_is_an_url(
    "\"/api/list\"",
    "\"http://web/api/list\"",
    "scenarios/quick.yaml:14:14: workload.requests[0].path: \"http://web/api/list\" does not start with one slash; expected a path such as \"/api/list\" or \"/api/vote?choice=:flushed:\""
)]
#[case::vote_not_seeded(
    "\"/api/list\"",
    "\"/api/vote?choice=:flush:\"",
    "scenarios/quick.yaml:14:14: workload.requests[0].path: \"/api/vote?choice=:flush:\" votes for an emoji that workload.votes does not seed, so that the cost of a leaderboard would grow during the run; expected a choice among workload.votes (hint: did you mean \":flushed:\"? Or add \":flush:\": 1 to workload.votes)"
)]
#[case::vote_not_seeded_far(
    "\"/api/list\"",
    "\"/api/vote?choice=:skier:\"",
    "scenarios/quick.yaml:14:14: workload.requests[0].path: \"/api/vote?choice=:skier:\" votes for an emoji that workload.votes does not seed, so that the cost of a leaderboard would grow during the run; expected a choice among workload.votes (hint: add \":skier:\": 1 to workload.votes)"
)]
#[case::vote_for_nothing(
    "\"/api/list\"",
    "\"/api/vote\"",
    "scenarios/quick.yaml:14:14: workload.requests[0].path: \"/api/vote\" votes for nothing, so that every such request would fail; expected a path such as \"/api/list\" or \"/api/vote?choice=:flushed:\""
)]
#[case::votes_zero(
    "\":flushed:\": 5",
    "\":flushed:\": 0",
    "scenarios/quick.yaml:12:24: workload.votes.:flushed:: \"0\" is zero; expected a whole number above zero such as \"3\""
)]
#[case::votes_shortcode(
    "\":flushed:\": 5",
    "flushed: 5",
    "scenarios/quick.yaml:12:11: workload.votes.flushed: \"flushed\" is not an emoji's shortcode; expected an emoji's shortcode such as \":flushed:\" (hint: did you mean \":flushed:\"?)"
)]
#[case::requests_empty(
    "\n    - {path: \"/api/list\", weight: 1}",
    " []",
    "scenarios/quick.yaml:13:13: workload.requests: the list is empty; expected at least one request"
)]
#[case::requests_not_mappings(
    "- {path: \"/api/list\", weight: 1}",
    "- /api/list",
    "scenarios/quick.yaml:14:7: workload.requests[0]: expected a mapping such as {path: \"/api/list\", weight: 1}, found \"/api/list\""
)]
#[case::workload_is_a_list(
    "workload:\n  apps: 2\n  votes: {\":flushed:\": 5, \":policeman:\": 3}\n  requests:\n    -",
    "workload:\n    -",
    "scenarios/quick.yaml:11:5: workload: expected a mapping, found a list"
)]
fn says(#[case] valid: &str, #[case] broken: &str, #[case] expected: &str) {
    assert_eq!(said(&with(valid, broken)), expected);
}
