//! [`Search`]: which rate to probe next, and when to stop.

use std::num::NonZeroU64;

use super::posterior::Posterior;
use super::{Answer, Conclusion, Credible, LimitPlan, Owner, Probe, Purpose};
use crate::units::OfferedRate;

/// A candidate is the rate below which the limit lies with this probability: it shall hold. It is not more than a step below
/// the median, however far down a few odd answers have left a little probability.
const BELOW_A_CANDIDATE: f64 = 0.2;
/// It is worth confirming when the limit lies less than a step above it with this probability.
const WITHIN_A_STEP: f64 = 0.7;
/// How many candidates are tried to be confirmed.
const MOST_CANDIDATES: u32 = 12;
/// By what part of a step the next candidate is lower where one did not hold. What is found then is what holds every time,
/// even where the limit is a matter of luck over several percent, as on machines that are never twice the same.
const RETREAT: f64 = 0.25;
/// After so many that did not hold, the next are a whole step lower each: where luck decides over a tenth of the rate,
/// candidates side by side would all lie in the midst of it.
const CANDIDATES_SIDE_BY_SIDE: u32 = 7;
/// Answers are wrong, or lie on the edge, so often that it takes so many probes where halving a range would take one.
const PROBES_PER_HALVING: f64 = 1.25;
/// Probes that every search may take besides.
const PROBES_BESIDES: u32 = 2;
/// How many probes are asked again because others took CPU time from them, or the application ended: they say little of the
/// mesh.
const MOST_DISTURBED: u32 = 4;
/// What an interval misses on each side.
const MISSED_ON_A_SIDE: f64 = 0.025;
/// Into how many parts distributions are divided to be compared.
const PARTS: u32 = 200;

/// The search for the limit of one mesh. It knows no clock and does nothing by itself: [`Search::next`] says what to
/// probe, and [`Search::learn`] takes what came of it.
#[derive(Debug, Clone)]
pub struct Search {
    /// The range.
    range: (OfferedRate, OfferedRate),
    /// It and the precision, as logarithms.
    from: f64,
    to: f64,
    step: f64,
    confirmations: u32,
    posterior: Posterior,
    /// Probes that may still look for a candidate.
    left_to_locate: u32,
    candidates: u32,
    /// Probes that may still be asked again.
    disturbed_left: u32,
    /// The lowest rate that was not held, and who gave out there.
    lowest_not_held: Option<(f64, Owner)>,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum State {
    Locating,
    Confirming(Candidate),
    Concluded(Conclusion),
}

/// A rate that shall hold so often, while one a step above it shall not.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Candidate {
    log_rate: f64,
    held: u32,
    /// Who gave out above it, once that has been seen.
    ended_by: Option<Owner>,
}

impl Search {
    /// A search that has asked nothing yet.
    #[must_use]
    pub fn new(plan: &LimitPlan) -> Self {
        let (from, to, step) = (log(plan.from), log(plan.to), plan.step());
        Self {
            range: (plan.from, plan.to),
            from,
            to,
            step,
            confirmations: plan.confirmations.get(),
            posterior: Posterior::uniform(from..to, step),
            left_to_locate: most_to_locate(to - from, step),
            candidates: 0,
            disturbed_left: MOST_DISTURBED,
            lowest_not_held: None,
            state: State::Locating,
        }
    }

    /// The most probes that a search by this plan can take.
    #[must_use]
    pub fn most_probes(plan: &LimitPlan) -> u32 {
        let locating = most_to_locate(log(plan.to) - log(plan.from), plan.step());
        locating + MOST_CANDIDATES * (plan.confirmations.get() + 1) + MOST_DISTURBED
    }

    /// What to probe next; `None` when there is nothing left to ask.
    #[must_use]
    pub fn next(&self) -> Option<Probe> {
        let (log_rate, purpose) = match self.state {
            State::Locating => (self.posterior.quantile(0.5).clamp(self.from, self.to), Purpose::Locate),
            // What may contradict the candidate comes early: once there, then above, then the rest.
            State::Confirming(Candidate { log_rate, held: 1.., ended_by: None }) => {
                ((log_rate + self.step).min(self.to), Purpose::Exceed)
            }
            State::Confirming(Candidate { log_rate, .. }) => (log_rate, Purpose::Confirm),
            State::Concluded(_) => return None,
        };
        Some(Probe { rate: self.rate_of(log_rate), purpose })
    }

    /// Takes what came of a probe that [`Search::next`] asked for. One that was disturbed is asked again, a few times.
    pub fn learn(&mut self, probe: Probe, answer: Answer) {
        if answer == Answer::NotHeld(Owner::Machine) && self.disturbed_left > 0 {
            self.disturbed_left -= 1;
            return;
        }
        self.remember(log(probe.rate), answer);
        self.state = match (self.state, answer) {
            (State::Locating, _) => {
                self.left_to_locate = self.left_to_locate.saturating_sub(1);
                self.after_locating()
            }
            (State::Confirming(candidate), Answer::Held) if probe.purpose == Purpose::Confirm => {
                self.after_agreement(Candidate { held: candidate.held + 1, ..candidate })
            }
            (State::Confirming(candidate), Answer::NotHeld(owner)) if probe.purpose == Purpose::Exceed => {
                self.after_agreement(Candidate { ended_by: Some(owner), ..candidate })
            }
            (State::Confirming(candidate), answer) => self.after_contradiction(candidate, answer),
            (State::Concluded(conclusion), _) => State::Concluded(conclusion),
        };
    }

    /// What it came to, or would if it ended here.
    #[must_use]
    pub fn conclusion(&self) -> Conclusion {
        match self.state {
            State::Concluded(conclusion) => conclusion,
            State::Locating | State::Confirming(_) => Conclusion::Unsettled,
        }
    }

    /// Between which rates the limit lies with a probability of 95%. What was found to hold every time may be lower than
    /// what holds every other time, and is in it.
    #[must_use]
    pub fn interval(&self) -> Credible {
        let [low, median, high] =
            [MISSED_ON_A_SIDE, 0.5, 1.0 - MISSED_ON_A_SIDE].map(|part| self.posterior.quantile(part).exp());
        let found = self.conclusion().rate().map_or(low, OfferedRate::requests_per_second);
        Credible { low: low.min(found), median, high: high.max(found) }
    }

    /// What part of another search's limit this one's is: the rates that were found over each other, and between which
    /// values that lies with a probability of 95%. `None` where either has none.
    #[must_use]
    pub fn share_of(&self, other: &Self) -> Option<Credible> {
        let share = self.conclusion().rate()?.requests_per_second()
            / other.conclusion().rate()?.requests_per_second();
        let others: Vec<f64> = other.posterior.parts(PARTS).collect();
        let ours = self.posterior.parts(PARTS);
        let mut ratios: Vec<f64> = ours.flat_map(|our| others.iter().map(move |other| our - other)).collect();
        ratios.sort_by(f64::total_cmp);
        let at = |part: f64| ratios.get((part * ratios.len() as f64) as usize).copied().unwrap_or(0.0).exp();
        // What holds every time is less than what holds every other time, of which the distributions tell.
        let (low, high) = (at(MISSED_ON_A_SIDE).min(share), at(1.0 - MISSED_ON_A_SIDE).max(share));
        Some(Credible { low, median: share, high })
    }

    /// The rate at this logarithm, not beyond what was asked for.
    fn rate_of(&self, log_rate: f64) -> OfferedRate {
        let (from, to) = self.range;
        rounded(log_rate).clamp(from, to)
    }

    fn remember(&mut self, log_rate: f64, answer: Answer) {
        self.posterior.learn(log_rate, answer == Answer::Held);
        if let Answer::NotHeld(owner) = answer
            && self.lowest_not_held.is_none_or(|(lowest, _)| log_rate <= lowest)
        {
            self.lowest_not_held = Some((log_rate, owner));
        }
    }

    fn below_range(&self) -> State {
        let owner = self.lowest_not_held.map_or(Owner::Mesh, |(_, owner)| owner);
        State::Concluded(Conclusion::BelowRange { owner })
    }

    /// The highest rate that is likely to hold.
    fn likely_to_hold(&self) -> f64 {
        let not_far_below = self.posterior.quantile(0.5) - self.step;
        self.posterior.quantile(BELOW_A_CANDIDATE).max(not_far_below).min(self.to)
    }

    fn after_locating(&self) -> State {
        let log_rate = self.likely_to_hold();
        if self.posterior.above(self.from) < BELOW_A_CANDIDATE {
            return self.below_range();
        }
        let within_a_step = self.posterior.above(log_rate) - self.posterior.above(log_rate + self.step);
        let is_worth_it = log_rate >= self.to || within_a_step >= WITHIN_A_STEP;
        if !is_worth_it && self.left_to_locate > 0 {
            return State::Locating;
        }
        let ended_by = (log_rate >= self.to).then_some(Owner::Range);
        State::Confirming(Candidate { log_rate: log_rate.max(self.from), held: 0, ended_by })
    }

    fn after_agreement(&self, candidate: Candidate) -> State {
        match candidate.ended_by {
            Some(owner) if candidate.held >= self.confirmations => {
                let rate = self.rate_of(candidate.log_rate);
                State::Concluded(match owner {
                    Owner::Mesh => Conclusion::Found { rate },
                    owner => Conclusion::AtLeast { rate, owner },
                })
            }
            _ => State::Confirming(candidate),
        }
    }

    /// Where a candidate did not hold, it is what gave out above the next, if that is no more than a step lower; where more
    /// held, that is the next.
    fn after_contradiction(&mut self, Candidate { log_rate, .. }: Candidate, answer: Answer) -> State {
        self.candidates += 1;
        if self.candidates >= MOST_CANDIDATES {
            return State::Concluded(Conclusion::Unsettled);
        }
        match answer {
            Answer::Held => {
                let log_rate = (log_rate + self.step).min(self.to);
                let ended_by = (log_rate >= self.to).then_some(Owner::Range);
                self.after_agreement(Candidate { log_rate, held: 1, ended_by })
            }
            Answer::NotHeld(_) if log_rate <= self.from => self.below_range(),
            Answer::NotHeld(owner) => {
                let failed = log_rate;
                let part = if self.candidates <= CANDIDATES_SIDE_BY_SIDE { RETREAT } else { 1.0 };
                let lower = failed - part * self.step;
                let log_rate = lower.min(self.likely_to_hold()).max(self.from);
                let ended_by = (failed <= log_rate + self.step).then_some(owner);
                State::Confirming(Candidate { log_rate, held: 0, ended_by })
            }
        }
    }
}

fn log(rate: OfferedRate) -> f64 {
    rate.requests_per_second().ln()
}

/// The rate at this logarithm, at four significant digits: nobody asks for `203.417rps`.
fn rounded(log_rate: f64) -> OfferedRate {
    const DIGITS: i32 = 4;
    let millirequests = log_rate.exp() * 1e3;
    let unit = 10_f64.powi((millirequests.max(1.0).log10().floor() as i32 + 1 - DIGITS).max(0));
    let rounded = ((millirequests / unit).round() * unit) as u64;
    OfferedRate::from_millirequests_per_second(NonZeroU64::new(rounded).unwrap_or(NonZeroU64::MIN))
}

/// The most probes that look for the first candidate in a range of this width.
fn most_to_locate(width: f64, step: f64) -> u32 {
    let halvings = (width / step).max(1.0).log2();
    (PROBES_PER_HALVING * halvings).ceil() as u32 + PROBES_BESIDES
}

#[cfg(test)]
mod simulation;
