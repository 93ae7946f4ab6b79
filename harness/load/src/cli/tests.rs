use super::*;

/// What a user reads who gave these arguments.
fn refused(arguments: &[&str]) -> String {
    let command = ["meshbench-load"].iter().chain(arguments);
    match Arguments::try_parse_from(command) {
        Err(usage) => usage.to_string(),
        Ok(arguments) => match execute(&arguments) {
            Ok(_) => panic!("{arguments:?} were accepted"),
            Err(error) => format!("error: {}", with_causes(&error)),
        },
    }
}

fn with_url(url: &str) -> String {
    refused(&["--url", url, "--rate", "10", "--duration", "1s"])
}

fn with(extra: &[&str]) -> String {
    refused(&[&["--url", "http://127.0.0.1:1/"], extra].concat())
}

#[test]
fn urls_that_cannot_be_sent_to_are_explained() {
    insta::assert_snapshot!(with_url("https://localhost/"), @"error: `https://localhost/` asks for TLS, and nothing says whom to trust: give --cacert with the CA that signed the server's certificate");
    insta::assert_snapshot!(with_url("ftp://localhost/"), @"error: `ftp://localhost/` has the scheme `ftp`: expected a URL such as http://127.0.0.1:8080/path");
    insta::assert_snapshot!(with_url("localhost:8080"), @"error: `localhost:8080` has no scheme: did you mean http://localhost:8080?");
    insta::assert_snapshot!(with_url("http:///path"), @"error: `http:///path` names no host: expected a URL such as http://127.0.0.1:8080/path");
    insta::assert_snapshot!(with_url(""), @"error: `` names no host: expected a URL such as http://127.0.0.1:8080/path");
    insta::assert_snapshot!(with_url("http://eve:hunter2@localhost/"), @r#"error: a URL holds a user before its host `localhost`: leave it out, and give --header "Authorization: Basic …" instead"#);
    insta::assert_snapshot!(with_url("http://localhost:99999/"), @r#"error: target `localhost:99999` has the address `localhost:99999`: expected host:port, such as "127.0.0.1:8080""#);
}

#[test]
fn a_server_that_is_not_there_is_named() {
    let message = with_url("http://127.0.0.1:1/");
    insta::assert_snapshot!(message, @"error: cannot connect to 127.0.0.1:1 (is the server running and listening there?): Connection refused (os error 111)");
    let message = with_url("http://no-such-host.invalid/");
    assert!(
        message.starts_with("error: cannot resolve the host of no-such-host.invalid:80: check the spelling"),
        "{message}"
    );
}

#[test]
fn rates_and_times_that_make_no_sense_are_explained() {
    insta::assert_snapshot!(with(&["--rate", "0", "--duration", "1s"]), @r#"
    error: invalid value '0' for '--rate <N|max>': "0rps" is zero; expected a rate such as "500rps" or "2.5krps"

    For more information, try '--help'.
    "#);
    let negative = with(&["--rate", "-5", "--duration", "1s"]);
    assert!(negative.starts_with("error: invalid value '-5' for '--rate <N|max>': "), "{negative}");
    insta::assert_snapshot!(with(&["--rate", "fast", "--duration", "1s"]), @r#"
    error: invalid value 'fast' for '--rate <N|max>': "fast" is not a rate; expected a rate such as "500rps" or "2.5krps"

    For more information, try '--help'.
    "#);
    insta::assert_snapshot!(with(&["--rate", "10", "--duration", "5 parsecs"]), @r#"
    error: invalid value '5 parsecs' for '--duration <TIME>': "5 parsecs" is not a duration; expected a duration such as "500ms", "10s" or "1h30m"

    For more information, try '--help'.
    "#);
    insta::assert_snapshot!(with(&["--rate", "10", "--duration", "1s", "--connections", "0"]), @"error: zero connections: give at least one for each target and thread");
    insta::assert_snapshot!(with(&["--rate", "10", "--duration", "1s", "--threads", "0"]), @"error: zero threads: give at least one");
    insta::assert_snapshot!(with(&["--rate", "10", "--duration", "1ms"]), @"error: not one request is due in 0.001 s at 10rps: measure longer or offer more");
}

#[test]
fn schedules_that_cannot_be_kept_are_explained() {
    let scheduled = |extra: &[&str]| with(&[&["--rate", "10", "--duration", "1s"], extra].concat());
    insta::assert_snapshot!(scheduled(&["--arrivals", "random"]), @r#"
    error: invalid value 'random' for '--arrivals <KIND>': "random" is not a kind of arrivals; expected one of "constant", "poisson"

    For more information, try '--help'.
    "#);
    insta::assert_snapshot!(scheduled(&["--ramp-to", "0"]), @r#"
    error: invalid value '0' for '--ramp-to <N>': "0rps" is zero; expected a rate such as "500rps" or "2.5krps"

    For more information, try '--help'.
    "#);
    insta::assert_snapshot!(scheduled(&["--shard", "1/4"]), @"
    error: the following required arguments were not provided:
      --start-at <TIME>

    Usage: meshbench-load --start-at <TIME> --url <URL> --rate <N|max> --duration <TIME> --shard <I/N>

    For more information, try '--help'.
    ");
    insta::assert_snapshot!(scheduled(&["--start-at", "2030-01-01T00:00:00Z", "--shard", "5/4"]), @r#"
    error: invalid value '5/4' for '--shard <I/N>': "5/4" is not a shard; expected one such as "1/4", up to "4/4"

    For more information, try '--help'.
    "#);
    insta::assert_snapshot!(scheduled(&["--start-at", "tomorrow"]), @r#"
    error: invalid value 'tomorrow' for '--start-at <TIME>': "tomorrow" is not a time; expected one such as "2026-01-31T12:00:00Z", or nanoseconds since 1970

    For more information, try '--help'.
    "#);
    let message = scheduled(&["--start-at", "2019-05-18T12:00:00Z"]);
    assert!(
        message.starts_with("error: the start instant was ") && message.contains("give a later one"),
        "{message}"
    );
}

#[test]
fn flags_that_are_missing_or_unknown_are_named() {
    insta::assert_snapshot!(refused(&[]), @"
    error: the following required arguments were not provided:
      --url <URL>
      --rate <N|max>
      --duration <TIME>

    Usage: meshbench-load --url <URL> --rate <N|max> --duration <TIME>

    For more information, try '--help'.
    ");
    insta::assert_snapshot!(with(&["--rate", "10", "--duration", "1s", "--protocl", "h2c"]), @"
    error: unexpected argument '--protocl' found

      tip: a similar argument exists: '--protocol'

    Usage: meshbench-load --url <URL> --rate <N|max> --duration <TIME> --protocol <PROTOCOL>

    For more information, try '--help'.
    ");
    insta::assert_snapshot!(with(&["--plan", "plan.json"]), @"
    error: the argument '--url <URL>' cannot be used with '--plan <FILE>'

    Usage: meshbench-load --url <URL>

    For more information, try '--help'.
    ");
}

#[test]
fn files_for_tls_that_cannot_be_used_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate = rcgen::CertificateParams::new(Vec::new()).unwrap().self_signed(&key).unwrap().pem();
    let other_key = rcgen::KeyPair::generate().unwrap().serialize_pem();
    std::fs::write(path("ca.pem"), &certificate).unwrap();
    std::fs::write(path("other.key"), other_key).unwrap();
    std::fs::write(path("empty.pem"), "").unwrap();
    std::fs::write(path("damaged.pem"), &certificate[..certificate.len() - 30]).unwrap();
    let with = |cacert: &str, identity: &[&str]| {
        let cacert = path(cacert);
        let basics =
            ["--url", "https://127.0.0.1:1", "--rate", "10", "--duration", "1s", "--cacert", &cacert];
        let identity: Vec<_> = identity
            .iter()
            .map(|part| if part.starts_with("--") { (*part).to_owned() } else { path(part) })
            .collect();
        let identity = identity.iter().map(String::as_str);
        let arguments: Vec<_> = basics.into_iter().chain(identity).collect();
        refused(&arguments).replace(folder.path().to_str().unwrap(), "[folder]")
    };
    insta::assert_snapshot!(with("missing.pem", &[]), @"error: cannot read [folder]/missing.pem (expected certificates in PEM): I/O error: No such file or directory (os error 2)");
    insta::assert_snapshot!(with("empty.pem", &[]), @"error: [folder]/empty.pem holds no certificates: is it another file's content?");
    let damaged = with("damaged.pem", &[]);
    assert!(
        damaged.starts_with("error: cannot read [folder]/damaged.pem (expected certificates in PEM): "),
        "{damaged}"
    );
    insta::assert_snapshot!(with("ca.pem", &["--cert", "ca.pem", "--key", "ca.pem"]), @"error: [folder]/ca.pem holds no private key: is it another file's content?");
    insta::assert_snapshot!(with("ca.pem", &["--cert", "ca.pem", "--key", "other.key"]), @"error: cannot use [folder]/other.key (does the key belong to the certificate, and is each of a kind that TLS 1.2 or 1.3 knows?): keys may not be consistent: KeyMismatch");
}

#[test]
fn files_that_cannot_be_used_are_named() {
    insta::assert_snapshot!(refused(&["--plan", "missing/plan.json"]), @"error: cannot read the plan missing/plan.json: No such file or directory (os error 2)");
    insta::assert_snapshot!(with(&["--rate", "10", "--duration", "1s", "--output", "missing/out.json"]), @"error: cannot write missing/out.json (does the folder exist, and is there room?): No such file or directory (os error 2)");
    let plan = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(plan.path(), "{\"version\": 2, \"targts\": []}").unwrap();
    let message = refused(&["--plan", plan.path().to_str().unwrap()])
        .replace(plan.path().to_str().unwrap(), "plan.json");
    insta::assert_snapshot!(message, @"error: the plan plan.json is not valid: unknown field `targts`, expected one of `version`, `targets`, `rate`, `ramp_to`, `arrivals`, `duration_ns`, `warm_up_ns`, `timeout_ns`, `drain_ns`, `connections`, `max_connections`, `protocol`, `streams`, `threads`, `spin_ns`, `seed`, `start_at_unix_ns`, `shard` at line 1 column 23");
}
