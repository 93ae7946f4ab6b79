//! Checks how strictly changes are to be judged.

use std::fmt::Display;
use std::str::FromStr;

use super::bounds;
use super::checker::Checker;
use crate::comparison::{FEWEST_PAIRS, Floors, SmallestChanges, Strictness};
use crate::scenario::raw::{RawFloors, RawSmallestChanges, RawStrictness, Written};
use crate::units::{Bytes, Share, Span, TextError};
use crate::yaml::Path;

pub(super) fn check(checker: &mut Checker<'_>, raw: &RawStrictness) -> Option<Strictness> {
    let path = Path::of("judge");
    let alpha = share(checker, &path.key("false_alarms"), &raw.false_alarms);
    let path_of_blocks = path.key("confirming_blocks");
    let confirming_blocks = checker.read_count(&path_of_blocks, &raw.confirming_blocks, bounds::MOST_BLOCKS);
    if let Some(blocks) = confirming_blocks.filter(|blocks| (blocks.get() as usize) < FEWEST_PAIRS) {
        let message = format!("{blocks} blocks confirm nothing; it takes {FEWEST_PAIRS} at least");
        checker.refuse(&path_of_blocks, message, Some("write confirming_blocks: 8".to_owned()));
    }
    let smallest_changes = smallest_changes(checker, &path.key("smallest_changes"), &raw.smallest_changes);
    let floors = floors(checker, &path.key("floors"), &raw.floors);
    Some(Strictness {
        alpha: alpha?,
        confirming_blocks: confirming_blocks?,
        smallest_changes: smallest_changes?,
        floors: floors?,
    })
}

fn smallest_changes(
    checker: &mut Checker<'_>,
    path: &Path,
    raw: &RawSmallestChanges,
) -> Option<SmallestChanges> {
    let latency = share(checker, &path.key("latency"), &raw.latency);
    let cpu = share(checker, &path.key("cpu"), &raw.cpu);
    let memory = share(checker, &path.key("memory"), &raw.memory);
    Some(SmallestChanges { latency: latency?, cpu: cpu?, memory: memory? })
}

fn floors(checker: &mut Checker<'_>, path: &Path, raw: &RawFloors) -> Option<Floors> {
    let nanoseconds = |span: Span| span.as_duration().as_nanos() as f64;
    let p50 = floor(checker, &path.key("p50"), &raw.p50, bounds::HIGHEST_LATENCY_FLOOR);
    let tail = floor(checker, &path.key("tail"), &raw.tail, bounds::HIGHEST_LATENCY_FLOOR);
    let path_of_cpu = path.key("cpu_per_request");
    let cpu = floor(checker, &path_of_cpu, &raw.cpu_per_request, bounds::HIGHEST_CPU_FLOOR);
    let memory: Option<Bytes> =
        floor(checker, &path.key("memory"), &raw.memory, bounds::HIGHEST_MEMORY_FLOOR);
    Some(Floors {
        p50_ns: nanoseconds(p50?),
        tail_ns: nanoseconds(tail?),
        cpu_ns_per_request: nanoseconds(cpu?),
        memory_bytes: memory?.get().get() as f64,
    })
}

fn floor<T>(checker: &mut Checker<'_>, path: &Path, written: &Written<T>, highest: &str) -> Option<T>
where
    T: FromStr<Err = TextError> + PartialOrd + Display,
{
    let floor = checker.read(path, written)?;
    checker.bound(path, &floor, highest).then_some(floor)
}

/// A share that is neither nothing nor a half and more, of which no test could make sense.
fn share(checker: &mut Checker<'_>, path: &Path, written: &Written<Share>) -> Option<f64> {
    let fraction = checker.read(path, written)?.fraction();
    if fraction > 0.0 && fraction < 0.5 {
        return Some(fraction);
    }
    let message = format!("{} makes no sense here; expected above 0% and below 50%", written.text);
    checker.refuse(path, message, None);
    None
}
