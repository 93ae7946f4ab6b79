//! What a person reads at the end of a run: [`write`].

use std::io::{self, Write};
use std::time::Duration;

use meshbench_core::load_plan::LoadPlan;
use meshbench_core::recording::Recording;
use meshbench_core::validity::Validity;

/// Quantiles of the table, ascending.
const SHOWN: [(&str, f64); 6] =
    [("p50", 0.5), ("p75", 0.75), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999), ("p99.99", 0.9999)];

/// Writes a summary of `recording`, which `plan` led to.
pub(crate) fn write(out: &mut dyn Write, plan: &LoadPlan, recording: &Recording) -> io::Result<()> {
    let settings = plan.settings();
    let targets = settings.targets.len();
    let servers =
        if targets == 1 { settings.targets[0].address.clone() } else { format!("{targets} servers") };
    let measured = Duration::from_nanos(recording.window_ns).as_secs_f64();
    writeln!(
        out,
        "{} to {servers} for {measured:.1} s over {} connections, {} threads",
        settings.rate, recording.connections, recording.threads
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
    for (name, quantile) in SHOWN {
        let [latency, service, lag] =
            columns.map(|histogram| milliseconds(histogram.value_at_quantile(quantile)));
        writeln!(out, "{name:8}{latency:>12}{service:>12}{lag:>12}")?;
    }
    let [latency, service, lag] = columns.map(|histogram| milliseconds(histogram.max_ns()));
    writeln!(out, "{:8}{latency:>12}{service:>12}{lag:>12}", "max")?;
    let [latency, service, lag] = columns.map(|histogram| milliseconds(histogram.mean_ns() as u64));
    writeln!(out, "{:8}{latency:>12}{service:>12}{lag:>12}\n", "mean")
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
    writeln!(
        out,
        "queue     {max_queue_depth} requests at most waited for a connection; {reconnects} reconnects"
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

fn milliseconds(ns: u64) -> String {
    format!("{:.3} ms", ns as f64 / 1e6)
}
