//! [`SamplesWriter`]: `samples.csv`, every reading of every container.

use std::borrow::Cow;
use std::io::{self, Write};

use meshbench_core::resources::Sample;

const HEADER: &str = "run,mesh,block,container,group,at_seconds,cpu_seconds,cpu_error_seconds,resident_bytes,\
     rss_bytes,peak_bytes,processes,ended_processes";

/// The run that samples belong to.
#[derive(Debug, Clone, Copy)]
pub struct SampledRun<'a> {
    /// Its folder within the campaign's.
    pub folder: &'a str,
    /// Its mesh.
    pub mesh: &'a str,
    /// Its block, counted from one.
    pub block: u32,
}

/// Writes samples as CSV (RFC 4180, Unix line ends), one row each.
#[derive(Debug)]
pub struct SamplesWriter<W> {
    sink: W,
}

impl<W: Write> SamplesWriter<W> {
    /// Writes the header.
    ///
    /// # Errors
    ///
    /// When the sink cannot be written to.
    pub fn new(mut sink: W) -> io::Result<Self> {
        writeln!(sink, "{HEADER}")?;
        Ok(Self { sink })
    }

    /// Writes one row. Times are in seconds, with every nanosecond.
    ///
    /// # Errors
    ///
    /// When the sink cannot be written to.
    pub fn write(&mut self, run: SampledRun<'_>, sample: &Sample) -> io::Result<()> {
        let SampledRun { folder, mesh, block } = run;
        let Sample { container, resident_bytes, rss_bytes, peak_bytes, processes, .. } = sample;
        let (group, ended) = (sample.group.name(), sample.ended_processes);
        let (folder, mesh, container) = (quoted(folder), quoted(mesh), quoted(container));
        let (at_seconds, cpu_seconds) = (sample.at_ns as f64 / 1e9, sample.cpu_ns as f64 / 1e9);
        let cpu_error_seconds = sample.cpu_error_ns as f64 / 1e9;
        writeln!(
            self.sink,
            "{folder},{mesh},{block},{container},{group},{at_seconds:.9},{cpu_seconds:.9},\
             {cpu_error_seconds:.9},{resident_bytes},{rss_bytes},{peak_bytes},{processes},{ended}"
        )
    }
}

fn quoted(text: &str) -> Cow<'_, str> {
    if text.contains(['"', ',', '\n', '\r']) {
        Cow::Owned(format!("\"{}\"", text.replace('"', "\"\"")))
    } else {
        Cow::Borrowed(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use meshbench_core::resources::Group;

    #[test]
    fn a_row_is_a_sample_and_hostile_names_stay_in_their_field() {
        let mut sample = Sample {
            at_ns: -1_250_000_000,
            container: "web-0/sidecar".to_owned(),
            group: Group::DataPlane,
            cpu_ns: 1_000_000_001,
            cpu_error_ns: 20_000_000,
            resident_bytes: 4_096,
            rss_bytes: 2_048,
            peak_bytes: 8_192,
            processes: 1,
            ended_processes: 0,
        };
        let run = SampledRun { folder: "runs/1-bare", mesh: "bare", block: 1 };
        let mut written = Vec::new();
        let mut writer = SamplesWriter::new(&mut written).unwrap();
        writer.write(run, &sample).unwrap();
        sample.container = "web \"0\", the\nfirst".to_owned();
        writer.write(run, &sample).unwrap();
        insta::assert_snapshot!(String::from_utf8(written).unwrap(), @r#"
        run,mesh,block,container,group,at_seconds,cpu_seconds,cpu_error_seconds,resident_bytes,rss_bytes,peak_bytes,processes,ended_processes
        runs/1-bare,bare,1,web-0/sidecar,data plane,-1.250000000,1.000000001,0.020000000,4096,2048,8192,1,0
        runs/1-bare,bare,1,"web ""0"", the
        first",data plane,-1.250000000,1.000000001,0.020000000,4096,2048,8192,1,0
        "#);
    }
}
