use std::collections::BTreeSet;

use rstest::rstest;

use super::*;

fn pods() -> Vec<DeployedPod> {
    let pod = |service: Service| DeployedPod {
        name: service.name().to_owned(),
        namespace: "n".to_owned(),
        ip: [10, 0, 0, 1].into(),
        node: String::new(),
        app: 0,
        service,
        account: String::new(),
        containers: Vec::new(),
    };
    Service::ALL.map(pod).into()
}

fn crossings(web: [u64; 2], emoji: u64, voting: u64, handshakes: Option<u64>) -> Crossings {
    let counts = |inbound, outbound| Counts { inbound, outbound, handshakes };
    let named = |name: &str, counts| (format!("n/{name}"), counts);
    let all = [
        named("web", counts(web[0], web[1])),
        named("emoji", counts(emoji, 0)),
        named("voting", counts(voting, 0)),
    ];
    Crossings { sidecars: BTreeMap::from(all), shared: None }
}

fn hundred(path: &str) -> Answered<'_> {
    Answered { paths: BTreeSet::from([path]), requests: 100, apps: 2, from_mesh: true }
}

#[rstest]
#[case::all([100, 120], 100, 20, "/api/vote?choice=:flushed:", Ok(3))]
#[case::list_leaves_voting_alone([100, 100], 100, 0, "/api/list", Ok(2))]
#[case::a_page_calls_nobody([100, 0], 0, 0, "/", Ok(1))]
#[case::past_the_first([40, 100], 100, 100, "/api/vote", Err("only 40 crossed the web sidecars inbound"))]
#[case::past_the_second([100, 7], 100, 100, "/api/vote", Err("only 7 crossed the web sidecars outbound"))]
#[case::past_the_last([100, 200], 10, 10, "/api/list", Err("only 20 crossed the emoji and voting sidecars"))]
#[case::one_of_them([100, 200], 200, 0, "/api/vote", Err("the sidecar of n/voting counted no request"))]
fn every_hop_and_every_sidecar_must_cover_what_was_answered(
    #[case] web: [u64; 2],
    #[case] emoji: u64,
    #[case] voting: u64,
    #[case] path: &str,
    #[case] expected: Result<u32, &str>,
) {
    let start = crossings([5, 5], 5, 5, Some(1));
    let end = crossings([5 + web[0], 5 + web[1]], 5 + emoji, 5 + voting, Some(1));
    let covered = covers(&start, &end, &pods(), &hundred(path));
    match (covered, expected) {
        (Ok(proof), Ok(sidecars)) => assert_eq!(proof.sidecars, sidecars),
        (Err(why), Err(expected)) => assert!(why.contains(expected), "{why}"),
        (came, expected) => panic!("{came:?} is not {expected:?}"),
    }
}

#[rstest]
#[case::none_counted(Some(0), false)]
#[case::counted(Some(1), true)]
#[case::not_told(None, true)]
fn requests_between_sidecars_need_handshakes(#[case] handshakes: Option<u64>, #[case] is_proven: bool) {
    let end = crossings([100, 100], 100, 0, handshakes);
    let covered = covers(&Crossings::default(), &end, &pods(), &hundred("/api/list"));
    assert_eq!(covered.is_ok(), is_proven, "{covered:?}");
}

#[rstest]
#[case::a_connection_to_each_app(Crossing::Connections, 2.0, "/", Ok(()))]
#[case::an_app_went_past(Crossing::Connections, 1.0, "/", Err("2 connections or more must have crossed"))]
#[case::none(Crossing::Connections, 0.0, "/", Err("shared proxies counted nothing"))]
#[case::every_request(Crossing::Requests, 100.0, "/", Ok(()))]
#[case::requests_and_calls(Crossing::Requests, 200.0, "/api/list", Ok(()))]
#[case::one_went_past(Crossing::Requests, 199.0, "/api/list", Err("200 requests or more must have crossed"))]
#[case::began_anew(Crossing::Requests, -3.0, "/", Err("shared proxies counted nothing"))]
fn shared_proxies_must_move_by_what_surely_crossed(
    #[case] counts: Crossing,
    #[case] by: f64,
    #[case] path: &str,
    #[case] expected: Result<(), &str>,
) {
    let at = |sum| Crossings { sidecars: BTreeMap::new(), shared: Some(SharedCount { counts, sum }) };
    match (covers(&at(3.0), &at(3.0 + by), &pods(), &hundred(path)), expected) {
        (Ok(_), Ok(())) => {}
        (Err(why), Err(expected)) => assert!(why.contains(expected), "{why}"),
        (came, expected) => panic!("{came:?} is not {expected:?}"),
    }
}

#[rstest]
#[case::moved(1.0, true)]
#[case::stood(0.0, false)]
fn shared_proxies_must_move_for_whoever_is_outside(#[case] by: f64, #[case] is_proven: bool) {
    let answered = Answered { from_mesh: false, ..hundred("/") };
    for counts in [Crossing::Connections, Crossing::Requests] {
        let at = |sum| Crossings { sidecars: BTreeMap::new(), shared: Some(SharedCount { counts, sum }) };
        let covered = covers(&at(3.0), &at(3.0 + by), &pods(), &answered);
        assert_eq!(covered.is_ok(), is_proven, "{covered:?}");
    }
}

#[test]
fn nothing_is_counted_without_a_mesh() {
    let none = Crossings::default();
    assert_eq!(covers(&none, &none, &pods(), &hundred("/")).unwrap(), DataPathProof::default());
}
