//! Every endpoint of the web role against real emoji and voting roles, over sockets.

mod common;

use common::{Answer, App, RunningRole};
use rstest::rstest;

#[tokio::test]
async fn the_list_has_every_emoji_in_upstreams_order() {
    let app = App::start(&[]).await;
    let answer = app.get("/api/list").await;
    assert_eq!((answer.status, answer.content_type.as_str()), (200, "application/json; charset=UTF-8"));
    let list: Vec<Listed> = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(list.len(), 99);
    assert_eq!(list[0], Listed { shortcode: ":joy:".into(), unicode: "😂".into() });
    assert_eq!(list[2], Listed { shortcode: ":doughnut:".into(), unicode: "🍩".into() });
    assert_eq!(list[98], Listed { shortcode: ":poop:".into(), unicode: "💩".into() });
    assert!(answer.body.starts_with(r#"[{"shortcode":":joy:","unicode":"😂"},{"#));
    assert!(answer.body.ends_with("}]\n"), "upstream's encoder ends with a line end");
}

#[derive(Debug, PartialEq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Listed {
    shortcode: String,
    unicode: String,
}

#[tokio::test]
async fn a_vote_is_answered_with_nothing_and_counted() {
    let app = App::start(&[]).await;
    assert_eq!(app.get("/api/leaderboard").await.body, "[]\n");
    for choice in [":flushed:", "%3Aflushed%3A", ":100:"] {
        let answer = app.get(&format!("/api/vote?choice={choice}")).await;
        assert_eq!(answer, Answer { status: 200, content_type: String::new(), body: String::new() });
    }
    let leaderboard = app.get("/api/leaderboard").await;
    assert_eq!(
        (leaderboard.status, leaderboard.content_type.as_str()),
        (200, "application/json; charset=UTF-8")
    );
    insta::assert_snapshot!(
        leaderboard.body,
        @r#"[{"shortcode":":flushed:","unicode":"😳","votes":"2"},{"shortcode":":100:","unicode":"💯","votes":"1"}]"#
    );
}

#[rstest]
#[case::no_choice("/api/vote", 400, r#"{"error":"Emoji choice [] is mandatory"}"#)]
#[case::empty_choice("/api/vote?choice=", 400, r#"{"error":"Emoji choice [] is mandatory"}"#)]
#[case::unknown(
    "/api/vote?choice=:nope:",
    400,
    r#"{"error":"Choosen emoji shortcode [:nope:] doesnt exist"}"#
)]
#[case::unlisted(
    "/api/vote?choice=:relaxed:",
    400,
    r#"{"error":"Choosen emoji shortcode [:relaxed:] doesnt exist"}"#
)]
#[case::doughnut("/api/vote?choice=:doughnut:", 500, r#"{"error":"rpc error: code = Unknown desc = ERROR"}"#)]
#[tokio::test]
async fn errors_are_upstreams(#[case] path: &str, #[case] status: u16, #[case] body: &str) {
    let app = App::start(&[]).await;
    let answer = app.get(path).await;
    assert_eq!(answer.status, status);
    assert_eq!(answer.content_type, "application/json; charset=UTF-8");
    assert_eq!(answer.body.trim_end(), body);
    assert_eq!(app.get("/api/leaderboard").await.body, "[]\n", "nothing was voted for");
}

#[rstest]
#[case::index("/")]
#[case::leaderboard("/leaderboard")]
#[case::unknown("/nothing/here")]
#[case::unknown_api("/api/nothing")]
#[tokio::test]
async fn the_page_is_answered_to_every_other_path(#[case] path: &str) {
    let app = App::start(&[]).await;
    let answer = app.get(path).await;
    assert_eq!((answer.status, answer.content_type.as_str()), (200, "text/html"));
    assert!(answer.body.contains("<title>Emoji Vote</title>"));
    assert_eq!(app.grpc_calls().await, 0.0, "the page costs no gRPC call");
}

#[tokio::test]
async fn the_script_of_the_page_is_served_and_other_assets_are_not() {
    let app = App::start(&[]).await;
    let script = app.get("/js").await;
    assert_eq!((script.status, script.content_type.as_str()), (200, "text/javascript"));
    assert_eq!(app.get("/dist/index_bundle.js").await.status, 404);
}

#[rstest]
#[case::page("/leaderboard", 0.0)]
#[case::list("/api/list", 1.0)]
#[case::vote("/api/vote?choice=:joy:", 2.0)]
#[case::failing_vote("/api/vote?choice=:doughnut:", 2.0)]
#[case::unknown_choice("/api/vote?choice=:nope:", 1.0)]
#[case::no_choice("/api/vote", 0.0)]
#[case::leaderboard("/api/leaderboard", 4.0)]
#[tokio::test]
async fn each_request_makes_upstreams_number_of_grpc_calls(#[case] path: &str, #[case] calls: f64) {
    let app = App::start(&["--seed-votes=:joy:=3,:flushed:=2,:poop:=1"]).await;
    for round in 1..=3 {
        app.get(path).await;
        assert_eq!(app.grpc_calls().await, calls * f64::from(round));
    }
}

#[tokio::test]
async fn seeded_votes_fix_the_leaderboard_from_the_start() {
    let app = App::start(&["--seed-votes=:poop:=1000,:flushed:=2000,:policeman:=1000"]).await;
    let before = app.leaderboard().await;
    let expected = [(":flushed:", 2_000), (":policeman:", 1_000), (":poop:", 1_000)];
    assert_eq!(before, expected.map(|(shortcode, votes)| (shortcode.to_owned(), votes)));

    for _ in 0..5 {
        app.get("/api/vote?choice=:flushed:").await;
        app.get("/api/vote?choice=:policeman:").await;
    }
    let after = app.leaderboard().await;
    let expected = [(":flushed:", 2_005), (":policeman:", 1_005), (":poop:", 1_000)];
    assert_eq!(after, expected.map(|(shortcode, votes)| (shortcode.to_owned(), votes)));
}

#[rstest]
#[case::never("0", 8)]
#[case::quarter("0.25", 6)]
#[case::always("1", 0)]
#[tokio::test]
async fn the_failure_rate_is_the_share_of_doughnut_votes_that_fail(#[case] rate: &str, #[case] counted: u64) {
    let app = App::start(&[&format!("--failure-rate={rate}")]).await;
    let mut succeeded = 0;
    for _ in 0..8 {
        let status = app.get("/api/vote?choice=:doughnut:").await.status;
        assert!(matches!(status, 200 | 500), "unexpected status {status}");
        succeeded += u64::from(status == 200);
        assert_eq!(app.get("/api/vote?choice=:joy:").await.status, 200, "no other emoji fails");
    }
    assert_eq!(succeeded, counted);
    let doughnuts = app.leaderboard().await.into_iter().find(|(shortcode, _)| shortcode == ":doughnut:");
    assert_eq!(doughnuts.map_or(0, |(_, votes)| votes), counted, "a failed vote is not counted");
}

#[tokio::test]
async fn the_artificial_delay_holds_back_votes_and_nothing_else() {
    const DELAY: std::time::Duration = std::time::Duration::from_secs(1);
    let app = App::start(&["--artificial-delay=1s", "--seed-votes=:joy:=1"]).await;
    let vote = app.time_of("/api/vote?choice=:joy:").await;
    let mut leaderboard = app.time_of("/api/leaderboard").await;
    // The machine may hold back any of them.
    for _ in 0..4 {
        leaderboard = leaderboard.min(app.time_of("/api/leaderboard").await);
    }
    assert!(vote >= DELAY, "a vote took {vote:?}");
    assert!(leaderboard * 2 < vote, "the leaderboard took {leaderboard:?}, a vote {vote:?}");
}

#[tokio::test]
async fn a_service_that_is_gone_is_an_error_until_it_is_back() {
    let app = App::start(&["--seed-votes=:joy:=1"]).await;
    assert_eq!(app.get("/api/leaderboard").await.status, 200);
    app.voting.stop().await;
    let answer = app.get("/api/leaderboard").await;
    assert_eq!(answer.status, 500);
    assert!(answer.body.starts_with(r#"{"error":"rpc error: code = Unavailable desc ="#), "{}", answer.body);
    assert_eq!(app.get("/api/list").await.status, 200, "the other service is not affected");

    let port = format!("--grpc-port={}", app.voting.address.port());
    let _voting = RunningRole::start(&["voting", &port]).await;
    common::until("the leaderboard answers again", async || {
        let answer = app.get("/api/leaderboard").await;
        if answer.status == 200 { Ok(()) } else { Err(answer) }
    })
    .await;
}
