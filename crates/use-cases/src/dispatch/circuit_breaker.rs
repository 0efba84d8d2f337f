//! Leaving an endpoint alone that does not answer.

use std::time::Duration;

use tokio::time::Instant;

/// Opens after some tries in a row that got no answer at all, lets one try through after a while, and closes when any
/// try is answered. An endpoint that answers with an error is there: its tries go by the schedule.
///
/// While it is open nothing is tried, so that no delivery uses up its tries on an endpoint that is down.
#[derive(Debug)]
pub(super) struct CircuitBreaker {
    unanswered: u32,
    /// Until when nothing is tried, where it is open.
    open_until: Option<Instant>,
    pause: Duration,
}

impl CircuitBreaker {
    /// How many tries in a row without an answer open it.
    const LIMIT: u32 = 10;
    /// How long it is open at first; each failed try after that doubles it.
    const FIRST_PAUSE: Duration = Duration::from_secs(1);
    /// The longest pause.
    const LONGEST_PAUSE: Duration = Duration::from_mins(1);

    pub(super) fn new() -> Self {
        Self { unanswered: 0, open_until: None, pause: Self::FIRST_PAUSE }
    }

    /// How many tries may be under way at once; `most` while it is closed.
    pub(super) fn allows(&self, most: usize, now: Instant) -> usize {
        match self.open_until {
            None => most,
            Some(until) if now < until => 0,
            // Half open: one try finds out.
            Some(_) => 1,
        }
    }

    /// When it lets a try through, where it does not now.
    pub(super) fn opens_at(&self, now: Instant) -> Option<Instant> {
        self.open_until.filter(|until| now < *until)
    }

    /// A try got an answer, or none.
    pub(super) fn note(&mut self, is_answered: bool, now: Instant) {
        if is_answered {
            *self = Self::new();
            return;
        }
        self.unanswered = self.unanswered.saturating_add(1);
        match self.open_until {
            None if self.unanswered >= Self::LIMIT => self.open_until = Some(now + self.pause),
            // Tries that were under way when it opened say nothing new.
            Some(until) if now >= until => {
                self.pause = (self.pause * 2).min(Self::LONGEST_PAUSE);
                self.open_until = Some(now + self.pause);
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opened(now: Instant) -> CircuitBreaker {
        let mut breaker = CircuitBreaker::new();
        for _ in 0..CircuitBreaker::LIMIT {
            breaker.note(false, now);
        }
        breaker
    }

    #[test]
    fn it_opens_when_nothing_is_answered_and_not_before() {
        let now = Instant::now();
        let mut breaker = CircuitBreaker::new();
        for _ in 1..CircuitBreaker::LIMIT {
            breaker.note(false, now);
        }
        assert_eq!(breaker.allows(64, now), 64);
        breaker.note(false, now);
        assert_eq!(breaker.allows(64, now), 0);
        assert_eq!(breaker.opens_at(now), Some(now + CircuitBreaker::FIRST_PAUSE));
    }

    #[test]
    fn an_answer_in_between_counts_from_anew() {
        let now = Instant::now();
        let mut breaker = CircuitBreaker::new();
        for n in 0..100 {
            breaker.note(n % 9 == 8, now);
        }
        assert_eq!(breaker.allows(64, now), 64);
    }

    #[test]
    fn after_a_while_one_try_finds_out() {
        let now = Instant::now();
        let mut breaker = opened(now);
        let later = now + CircuitBreaker::FIRST_PAUSE;
        assert_eq!((breaker.allows(64, later), breaker.opens_at(later)), (1, None));
        breaker.note(false, later);
        assert_eq!(breaker.opens_at(later), Some(later + CircuitBreaker::FIRST_PAUSE * 2));
        let again = later + CircuitBreaker::FIRST_PAUSE * 2;
        breaker.note(true, again);
        assert_eq!(breaker.allows(64, again), 64);
    }

    #[test]
    fn tries_that_were_under_way_when_it_opened_do_not_prolong_it() {
        let now = Instant::now();
        let mut breaker = opened(now);
        for _ in 0..50 {
            breaker.note(false, now);
        }
        assert_eq!(breaker.opens_at(now), Some(now + CircuitBreaker::FIRST_PAUSE));
    }

    #[test]
    fn it_is_never_open_for_long() {
        let mut now = Instant::now();
        let mut breaker = opened(now);
        for _ in 0..20 {
            now = breaker.opens_at(now).unwrap();
            breaker.note(false, now);
        }
        assert_eq!(breaker.opens_at(now), Some(now + CircuitBreaker::LONGEST_PAUSE));
    }
}
