//! Kubernetes' quantities, `100m` or `16Gi`, as numbers.

use k8s_openapi::apimachinery::pkg::api::resource::Quantity;

/// What may follow the number, and what it multiplies thousandths by.
const SUFFIXES: &[(&str, f64)] = &[
    ("Ki", 1024e3),
    ("Mi", 1_048_576e3),
    ("Gi", 1_073_741_824e3),
    ("Ti", 1_099_511_627_776e3),
    ("n", 1e-6),
    ("u", 1e-3),
    ("m", 1.0),
    ("k", 1e6),
    ("M", 1e9),
    ("G", 1e12),
    ("T", 1e15),
];

/// A quantity in thousandths, rounded up as Kubernetes does; nothing for what is no quantity.
pub(super) fn thousandths(quantity: &Quantity) -> Option<u64> {
    let text = quantity.0.as_str();
    let suffix = SUFFIXES.iter().find_map(|(suffix, factor)| Some((text.strip_suffix(suffix)?, *factor)));
    let (number, factor) = suffix.unwrap_or((text, 1e3));
    let number: f64 = number.parse().ok()?;
    (number.is_finite() && number >= 0.0).then(|| (number * factor).ceil() as u64)
}

/// A quantity in whole units, bytes of memory for example, rounded up; nothing for what is no quantity.
pub(in crate::kube) fn units(quantity: &Quantity) -> Option<u64> {
    thousandths(quantity).map(|thousandths| thousandths.div_ceil(1000))
}

/// A quantity of CPU in whole cores, rounded up; nothing for what is no quantity.
pub(in crate::kube) fn cores(quantity: &Quantity) -> Option<u32> {
    units(quantity).and_then(|cores| u32::try_from(cores).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("100m", Some(100))]
    #[case("2", Some(2_000))]
    #[case("0.5", Some(500))]
    #[case("1e3", Some(1_000_000))]
    #[case("1Ki", Some(1_024_000))]
    #[case("24632456Ki", Some(25_223_634_944_000))]
    #[case("1500M", Some(1_500_000_000_000))]
    #[case("1n", Some(1))]
    #[case("-1", None)]
    #[case("much", None)]
    #[case("", None)]
    fn reads_what_kubernetes_writes(#[case] text: &str, #[case] expected: Option<u64>) {
        assert_eq!(thousandths(&Quantity(text.to_owned())), expected);
    }

    #[test]
    fn a_part_of_a_core_is_a_core() {
        assert_eq!(cores(&Quantity("3920m".to_owned())), Some(4));
    }
}
