//! Invariants of all quantities.

use std::num::NonZeroU64;
use std::time::Duration;

use proptest::prelude::*;
use rstest::rstest;

use super::{Bytes, OfferedRate, Share, Span};

proptest! {
    #[test]
    fn a_rate_reads_back_as_displayed(thousandths in 1_u64..) {
        let rate = OfferedRate::from_millirequests_per_second(NonZeroU64::new(thousandths).unwrap());
        prop_assert_eq!(rate.to_string().parse::<OfferedRate>(), Ok(rate));
    }

    #[test]
    fn a_span_reads_back_as_displayed(seconds in 0_u64..4_000_000_000, nanoseconds in 1_u32..1_000_000_000) {
        let span = Span::try_new(Duration::new(seconds, nanoseconds)).unwrap();
        prop_assert_eq!(span.to_string().parse::<Span>(), Ok(span));
    }

    #[test]
    fn memory_reads_back_as_displayed(bytes in 1_u64.., unit in prop::sample::select(vec![0, 10, 20, 30])) {
        let bytes = ((bytes >> unit).max(1)) << unit;
        let amount: Bytes = format!("{bytes}B").parse().unwrap();
        prop_assert_eq!(amount.get().get(), bytes);
        prop_assert_eq!(amount.to_string().parse::<Bytes>(), Ok(amount));
    }

    #[test]
    fn a_share_reads_back_as_displayed(whole in 0_u32..100, millionths in 0_u32..1_000_000) {
        let share: Share = format!("{whole}.{millionths:06}%").parse().unwrap();
        prop_assert_eq!(share.to_string().parse::<Share>(), Ok(share));
    }

    #[test]
    fn no_text_makes_reading_panic(text in "\\PC*") {
        _ = text.parse::<OfferedRate>();
        _ = text.parse::<Span>();
        _ = text.parse::<Share>();
        _ = text.parse::<Bytes>();
    }
}

#[rstest]
#[case("500rps", 500_000, "500rps")]
#[case("500 rps", 500_000, "500rps")]
#[case("2.5krps", 2_500_000, "2500rps")]
#[case("0.5rps", 500, "0.5rps")]
#[case("0.001rps", 1, "0.001rps")]
#[case("1.50rps", 1_500, "1.5rps")]
fn rates_are_exact(#[case] text: &str, #[case] thousandths: u64, #[case] canonical: &str) {
    let rate: OfferedRate = text.parse().unwrap();
    assert_eq!(rate.millirequests_per_second().get(), thousandths);
    assert_eq!(rate.to_string(), canonical);
}

#[rstest]
#[case("500ms", 500_000_000, "500ms")]
#[case("60s", 60_000_000_000, "1m")]
#[case("1h 30m", 5_400_000_000_000, "1h30m")]
#[case("1.5ms", 1_500_000, "1ms500us")]
fn spans_are_exact(#[case] text: &str, #[case] nanoseconds: u128, #[case] canonical: &str) {
    let span: Span = text.parse().unwrap();
    assert_eq!(span.as_duration().as_nanos(), nanoseconds);
    assert_eq!(span.to_string(), canonical);
}

#[rstest]
#[case("0%", 0.0)]
#[case("0.1%", 0.001)]
#[case("99%", 0.99)]
#[case("100%", 1.0)]
fn shares_are_fractions(#[case] text: &str, #[case] fraction: f64) {
    assert_eq!(text.parse::<Share>().unwrap().fraction(), fraction);
}

#[rstest]
#[case("500MiB", 524_288_000, "500MiB")]
#[case("1.5GiB", 1_610_612_736, "1536MiB")]
#[case("1kB", 1_000, "1000B")]
fn memory_is_exact(#[case] text: &str, #[case] bytes: u64, #[case] canonical: &str) {
    let amount: Bytes = text.parse().unwrap();
    assert_eq!(amount.get().get(), bytes);
    assert_eq!(amount.to_string(), canonical);
}
