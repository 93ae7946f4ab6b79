//! [`Counters`]: what passed through the sidecar, in Prometheus' text format.

use std::fmt::{self, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A number that only grows.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn increment(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// On which side of the application a request passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    Inbound,
    Outbound,
}

impl fmt::Display for Direction {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Inbound => "inbound",
            Self::Outbound => "outbound",
        })
    }
}

/// What became of the requests of one peer.
#[derive(Debug)]
pub(crate) struct RequestCounters {
    direction: Direction,
    peer: String,
    /// The upstream began a response.
    pub(crate) forwarded: Counter,
    /// Answered with an injected error.
    pub(crate) injected_error: Counter,
    /// The upstream gave no response.
    pub(crate) upstream_failure: Counter,
}

/// Connections of one direction.
#[derive(Debug, Default)]
pub(crate) struct ConnectionCounters {
    /// Handshakes that this side completed.
    pub(crate) tls_accepted: Counter,
    /// Handshakes that failed, on whichever side.
    pub(crate) tls_refused: Counter,
    /// Connections opened towards the upstream.
    pub(crate) opened: Counter,
}

/// All counters of a sidecar.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    requests: Vec<Arc<RequestCounters>>,
    pub(crate) inbound: Arc<ConnectionCounters>,
    pub(crate) outbound: Arc<ConnectionCounters>,
}

impl Counters {
    /// Adds the counters of one more peer.
    pub(crate) fn add_peer(&mut self, direction: Direction, peer: &str) -> Arc<RequestCounters> {
        let counters = Arc::new(RequestCounters {
            direction,
            peer: peer.to_owned(),
            forwarded: Counter::default(),
            injected_error: Counter::default(),
            upstream_failure: Counter::default(),
        });
        self.requests.push(Arc::clone(&counters));
        counters
    }

    /// Everything, as Prometheus reads it.
    pub(crate) fn render(&self) -> String {
        let mut page = String::new();
        // Writing to a String cannot fail.
        let _ = self.write(&mut page);
        page
    }

    fn write(&self, page: &mut String) -> fmt::Result {
        page.push_str("# HELP meshbench_sidecar_requests_total Requests by what became of them.\n");
        page.push_str("# TYPE meshbench_sidecar_requests_total counter\n");
        for counters in &self.requests {
            let RequestCounters { direction, peer, .. } = counters.as_ref();
            for (outcome, counter) in counters.by_outcome() {
                writeln!(
                    page,
                    "meshbench_sidecar_requests_total{{direction=\"{direction}\",peer={peer:?},outcome=\"{outcome}\"}} {}",
                    counter.get()
                )?;
            }
        }
        page.push_str("# HELP meshbench_sidecar_tls_handshakes_total TLS handshakes by result.\n");
        page.push_str("# TYPE meshbench_sidecar_tls_handshakes_total counter\n");
        for (direction, counters) in self.by_direction() {
            for (result, counter) in
                [("accepted", &counters.tls_accepted), ("refused", &counters.tls_refused)]
            {
                writeln!(
                    page,
                    "meshbench_sidecar_tls_handshakes_total{{direction=\"{direction}\",result=\"{result}\"}} {}",
                    counter.get()
                )?;
            }
        }
        page.push_str(
            "# HELP meshbench_sidecar_connections_opened_total Connections opened towards upstreams.\n",
        );
        page.push_str("# TYPE meshbench_sidecar_connections_opened_total counter\n");
        for (direction, counters) in self.by_direction() {
            writeln!(
                page,
                "meshbench_sidecar_connections_opened_total{{direction=\"{direction}\"}} {}",
                counters.opened.get()
            )?;
        }
        Ok(())
    }

    fn by_direction(&self) -> [(Direction, &ConnectionCounters); 2] {
        [(Direction::Inbound, &self.inbound), (Direction::Outbound, &self.outbound)]
    }
}

impl RequestCounters {
    fn by_outcome(&self) -> [(&'static str, &Counter); 3] {
        [
            ("forwarded", &self.forwarded),
            ("injected_error", &self.injected_error),
            ("upstream_failure", &self.upstream_failure),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_names_every_counter() {
        let mut counters = Counters::default();
        counters.add_peer(Direction::Inbound, "application").forwarded.increment();
        counters.add_peer(Direction::Outbound, "emoji-0").upstream_failure.increment();
        counters.inbound.tls_refused.increment();
        counters.outbound.opened.increment();
        insta::assert_snapshot!(counters.render(), @r#"
        # HELP meshbench_sidecar_requests_total Requests by what became of them.
        # TYPE meshbench_sidecar_requests_total counter
        meshbench_sidecar_requests_total{direction="inbound",peer="application",outcome="forwarded"} 1
        meshbench_sidecar_requests_total{direction="inbound",peer="application",outcome="injected_error"} 0
        meshbench_sidecar_requests_total{direction="inbound",peer="application",outcome="upstream_failure"} 0
        meshbench_sidecar_requests_total{direction="outbound",peer="emoji-0",outcome="forwarded"} 0
        meshbench_sidecar_requests_total{direction="outbound",peer="emoji-0",outcome="injected_error"} 0
        meshbench_sidecar_requests_total{direction="outbound",peer="emoji-0",outcome="upstream_failure"} 1
        # HELP meshbench_sidecar_tls_handshakes_total TLS handshakes by result.
        # TYPE meshbench_sidecar_tls_handshakes_total counter
        meshbench_sidecar_tls_handshakes_total{direction="inbound",result="accepted"} 0
        meshbench_sidecar_tls_handshakes_total{direction="inbound",result="refused"} 1
        meshbench_sidecar_tls_handshakes_total{direction="outbound",result="accepted"} 0
        meshbench_sidecar_tls_handshakes_total{direction="outbound",result="refused"} 0
        # HELP meshbench_sidecar_connections_opened_total Connections opened towards upstreams.
        # TYPE meshbench_sidecar_connections_opened_total counter
        meshbench_sidecar_connections_opened_total{direction="inbound"} 0
        meshbench_sidecar_connections_opened_total{direction="outbound"} 1
        "#);
    }
}
