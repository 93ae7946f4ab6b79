//! What a person reads at the end of a run: [`write`].

use std::io::{self, Write};
use std::time::Duration;

use meshbench_core::histogram::LatencyHistogram;
use meshbench_core::load_plan::LoadPlan;
use meshbench_core::recording::Recording;
use meshbench_core::validity::Validity;

/// Quantiles of the table, ascending.
const SHOWN: [(&str, f64); 6] =
    [("p50", 0.5), ("p75", 0.75), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999), ("p99.99", 0.9999)];

/// Where nothing succeeded, nothing took 0 ms.
const NO_VALUE: &str = "–";

/// Writes a summary of `recording`, which `plan` led to.
pub(crate) fn write(out: &mut dyn Write, plan: &LoadPlan, recording: &Recording) -> io::Result<()> {
    let settings = plan.settings();
    let targets = settings.targets.len();
    let servers =
        if targets == 1 { settings.targets[0].address.clone() } else { format!("{targets} servers") };
    let measured = Duration::from_nanos(recording.window_ns).as_secs_f64();
    writeln!(
        out,
        "{} to {servers} for {measured:.1} s over {}, {}",
        settings.rate,
        counted(recording.connections, "connection"),
        counted(recording.threads, "thread")
    )?;
    if recording.interrupted {
        writeln!(out, "interrupted: these are partial results")?;
    }
    write_latencies(out, recording)?;
    write_counts(out, recording)
}

fn write_latencies(out: &mut dyn Write, recording: &Recording) -> io::Result<()> {
    let Recording { latency_ns, service_ns, send_lag_ns, .. } = recording;
    let columns = [latency_ns, service_ns, send_lag_ns];
    writeln!(out, "\n{:8}{:>12}{:>12}{:>12}", "", "latency", "service", "send lag")?;
    let mut row = |name: &str, value_ns: &dyn Fn(&LatencyHistogram) -> u64| {
        let [latency, service, lag] = columns.map(|histogram| match histogram.count() {
            0 => NO_VALUE.to_owned(),
            _ => milliseconds(value_ns(histogram)),
        });
        writeln!(out, "{name:8}{latency:>12}{service:>12}{lag:>12}")
    };
    for (name, quantile) in SHOWN {
        row(name, &|histogram| histogram.value_at_quantile(quantile))?;
    }
    row("max", &LatencyHistogram::max_ns)?;
    row("mean", &|histogram| histogram.mean_ns() as u64)?;
    writeln!(out)
}

fn write_counts(out: &mut dyn Write, recording: &Recording) -> io::Result<()> {
    let Recording { requests, successes, achieved_rate, reconnects, max_queue_depth, .. } = recording;
    let errors = recording.error_count();
    writeln!(out, "requests  {requests}: {successes} succeeded, {errors} failed")?;
    for (kind, count) in &recording.errors {
        writeln!(out, "          {count} × {kind}")?;
    }
    match recording.offered_rate {
        Some(offered) => writeln!(out, "rate      {achieved_rate:.1} of {offered:.1} per second achieved")?,
        None => writeln!(out, "rate      {achieved_rate:.1} per second achieved")?,
    }
    let opened_extra = match recording.opened_extra {
        0 => String::new(),
        extra => format!("; {} opened for a crowd", counted(extra as u32, "connection")),
    };
    writeln!(
        out,
        "queue     {max_queue_depth} requests at most waited for a connection; {reconnects} reconnects{opened_extra}"
    )?;
    let (share, each) = (recording.cpu_share() * 100.0, recording.cpu_us_per_request());
    let (busiest, switches) =
        (recording.busiest_sender_share() * 100.0, recording.involuntary_context_switches());
    writeln!(
        out,
        "generator {share:.1}% of its threads' CPU, {busiest:.1}% the busiest, {each:.1} µs per request; {switches} times kept from a core"
    )?;
    write_validity(out, &recording.validity)
}

fn write_validity(out: &mut dyn Write, validity: &Validity) -> io::Result<()> {
    if validity.valid {
        return writeln!(out, "verdict   valid: the load was offered as planned");
    }
    writeln!(out, "verdict   INVALID: these figures say little of the server")?;
    validity.reasons.iter().try_for_each(|reason| writeln!(out, "          {reason}"))
}

fn counted(count: u32, thing: &str) -> String {
    if count == 1 { format!("1 {thing}") } else { format!("{count} {thing}s") }
}

fn milliseconds(ns: u64) -> String {
    format!("{:.3} ms", ns as f64 / 1e6)
}

#[cfg(test)]
mod tests {
    use meshbench_core::recording::{ErrorKind, SenderUse};

    use super::*;
    use crate::result::{Measured, recording};
    use crate::tally::{Outcome, Tally};

    const PLAN: &str = r#"{
        "version": 2,
        "targets": [{"name": "web", "address": "127.0.0.1:8080", "requests": [{"path": "/", "weight": 1}]}],
        "rate": "100rps", "ramp_to": null, "arrivals": "constant",
        "duration_ns": 10000000000, "warm_up_ns": 0, "timeout_ns": 5000000000, "drain_ns": 0,
        "connections": 16, "threads": 1, "seed": 0, "start_at_unix_ns": null, "shard": "1/1"
    }"#;

    /// Of a run with 1,000 requests of which `failed` failed, the others taking 1 to 1,000 µs.
    fn summary(failed: u64) -> String {
        let plan: LoadPlan = serde_json::from_str(PLAN).unwrap();
        let mut tally = Tally::new(1);
        for n in 1..=1_000 {
            let failure = if n % 2 == 0 { ErrorKind::Timeout } else { ErrorKind::Reset };
            let outcome = if n <= failed { Outcome::Failure(failure) } else { Outcome::Success };
            tally.record(0, outcome, n * 1_000);
            tally.service.record(n * 900);
            tally.send_lag.record(n * 100 + failed * 10_000);
        }
        tally.answered_in_window = 1_000 - failed;
        let senders = vec![SenderUse { cpu_seconds: 0.04, involuntary_context_switches: 3 }];
        let measured =
            Measured { interrupted: failed > 0, window_ns: 10_000_000_000, cpu_seconds: 0.05, senders };
        let mut out = Vec::new();
        write(&mut out, &plan, &recording(&plan, 1, measured, tally)).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn it_says_what_was_measured_and_whether_it_counts() {
        insta::assert_snapshot!(summary(0), @"
        100rps to 127.0.0.1:8080 for 10.0 s over 16 connections, 1 thread

                     latency     service    send lag
        p50         0.500 ms    0.450 ms    0.050 ms
        p75         0.750 ms    0.675 ms    0.075 ms
        p90         0.900 ms    0.810 ms    0.090 ms
        p99         0.990 ms    0.891 ms    0.099 ms
        p99.9       0.999 ms    0.900 ms    0.100 ms
        p99.99      1.000 ms    0.900 ms    0.100 ms
        max         1.000 ms    0.900 ms    0.100 ms
        mean        0.500 ms    0.450 ms    0.050 ms

        requests  1000: 1000 succeeded, 0 failed
        rate      100.0 of 100.0 per second achieved
        queue     0 requests at most waited for a connection; 0 reconnects
        generator 0.5% of its threads' CPU, 0.4% the busiest, 50.0 µs per request; 3 times kept from a core
        verdict   valid: the load was offered as planned
        ");
        insta::assert_snapshot!(summary(100), @"
        100rps to 127.0.0.1:8080 for 10.0 s over 16 connections, 1 thread
        interrupted: these are partial results

                     latency     service    send lag
        p50         0.550 ms    0.450 ms    1.051 ms
        p75         0.775 ms    0.675 ms    1.075 ms
        p90         0.910 ms    0.810 ms    1.091 ms
        p99         0.991 ms    0.891 ms    1.100 ms
        p99.9       1.000 ms    0.900 ms    1.100 ms
        p99.99      1.000 ms    0.900 ms    1.100 ms
        max         1.000 ms    0.900 ms    1.100 ms
        mean        0.550 ms    0.450 ms    1.050 ms

        requests  1000: 900 succeeded, 100 failed
                  50 × timeout
                  50 × reset
        rate      90.0 of 100.0 per second achieved
        queue     0 requests at most waited for a connection; 0 reconnects
        generator 0.5% of its threads' CPU, 0.4% the busiest, 50.0 µs per request; 3 times kept from a core
        verdict   INVALID: these figures say little of the server
                  achieved 90.0 of 100.0 requests per second (90.0%): lower the rate
                  send lag p99 is 1.10ms where 0.50ms is tolerated; the generator was kept from its core: is the machine busy with something else?
        ");
    }

    #[test]
    fn where_nothing_succeeded_no_latency_is_claimed() {
        let text = summary(1_000);
        let row = text.lines().find(|line| line.starts_with("p50")).unwrap();
        assert_eq!(row.split_whitespace().nth(1), Some(NO_VALUE), "{text}");
    }
}
