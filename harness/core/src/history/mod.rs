//! What became of a case from campaign to campaign: [`series`] of comparable campaigns, with [`Shift`]s to look at.

mod change_point;

use crate::campaign_means::{CampaignMeans, compared_campaigns};
use crate::metric::Metric;

pub use change_point::{ChangePoint, change_points};

/// Campaigns of one case whose numbers can be compared, in their order.
#[derive(Debug, Clone, PartialEq)]
pub struct Series<'a> {
    /// The campaigns; at least one.
    pub campaigns: Vec<&'a CampaignMeans>,
}

/// From one campaign on, a metric seems to be another than before. Advisory: it says where to look, and fails nothing.
#[derive(Debug, Clone, PartialEq)]
pub struct Shift<'a> {
    /// The metric.
    pub metric: Metric,
    /// The first campaign of the new level.
    pub from: &'a CampaignMeans,
    /// The new level over the one before.
    pub ratio: f64,
    /// The chance of a shift as clear as this, or clearer, where there is none.
    pub p: f64,
}

/// The campaigns as series: another series begins wherever case, fingerprint or workload are others.
#[must_use]
pub fn series(campaigns: &[CampaignMeans]) -> Vec<Series<'_>> {
    let mut found: Vec<Series<'_>> = Vec::new();
    for campaign in campaigns {
        let belongs = |series: &&mut Series<'_>| {
            series.campaigns.first().is_some_and(|first| {
                let (was, is) = (&first.subject, &campaign.subject);
                was.case == is.case
                    && was.workload == is.workload
                    && was.fingerprint.differences(&is.fingerprint).is_empty()
            })
        };
        match found.iter_mut().find(belongs) {
            Some(series) => series.campaigns.push(campaign),
            None => found.push(Series { campaigns: vec![campaign] }),
        }
    }
    found
}

impl<'a> Series<'a> {
    /// The metrics that any campaign has.
    pub fn metrics(&self) -> impl Iterator<Item = Metric> {
        let has = |metric: &Metric| self.campaigns.iter().any(|campaign| campaign.mean(*metric).is_some());
        compared_campaigns().filter(has)
    }

    /// Where a metric seems to have shifted.
    #[must_use]
    pub fn shifts(&self, metric: Metric) -> Vec<Shift<'a>> {
        let with_mean =
            self.campaigns.iter().filter_map(|campaign| Some((*campaign, campaign.mean(metric)?.log)));
        let (campaigns, logs): (Vec<_>, Vec<_>) = with_mean.unzip();
        let shift = |point: ChangePoint| Shift {
            metric,
            from: campaigns[point.at],
            ratio: point.step.exp(),
            p: point.p,
        };
        change_points(&logs).into_iter().map(shift).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::campaign_means::tests::means;

    fn campaigns(latencies_ms: &[u64]) -> Vec<CampaignMeans> {
        let numbered = (10..).zip(latencies_ms);
        numbered.map(|(n, &ms)| means(&format!("2026-11-{n}"), &[ms, ms], &[100, 100])).collect()
    }

    #[test]
    fn a_shift_is_found_where_it_began() {
        let campaigns = campaigns(&[200, 203, 198, 201, 202, 199, 230, 233, 228, 231, 229, 234]);
        let all = series(&campaigns);
        assert_eq!(all.len(), 1);
        let shifts = all[0].shifts(Metric::P50);
        assert_eq!(shifts.len(), 1, "{shifts:?}");
        assert_eq!(shifts[0].from.campaign, "2026-11-16");
        assert!((shifts[0].ratio - 1.15).abs() < 0.01 && shifts[0].p < 0.05, "{shifts:?}");
    }

    #[test]
    fn another_kernel_begins_another_series() {
        let mut campaigns = campaigns(&[200, 200, 300, 300]);
        campaigns[2].subject.fingerprint.kernel = "6.18.0".to_owned();
        let lengths: Vec<_> = series(&campaigns).iter().map(|series| series.campaigns.len()).collect();
        assert_eq!(lengths, [3, 1]);
    }
}
